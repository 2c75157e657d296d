-- Receivers of teams: who has taken an incident on is a page too, and a receiver may keep something of each page.
alter table outbox drop constraint outbox_transition_check;
alter table outbox add check (transition in ('firing', 'graver', 'escalated', 'acknowledged', 'resolved'));

alter table delivery add column kept jsonb;
-- Refused for what is in it: the pages behind do not wait for it.
alter table delivery add column aside boolean not null default false;
create index delivery_waiting on delivery (notifier, page) where delivered is null;

-- Where receivers are, for the time when no name resolves.
create table receiver_address (
    host       text primary key,
    addresses  text[] not null,
    resolved   timestamptz not null default now()
);

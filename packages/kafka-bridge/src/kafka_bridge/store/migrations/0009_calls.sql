-- Each call of an incident is a page of its own, told apart by its number among the incident's calls.
alter table outbox add column number int not null default 0;
alter table outbox drop constraint outbox_transition_check;
alter table outbox add check (transition in ('firing', 'graver', 'escalated', 'resolved'));
alter table outbox drop constraint outbox_incident_transition_key;
alter table outbox add unique (incident, transition, number);

create table silence (
    id       text primary key default replace(gen_random_uuid()::text, '-', ''),
    started  timestamptz not null default now(),
    ends     timestamptz not null,
    reason   text not null,
    actor    text not null,
    zone     text,
    rule     text,
    owner    text,
    check (ends > started),
    check (zone is not null or rule is not null or owner is not null)
);
create index silence_ends on silence (ends);

create table acknowledgement (
    incident  text primary key references incident (id) on delete cascade,
    at        timestamptz not null default now(),
    actor     text not null,
    note      text not null
);

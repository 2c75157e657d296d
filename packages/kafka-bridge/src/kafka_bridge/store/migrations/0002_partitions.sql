-- Several partitions, each with its clock; one correlation for all of them, with its own queue.

alter table zone_state add column partition int not null default 0;
create index zone_state_partition on zone_state (partition);

-- Before this no zone of the partition has findings to come.
alter table bus_offset add column sealed timestamptz;

-- Findings on their way to the correlation, which deletes what it has taken in.
create table finding_queue (
    seq   bigint generated always as identity primary key,
    body  jsonb not null
);

-- What is still to be told to the topics `dns.findings` and `dns.incidents`, in its order.
create table publication (
    seq    bigint generated always as identity primary key,
    topic  text not null,
    key    text not null,
    body   jsonb not null
);

-- A dead letter knows its topic, and whether it was sent again.
alter table deadletter add column topic text;
alter table deadletter add column retried timestamptz;
create unique index deadletter_place on deadletter (topic, partition, "offset", md5(payload)) where topic is not null;

-- Who did what: changed inventories and rules, topics and ACLs, dead letters sent again, drills.
create table audit_log (
    seq     bigint generated always as identity primary key,
    at      timestamptz not null default now(),
    actor   text not null,
    action  text not null,
    detail  jsonb not null
);

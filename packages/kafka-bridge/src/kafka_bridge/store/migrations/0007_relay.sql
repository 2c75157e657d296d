-- Zones that are spread over partitions: events on their way to the partition in which their zone is judged.
create table relay (
    seq   bigint generated always as identity primary key,
    home  int not null,
    event bytea not null
);
create index relay_home on relay (home, seq);

-- Up to when everything that was sent into this partition was read and committed, whether time has passed or not.
alter table bus_offset add column heard timestamptz;

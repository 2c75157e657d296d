-- Plain PostgreSQL, and TimescaleDB under its Apache licence: roll-ups of our own (see rollup.py).
-- A level holds what is closed, and of the bucket that is still open what the level below has closed of it; its view
-- (plain_views.sql) adds the little that is left, so that it is always whole.

create table zone_minute_closed (
    minute       timestamptz not null,
    zone         text not null,
    region       text not null,
    role         text not null,
    answer       bigint not null,
    nodata       bigint not null,
    nxdomain     bigint not null,
    referral     bigint not null,
    refused      bigint not null,
    servfail     bigint not null,
    error        bigint not null,
    timeout      bigint not null,
    unreachable  bigint not null,
    malformed    bigint not null,
    secure       bigint not null,
    bogus        bigint not null,
    primary key (zone, minute, region, role)
);
create index zone_minute_closed_minute on zone_minute_closed (minute);
create table zone_hour_closed (
    hour         timestamptz not null,
    zone         text not null,
    region       text not null,
    role         text not null,
    answer       bigint not null,
    nodata       bigint not null,
    nxdomain     bigint not null,
    referral     bigint not null,
    refused      bigint not null,
    servfail     bigint not null,
    error        bigint not null,
    timeout      bigint not null,
    unreachable  bigint not null,
    malformed    bigint not null,
    secure       bigint not null,
    bogus        bigint not null,
    primary key (zone, hour, region, role)
);
create index zone_hour_closed_hour on zone_hour_closed (hour);
create table zone_day_closed (
    day          timestamptz not null,
    zone         text not null,
    region       text not null,
    role         text not null,
    answer       bigint not null,
    nodata       bigint not null,
    nxdomain     bigint not null,
    referral     bigint not null,
    refused      bigint not null,
    servfail     bigint not null,
    error        bigint not null,
    timeout      bigint not null,
    unreachable  bigint not null,
    malformed    bigint not null,
    secure       bigint not null,
    bogus        bigint not null,
    primary key (zone, day, region, role)
);
create index zone_day_closed_day on zone_day_closed (day);
create table latency_hour_closed (
    hour         timestamptz not null,
    zone         text not null,
    region       text not null,
    role         text not null,
    bucket  smallint not null,
    count   bigint not null,
    primary key (zone, hour, region, role, bucket)
);
create index latency_hour_closed_hour on latency_hour_closed (hour);
create table latency_day_closed (
    day          timestamptz not null,
    zone         text not null,
    region       text not null,
    role         text not null,
    bucket  smallint not null,
    count   bigint not null,
    primary key (zone, day, region, role, bucket)
);
create index latency_day_closed_day on latency_day_closed (day);

insert into rollup (level, closing, closed)
    select level, 'epoch', 'epoch' from unnest(array['minute', 'hour', 'day']) as levels (level);

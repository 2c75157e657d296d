-- Plain PostgreSQL, and TimescaleDB under its Apache licence: roll-ups of our own (see rollup.py).
-- A level holds what is closed; its view adds what is not closed yet from the level below, so that it is always whole.

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

create view zone_minute as
    select minute, zone, region, role,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
           bogus
    from zone_minute_closed where minute < (select closed from rollup where level = 'minute')
    union all
    select minute, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from observation_minute where minute >= (select closed from rollup where level = 'minute')
    group by 1, 2, 3, 4;

create view zone_hour as
    select hour, zone, region, role,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
           bogus
    from zone_hour_closed where hour < (select closed from rollup where level = 'hour')
    union all
    select date_bin('1 hour', minute, timestamptz '2000-01-03 00:00+00'), zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from zone_minute where minute >= (select closed from rollup where level = 'hour')
    group by 1, 2, 3, 4;

create view zone_day as
    select day, zone, region, role,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
           bogus
    from zone_day_closed where day < (select closed from rollup where level = 'day')
    union all
    select date_bin('1 day', hour, timestamptz '2000-01-03 00:00+00'), zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from zone_hour where hour >= (select closed from rollup where level = 'day')
    group by 1, 2, 3, 4;

create view latency_hour as
    select hour, zone, region, role, bucket, count
    from latency_hour_closed where hour < (select closed from rollup where level = 'hour')
    union all
    select date_bin('1 hour', minute, timestamptz '2000-01-03 00:00+00'), zone, region, role, bucket, sum(count)::bigint
    from latency_minute where minute >= (select closed from rollup where level = 'hour')
    group by 1, 2, 3, 4, 5;

create view latency_day as
    select day, zone, region, role, bucket, count
    from latency_day_closed where day < (select closed from rollup where level = 'day')
    union all
    select date_bin('1 day', hour, timestamptz '2000-01-03 00:00+00'), zone, region, role, bucket, sum(count)::bigint
    from latency_hour where hour >= (select closed from rollup where level = 'day')
    group by 1, 2, 3, 4, 5;

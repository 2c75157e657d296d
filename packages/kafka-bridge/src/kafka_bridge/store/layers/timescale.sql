-- TimescaleDB under its own licence: hypertables, continuous aggregates over each other, columnstore.
-- Policies stand in timescale.py, because their times are the user's.

select create_hypertable('observation_minute', by_range('minute', interval '1 day'), migrate_data => true, create_default_indexes => false);
select create_hypertable('latency_minute', by_range('minute', interval '1 day'), migrate_data => true, create_default_indexes => false);
select create_hypertable('zone_health_minute', by_range('minute', interval '1 day'), migrate_data => true, create_default_indexes => false);
select create_hypertable('estate_minute', by_range('minute', interval '1 day'), migrate_data => true, create_default_indexes => false);
select create_hypertable('estate_latency_minute', by_range('minute', interval '1 day'), migrate_data => true, create_default_indexes => false);
select create_hypertable('traffic_minute', by_range('minute', interval '1 day'), migrate_data => true, create_default_indexes => false);

alter table observation_minute set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'zone', timescaledb.orderby = 'minute, name, qtype, region');
alter table latency_minute set (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'zone', timescaledb.orderby = 'minute, region, server, bucket');

create materialized view zone_minute with (timescaledb.continuous, timescaledb.materialized_only = false) as
    select time_bucket('1 minute', minute) as minute, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from observation_minute
    group by 1, 2, 3, 4
    with no data;

create materialized view zone_hour with (timescaledb.continuous, timescaledb.materialized_only = false) as
    select time_bucket('1 hour', minute) as hour, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from zone_minute
    group by 1, 2, 3, 4
    with no data;

create materialized view zone_day with (timescaledb.continuous, timescaledb.materialized_only = false) as
    select time_bucket('1 day', hour) as day, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from zone_hour
    group by 1, 2, 3, 4
    with no data;

create materialized view latency_hour with (timescaledb.continuous, timescaledb.materialized_only = false) as
    select time_bucket('1 hour', minute) as hour, zone, region, role, bucket, sum(count)::bigint as count
    from latency_minute
    group by 1, 2, 3, 4, 5
    with no data;

create materialized view latency_day with (timescaledb.continuous, timescaledb.materialized_only = false) as
    select time_bucket('1 day', hour) as day, zone, region, role, bucket, sum(count)::bigint as count
    from latency_hour
    group by 1, 2, 3, 4, 5
    with no data;
alter materialized view zone_hour set (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'zone');
alter materialized view zone_day set (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'zone');
alter materialized view latency_hour set (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'zone');
alter materialized view latency_day set (timescaledb.enable_columnstore = true, timescaledb.segmentby = 'zone');

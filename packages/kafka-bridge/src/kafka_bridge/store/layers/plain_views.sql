-- The levels of plain.sql as they are read, laid again whenever this text is another. Closed rows are most of all:
-- `is true` keeps the planner from taking `<` and a reader's `>=` for a narrow range, and so for a few rows.

create or replace view zone_minute as
    select minute, zone, region, role,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
           bogus
    from zone_minute_closed where (minute < (select closed from rollup where level = 'minute')) is true
    union all
    select minute, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from observation_minute where minute >= (select closed from rollup where level = 'minute')
    group by 1, 2, 3, 4;

create or replace view zone_hour as
    select hour, zone, region, role,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
           bogus
    from zone_hour_closed where (hour < (select closed from rollup where level = 'hour')) is true
    union all
    select hour, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from (
          select hour, zone, region, role,
                 answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
                 bogus
          from zone_hour_closed where hour >= (select closed from rollup where level = 'hour')
          union all
          select date_bin('1 hour', minute, timestamptz '2000-01-03 00:00+00'), zone, region, role,
                 answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
                 bogus
          from zone_minute where minute >= (select closed from rollup where level = 'minute')
         ) as open
    group by 1, 2, 3, 4;

create or replace view zone_day as
    select day, zone, region, role,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
           bogus
    from zone_day_closed where (day < (select closed from rollup where level = 'day')) is true
    union all
    select day, zone, region, role,
           sum(answer)::bigint as answer, sum(nodata)::bigint as nodata, sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral, sum(refused)::bigint as refused, sum(servfail)::bigint as servfail,
           sum(error)::bigint as error, sum(timeout)::bigint as timeout, sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed, sum(secure)::bigint as secure, sum(bogus)::bigint as bogus
    from (
          select day, zone, region, role,
                 answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
                 bogus
          from zone_day_closed where day >= (select closed from rollup where level = 'day')
          union all
          select date_bin('1 day', hour, timestamptz '2000-01-03 00:00+00'), zone, region, role,
                 answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed, secure,
                 bogus
          from zone_hour where hour >= (select closed from rollup where level = 'hour')
         ) as open
    group by 1, 2, 3, 4;

create or replace view latency_hour as
    select hour, zone, region, role, bucket, count
    from latency_hour_closed where (hour < (select closed from rollup where level = 'hour')) is true
    union all
    select hour, zone, region, role, bucket, sum(count)::bigint
    from (
          select hour, zone, region, role, bucket, count
          from latency_hour_closed where hour >= (select closed from rollup where level = 'hour')
          union all
          select date_bin('1 hour', minute, timestamptz '2000-01-03 00:00+00'), zone, region, role, bucket, count
          from latency_minute where minute >= (select closed from rollup where level = 'minute')
         ) as open
    group by 1, 2, 3, 4, 5;

create or replace view latency_day as
    select day, zone, region, role, bucket, count
    from latency_day_closed where (day < (select closed from rollup where level = 'day')) is true
    union all
    select day, zone, region, role, bucket, sum(count)::bigint
    from (
          select day, zone, region, role, bucket, count
          from latency_day_closed where day >= (select closed from rollup where level = 'day')
          union all
          select date_bin('1 day', hour, timestamptz '2000-01-03 00:00+00'), zone, region, role, bucket, count
          from latency_hour where hour >= (select closed from rollup where level = 'hour')
         ) as open
    group by 1, 2, 3, 4, 5;

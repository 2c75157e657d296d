-- What dashboards and people read. Each view is documented in docs/views.md; no other table or view is promised.

create view v_zone_minute as
    select minute, zone, region, role,
           answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable + malformed as total,
           refused + servfail + error + timeout + unreachable + malformed + referral as failed,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed,
           secure, bogus
    from zone_minute;

create view v_zone_hour as
    select hour, zone, region, role,
           answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable + malformed as total,
           refused + servfail + error + timeout + unreachable + malformed + referral as failed,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed,
           secure, bogus
    from zone_hour;

create view v_zone_day as
    select day, zone, region, role,
           answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable + malformed as total,
           refused + servfail + error + timeout + unreachable + malformed + referral as failed,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed,
           secure, bogus
    from zone_day;

create view v_server_minute as
    select minute, zone, name, qtype, region, server, server_name, role,
           answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable + malformed as total,
           refused + servfail + error + timeout + unreachable + malformed + referral as failed,
           answer, nodata, nxdomain, referral, refused, servfail, error, timeout, unreachable, malformed,
           secure, bogus
    from observation_minute;

create view v_estate_minute as
    select minute, region, role,
           sum(answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable + malformed)::bigint as total,
           sum(refused + servfail + error + timeout + unreachable + malformed + referral)::bigint as failed,
           sum(answer)::bigint as answer,
           sum(nodata)::bigint as nodata,
           sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral,
           sum(refused)::bigint as refused,
           sum(servfail)::bigint as servfail,
           sum(error)::bigint as error,
           sum(timeout)::bigint as timeout,
           sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed,
           sum(secure)::bigint as secure,
           sum(bogus)::bigint as bogus
    from estate_minute
    group by minute, region, role;

create view v_estate_day as
    select day, region, role,
           sum(answer + nodata + nxdomain + referral + refused + servfail + error + timeout + unreachable + malformed)::bigint as total,
           sum(refused + servfail + error + timeout + unreachable + malformed + referral)::bigint as failed,
           sum(answer)::bigint as answer,
           sum(nodata)::bigint as nodata,
           sum(nxdomain)::bigint as nxdomain,
           sum(referral)::bigint as referral,
           sum(refused)::bigint as refused,
           sum(servfail)::bigint as servfail,
           sum(error)::bigint as error,
           sum(timeout)::bigint as timeout,
           sum(unreachable)::bigint as unreachable,
           sum(malformed)::bigint as malformed,
           sum(secure)::bigint as secure,
           sum(bogus)::bigint as bogus
    from estate_day
    group by day, region, role;

create view v_latency_server_minute as
    select minute, zone, region, role, server, max(total)::bigint as count,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.5 * total)) as p50,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.95 * total)) as p95,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.99 * total)) as p99
    from (
        select minute, zone, region, role, server, bucket,
               sum(count) over (partition by minute, zone, region, role, server order by bucket) as seen,
               sum(count) over (partition by minute, zone, region, role, server) as total
        from latency_minute
    ) as running
    group by minute, zone, region, role, server;

create view v_latency_minute as
    select minute, zone, region, role, max(total)::bigint as count,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.5 * total)) as p50,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.95 * total)) as p95,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.99 * total)) as p99
    from (
        select minute, zone, region, role, bucket,
               sum(count) over (partition by minute, zone, region, role order by bucket) as seen,
               sum(count) over (partition by minute, zone, region, role) as total
        from (select minute, zone, region, role, bucket, sum(count) as count from latency_minute group by 1, 2, 3, 4, 5) as merged
    ) as running
    group by minute, zone, region, role;

create view v_latency_hour as
    select hour, zone, region, role, max(total)::bigint as count,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.5 * total)) as p50,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.95 * total)) as p95,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.99 * total)) as p99
    from (
        select hour, zone, region, role, bucket,
               sum(count) over (partition by hour, zone, region, role order by bucket) as seen,
               sum(count) over (partition by hour, zone, region, role) as total
        from latency_hour
    ) as running
    group by hour, zone, region, role;

create view v_latency_day as
    select day, zone, region, role, max(total)::bigint as count,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.5 * total)) as p50,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.95 * total)) as p95,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.99 * total)) as p99
    from (
        select day, zone, region, role, bucket,
               sum(count) over (partition by day, zone, region, role order by bucket) as seen,
               sum(count) over (partition by day, zone, region, role) as total
        from latency_day
    ) as running
    group by day, zone, region, role;

create view v_latency_estate_minute as
    select minute, region, role, max(total)::bigint as count,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.5 * total)) as p50,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.95 * total)) as p95,
           min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.99 * total)) as p99
    from (
        select minute, region, role, bucket,
               sum(count) over (partition by minute, region, role order by bucket) as seen,
               sum(count) over (partition by minute, region, role) as total
        from (select minute, region, role, bucket, sum(count) as count from estate_latency_minute group by 1, 2, 3, 4) as merged
    ) as running
    group by minute, region, role;

-- Buckets themselves, for a quantile over any stretch: histogram_quantile(histogram(bucket, count), 0.95).
create view v_latency_bucket_minute as select minute, zone, region, role, server, bucket, count from latency_minute;
create view v_latency_bucket_hour as select hour, zone, region, role, bucket, count from latency_hour;
create view v_latency_bucket_day as select day, zone, region, role, bucket, count from latency_day;
create view v_latency_bucket_estate_minute as
    select minute, region, role, bucket, sum(count)::bigint as count from estate_latency_minute group by 1, 2, 3, 4;

create view v_region as
    select region,
           max(minute) as last_minute,
           sum(total)::bigint as questions,
           1 - sum(failed)::double precision / nullif(sum(total), 0) as answered
    from v_estate_minute
    where minute > now() - interval '5 minutes'
    group by region;

create view v_ownership as
    select zone, owner, owner_name, criticality from zone_owner;

create view v_incident as
    select id, zone, rule, class, severity, state, since, updated, owner, title, drill, body,
           case when state = 'resolved' then updated - since end as duration
    from incident;

create view v_incident_open as
    select * from v_incident where state in ('pending', 'firing');

-- An incident each time that it changed.
create view v_incident_history as
    select seq, id as incident, at, body ->> 'zone' as zone, body ->> 'state' as state,
           body ->> 'severity' as severity, body ->> 'title' as title, body
    from incident_history;

create view v_call as
    select i.id as incident, n as number, (c ->> 'time')::timestamptz as time, c ->> 'team' as team, c ->> 'why' as why,
           c ->> 'severity' as severity, i.zone, i.owner, i.title, i.drill
    from incident i, jsonb_array_elements(i.body -> 'calls') with ordinality as calls(c, n);

create view v_acknowledgement as
    select incident, at, actor, note from acknowledgement;

create view v_silence as
    select id, started, ends, reason, actor, zone, rule, owner, now() between started and ends as active from silence;

create view v_finding as
    select id, state, zone, rule, time, body from finding;

create view v_health as
    select h.zone, o.owner, h.time, h.status, h.score, h.reasons, h.agreement, h.dnssec, h.regions
    from zone_health h
    left join zone_owner o using (zone);

create view v_health_minute as
    select zone, minute, status, score, agreement from zone_health_minute;

create view v_answer_current as
    select zone, name, qtype, region, server, server_name, role, outcome, answers, fingerprint, ttl, serial, dnssec,
           time, since
    from answer_current;

-- Who answered what, from when to when; `until` is null where it is answered still.
create view v_answer_history as
    select zone, name, qtype, region, server, server_name, role, outcome, answers, ttl, serial, dnssec, since, until
    from answer_history;

-- What each vantage answers now, how many share its answer, and whether that is the most frequent one.
create view v_propagation as
    select zone, name, qtype, region, server, server_name, role, outcome, answers, ttl, serial, since, time,
           alike::double precision / vantages as share,
           alike = max(alike) over (partition by zone, name, qtype) as majority
    from (
        select *, count(*) over (partition by zone, name, qtype, fingerprint) as alike,
               count(*) over (partition by zone, name, qtype) as vantages
        from answer_current
        where time > now() - interval '15 minutes'
    ) as newest;

create view v_propagation_region as
    select zone, name, qtype, region, count(*) as vantages, count(*) filter (where majority) as agreeing,
           min(since) filter (where not majority) as differs_since
    from v_propagation
    group by zone, name, qtype, region;

create view v_dnssec_minute as
    select minute, zone, region, role, secure, bogus from zone_minute where secure + bogus > 0;

create view v_fact_history as
    select zone, fact, probe, since, until, value from fact_history;

-- Changes of nameservers, DS, keys and registration: what it was, what it became, when each probe saw it.
create view v_transition as
    select zone, fact, probe, since as at, before, value as after
    from (select *, lag(value) over (partition by zone, fact, probe order by since) as before from fact_history) as h
    where before is not null;

create view v_ns_transition as
    select zone, fact, probe, at, before, after from v_transition where fact in ('parent_ns', 'child_ns', 'nameservers');

-- Resolvers that still gave their old NS answer after the zone's last change of nameservers.
create view v_stale_ns as
    select h.zone, h.region, h.server, h.answers, h.ttl, c.at as changed, h.since, h.until,
           coalesce(h.until, now()) - c.at as stale_for
    from (select zone, max(at) as at from v_ns_transition where fact = 'parent_ns' group by zone) as c
    join answer_history h on h.zone = c.zone and h.name = c.zone and h.qtype = 'NS' and h.role = 'recursive'
    where h.since < c.at and coalesce(h.until, 'infinity') > c.at;

create view v_registration as
    select zone, probe, time, body from registration_current;

create view v_zone_change as
    select id, zone, time, actor, serial_from, serial_to, added, removed from zone_change;

create view v_traffic_minute as
    select minute, zone, server, probe, queries, clients, outcomes, top_nxdomain from traffic_minute;

create view v_probe as
    select probe, region, time as newest, arrived, delay, events, now() - arrived as silent_for from probe_seen;

-- How fresh what is shown is: until when each partition was judged, and what waits where.
create view v_pipeline as
    select consumer as part, partition, "offset" as position, sealed as reached,
           extract(epoch from now() - sealed)::double precision as behind, null::bigint as waiting
    from bus_offset
    union all
    select 'correlate', null, null, min((body ->> 'time')::timestamptz),
           extract(epoch from now() - min((body ->> 'time')::timestamptz))::double precision, count(*)
    from finding_queue
    union all
    select 'archive', null, null, min(queued), extract(epoch from now() - min(queued))::double precision, count(*)
    from archive_queue
    union all
    select 'evidence', null, null, min(time), null, count(*) from evidence_queue
    union all
    select 'deliver', null, null, min(o.created), extract(epoch from now() - min(o.created))::double precision, count(*)
    from delivery d join outbox o on o.id = d.page
    where d.delivered is null
    union all
    select 'publish', null, null, null, null, count(*) from publication;

create view v_deadletter as
    select id, received, topic, partition, "offset", reason, length(payload) as bytes, retried from deadletter;

create view v_audit as
    select seq, at, actor, action, detail from audit_log;

create view v_evidence as
    select seq, recorded, kind, zone, time, source, encode(hash, 'hex') as hash from evidence;

create view v_zone_overview as
    select o.zone, o.owner, o.owner_name, o.criticality,
           coalesce(h.status, 'unknown') as status, h.score, h.reasons, h.agreement, h.dnssec, h.regions,
           h.time as judged,
           m.last_minute, l.p50, l.p95,
           1 - m.failed_hour::double precision / nullif(m.total_hour, 0) as availability_hour,
           1 - d.failed::double precision / nullif(d.total, 0) as availability_day,
           d.total::bigint as questions,
           coalesce(i.firing, 0) as firing
    from zone_owner o
    left join zone_health h using (zone)
    left join (
        select zone, max(minute) as last_minute, sum(failed) as failed_hour, sum(total) as total_hour
        from v_zone_minute where minute > now() - interval '1 hour' group by zone
    ) m using (zone)
    left join (
        select zone, sum(failed) as failed, sum(total) as total
        from v_zone_hour where hour > now() - interval '1 day' group by zone
    ) d using (zone)
    left join (
        select zone, min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.5 * total)) as p50,
               min(0.0001 * power(2, bucket / 4.0)) filter (where seen >= ceil(0.95 * total)) as p95
        from (
            select zone, bucket, sum(count) over (partition by zone order by bucket) as seen,
                   sum(count) over (partition by zone) as total
            from (select zone, bucket, sum(count) as count from latency_minute
                  where minute > now() - interval '5 minutes' group by zone, bucket) as merged
        ) as running
        group by zone
    ) l using (zone)
    left join (select zone, count(*) as firing from incident where state = 'firing' group by zone) i using (zone);

"""What fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from .words import AVAILABILITY, GRAVEST, OF_ZONE, SCOPE, S, counted, quantile

OUTCOMES = ("timeout", "servfail", "refused", "unreachable", "malformed", "error", "referral", "nxdomain", "nodata")
#: The last two are answers: whether they are expected is the rules' to say.
FAILURES = OUTCOMES[:-2]
_COLUMNS = ("minute", "region", "total", "failed", *OUTCOMES)
_MINUTES = f"from {counted('minute', 'minute', '$__timeFilter({})', ', '.join(_COLUMNS))}"
_COUNTS = ", ".join(f"sum({outcome})::float8 as {outcome}" for outcome in OUTCOMES)
#: Until the newest old answer that a cache may hold has run out: when it was last seen and how long it may live.
_CONVERGED = "max(until + make_interval(secs => ttl))"
_LATENCY = f"from {S}.v_latency_bucket_minute where $__timeFilter(minute) and {SCOPE}"

OPEN = (
    f"select since, severity, state, zone, owner, title, drill from {S}.v_incident_open where {OF_ZONE} "
    f"order by state, {GRAVEST}, since limit 50"
)
ANSWERED = f"select {AVAILABILITY} as answered {_MINUTES}"
DIFFERING = f"select count(*) filter (where not majority) as differ from {S}.v_propagation where {SCOPE}"

MOST_PROPAGATION = 500
PROPAGATION = (
    "select zone, name, qtype, region, vantages, agreeing, agreeing::float8 / vantages as agreement, "
    f"differs_since from {S}.v_propagation_region where {SCOPE} order by 7, 1, 2, 3, 4 limit {MOST_PROPAGATION}"
)
CONVERGENCE = (
    f"select zone, name, qtype, max(until) as changed, max(ttl) as ttl, {_CONVERGED} as converged_by, "
    f"greatest(extract(epoch from {_CONVERGED} - now()), 0)::float8 as countdown from {S}.v_answer_history "
    f"where until > now() - interval '2 days' and outcome = 'answer' and ttl is not null and {SCOPE} "
    "group by 1, 2, 3 order by 6 desc limit 200"
)

ERRORS = f"select $__timeGroup(minute, $__interval) as time, {_COUNTS} {_MINUTES} group by 1 order by 1"
ANSWERED_BY_REGION = (
    f"select $__timeGroup(minute, $__interval) as time, region as metric, {AVAILABILITY} as answered {_MINUTES} "
    "group by 1, 2 order by 1"
)
FAILING_SERVERS = (
    f"select zone, server_name, server, region, role, {AVAILABILITY} as answered, sum(failed)::float8 as failed, "
    "sum(timeout)::float8 as timeout, sum(servfail)::float8 as servfail, sum(refused)::float8 as refused "
    f"from {S}.v_server_minute where $__timeFilter(minute) and {SCOPE} group by 1, 2, 3, 4, 5 "
    "having sum(failed) > 0 order by 7 desc limit 100"
)


def round_trip(role: str) -> str:
    """`time`, `metric`, `p95`: of the twenty servers of a role that were slowest at any moment."""
    each = (
        f"select $__timeGroup(minute, $__interval) as time, server as metric, {quantile(0.95)} as p95 {_LATENCY} "
        f"and role = '{role}' group by 1, 2"
    )
    worst = f"select *, max(p95) over (partition by metric) as worst from ({each}) as each_one"
    placed = f"select *, dense_rank() over (order by worst desc nulls last, metric) as place from ({worst}) as known"
    return f"select time, metric, p95 from ({placed}) as placed where place <= 20 order by 1"


#: Each server of the zones that are chosen: how it answered in the chosen time, from where, and when last.
SERVERS = (
    "select server, max(server_name) as server_name, role, "
    "string_agg(distinct region, ', ' order by region) as regions, "
    f"count(distinct zone) as zones, {AVAILABILITY} as answered, sum(failed)::bigint as failed, "
    f"max(minute) as newest from {S}.v_server_minute "
    f"where $__timeFilter(minute) and {SCOPE} group by server, role order by answered, server limit 100"
)
RESOLVERS = (
    "select zone, name, qtype, region, server, outcome, case when majority then 'yes' else 'no' end as agrees, "
    f"ttl, answers::text as answers, since from {S}.v_propagation where role = 'recursive' and {SCOPE} "
    "order by majority, zone, name, qtype, region limit 500"
)
STALE = (
    "select zone, region, server, answers::text as answers, ttl, changed, "
    f"extract(epoch from stale_for)::float8 as stale_for from {S}.v_stale_ns where {SCOPE} "
    "order by stale_for desc limit 100"
)

VALIDATION = (
    "select $__timeGroup(minute, $__interval) as time, zone as metric, "
    f"sum(bogus)::float8 / sum(secure + bogus) as bogus from {S}.v_dnssec_minute "
    f"where $__timeFilter(minute) and region in (${{region:sqlstring}}) and zone in (select zone "
    f"from {S}.v_dnssec_minute where $__timeFilter(minute) and {SCOPE} group by zone "
    "order by sum(bogus) desc, zone limit 20) group by 1, 2 order by 1"
)
CHAIN = (
    "select h.zone, h.status, h.dnssec, f.ds, f.dnskey from "
    f"(select zone, status, dnssec from {S}.v_health where {OF_ZONE}) as h left join (select zone, "
    "string_agg(distinct value::text, ' | ') filter (where fact = 'ds') as ds, "
    "string_agg(distinct value::text, ' | ') filter (where fact = 'dnskey') as dnskey "
    f"from {S}.v_fact_history where until is null and fact in ('ds', 'dnskey') and {OF_ZONE} group by zone) as f "
    "using (zone) order by (h.dnssec is distinct from 'bogus'), h.zone limit 500"
)
HEALTH = (
    f"select minute as time, zone as series, status as state from {S}.v_health_minute where $__timeFilter(minute) "
    f"and zone in (select zone from {S}.v_health_minute where $__timeFilter(minute) "
    f"and {OF_ZONE} group by zone order by avg(score), zone limit 20) order by 1"
)

"""Is the estate well, was it in this time, and is the promise kept?"""

from __future__ import annotations

from .words import AVAILABILITY, GRAVEST, OF_REGION, OF_ZONE, S, by_zone, counted, merged, quantile

#: What is promised, as a share of answered questions; 30 days.
PROMISE = 0.999
_MONTH = "{} > now() - interval '30 days'"
_LEFT = f"1 - sum(failed) / nullif(sum(total) * {1 - PROMISE:.4f}, 0) as budget"
_CHOSEN = "$__timeFilter({})"


def available(level: str = "hour") -> str:
    """Share of questions that got an answer; of zones that are chosen, by their ``minute`` or ``hour``."""
    return f"select {AVAILABILITY} as availability from {counted(level, 'minute', _CHOSEN)}"


def counts(level: str = "minute") -> str:
    """`time`, `total`, `failed`."""
    return (
        "select $__timeGroup(moment, $__interval) as time, sum(total)::bigint as total, sum(failed)::bigint as failed "
        f"from {counted(level, 'minute', _CHOSEN, '{} as moment, total, failed')} group by 1 order by 1"
    )


def counts_by_zone(level: str = "minute") -> str:
    """`zone`, `time`, `total`, `failed` of some zones."""
    return (
        f"select zone, $__timeGroup({level}, $__interval) as time, sum(total)::bigint as total, "
        f"sum(failed)::bigint as failed from {S}.v_zone_{level} where $__timeFilter({level}) "
        f"and zone = any(${{shown:sqlstring}}) and {OF_REGION} group by 1, 2 order by 2"
    )


LATENCY_95 = f"select {quantile(0.95)} as p95 from {merged()}"
FIRING = f"select count(*) as firing from {S}.v_incident_open where state = 'firing' and not drill and {OF_ZONE}"
BEGAN = f"select count(*) as began from {S}.v_incident where $__timeFilter(since) and not drill and {OF_ZONE}"
WELL = f"select avg((status = 'healthy')::int)::float8 as well from {S}.v_zone_overview where {OF_ZONE}"
BUDGET = f"select {_LEFT} from {counted('day', 'day', _MONTH)}"


def available_by_team(level: str = "hour") -> str:
    """`time`, `metric`, `availability`."""
    # Summed by team before time is reckoned with: of a million rows a few thousand are left.
    by_team = (
        f"select {level} as moment, owner, sum(total) as total, sum(failed) as failed "
        f"from {by_zone(level, _CHOSEN.format(level), f'{level}, zone, total, failed')} "
        f"join {S}.v_ownership using (zone) group by 1, 2"
    )
    return (
        f"select $__timeGroup(moment, $__interval) as time, owner as metric, {AVAILABILITY} as availability "
        f"from ({by_team}) as by_team group by 1, 2 order by 1"
    )


LATENCY = (
    f"select time, {quantile(0.5)} as p50, {quantile(0.95)} as p95, {quantile(0.99)} as p99 "
    f"from {merged('$__timeGroup(moment, $__interval) as time')} group by 1 order by 1"
)
HEALTH_BY_HOUR = (
    "select h.at as time, h.zone as series, h.status as state from (select zone, "
    "date_trunc('hour', minute) as at, (array_agg(status order by score, minute desc))[1] as status "
    f"from {S}.v_health_minute where $__timeFilter(minute) and {OF_ZONE} group by 1, 2) as h join ("
    f"select zone from {S}.v_health_minute where $__timeFilter(minute) and {OF_ZONE} group by zone "
    "order by avg(score), zone limit 20) as worst using (zone) order by 1"
)
INCIDENTS_BY_SEVERITY = (
    f"select $__timeGroup(since, $__interval) as time, severity as metric, count(*) as incidents "
    f"from {S}.v_incident where $__timeFilter(since) and not drill and {OF_ZONE} group by 1, 2 order by 1"
)


def least_available(level: str = "hour") -> str:
    """`zone`, `availability`: the ten that are least available."""
    return (
        f"select zone, {AVAILABILITY} as availability "
        f"from {by_zone(level, _CHOSEN.format(level), 'zone, total, failed')} group by zone order by 2, 1 limit 10"
    )


ZONES = (
    "select zone, owner, criticality, status, score, firing, availability_hour, availability_day, p95, dnssec, "
    f"judged from {S}.v_zone_overview where {OF_ZONE} order by firing desc, coalesce(score, 101), zone"
)
#: All of `v_zone_overview`, the worst first.
OVERVIEW = f"select * from {S}.v_zone_overview where {OF_ZONE} order by firing desc, coalesce(score, 101), zone"
PROMISE_BY_TEAM = (
    f"select owner, count(distinct zone) as zones, {AVAILABILITY} as availability, {_LEFT} "
    f"from {by_zone('day', _MONTH.format('day'), 'zone, total, failed')} "
    f"join {S}.v_ownership using (zone) group by owner order by 4"
)
INCIDENTS = (
    f"select since, severity, state, zone, owner, title, extract(epoch from duration)::float8 as lasted "
    f"from {S}.v_incident where (state <> 'resolved' or $__timeFilter(since)) and {OF_ZONE} "
    f"order by (state = 'resolved'), {GRAVEST}, since desc limit 100"
)
#: `status`, `zones`.
STATUSES = (
    "select coalesce(status, 'unknown') as status, count(*)::int as zones "
    f"from {S}.v_ownership left join (select zone, status from {S}.v_health) as h using (zone) where {OF_ZONE} "
    "group by 1"
)
REGIONS = f"select * from {S}.v_region where {OF_REGION} order by region"

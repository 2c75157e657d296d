"""What happened, where, whose is it, and what became of it?"""

from __future__ import annotations

from .words import GRAVEST, OF_ZONE, S

_ID = "${incident:sqlstring}"


def bodies(*, scoped: bool) -> str:
    """`body`: what is open, the gravest and newest first; all of it, also of zones that were taken out."""
    where = f"where {OF_ZONE} " if scoped else ""
    return f"select body from {S}.v_incident_open {where}order by state, {GRAVEST}, updated desc limit 50"


def opened(*, scoped: bool) -> str:
    """How many are `firing`, `pending`, and firing as `drills`."""
    where = f" where {OF_ZONE}" if scoped else ""
    return (
        "select (count(*) filter (where state = 'firing' and not drill))::int as firing, "
        "(count(*) filter (where state = 'firing' and drill))::int as drills, "
        f"(count(*) filter (where state = 'pending'))::int as pending from {S}.v_incident_open{where}"
    )


def recent(*, scoped: bool, ended: bool = True) -> str:
    """`id` and more: what is open, and what began or `ended` in the chosen time."""
    also = f"and {OF_ZONE} " if scoped else ""
    over = " or $__timeFilter(since) or $__timeFilter(updated)" if ended else ""
    return (
        "select id, since, updated, severity, state, zone, owner, title, drill, "
        f"extract(epoch from coalesce(duration, now() - since))::float8 as lasted from {S}.v_incident "
        f"where (state <> 'resolved'{over}) {also}"
        f"order by (state = 'resolved'), state, {GRAVEST}, since desc limit 100"
    )


IN_STATES = (
    f"select body from {S}.v_incident where state = any(${{states:sqlstring}}) "
    f"order by state, {GRAVEST}, updated desc limit 50"
)
ONE = f"select id, state, since, updated, body from {S}.v_incident where id = {_ID}"
HISTORY = (
    f"select at, state, severity, title, body from {S}.v_incident_history where incident = {_ID} order by seq limit 500"
)
CALLS = f"select time, team, why, severity from {S}.v_call where incident = {_ID} order by number"
TAKEN = f"select at, actor, note from {S}.v_acknowledgement where incident = {_ID}"
FINDINGS = (
    f"select time, state, zone, rule, body from {S}.v_finding where zone = any(${{zones:sqlstring}}) "
    "and rule = any(${rules:sqlstring}) and $__timeFilter(time) order by time desc limit 100"
)
#: Objects of the chain of evidence: the incident's own events, what changed around it, and the incident itself.
EVIDENCE = (
    f"select seq, recorded, kind, zone, time, cardinality(source) as events, hash from {S}.v_evidence "
    "where zone = any(${zones:sqlstring}) and $__timeFilter(time) and "
    "(source && ${events:sqlstring}::text[] or kind in ('fact', 'zone_change', 'incident')) "
    "order by seq desc limit 100"
)

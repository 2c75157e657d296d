"""Who answered what, what changed before it, and how is it proven?"""

from __future__ import annotations

from .words import OF_ZONE, SCOPE, S

_RECORD = f"{SCOPE} and name in (${{name:sqlstring}}) and qtype in (${{qtype:sqlstring}})"
_DURING = "since <= $__timeTo() and (until is null or until >= $__timeFrom())"

ANSWERS = (
    "select greatest(since, $__timeFrom()::timestamptz) as time, "
    "concat_ws(' ', name, qtype, region, coalesce(server_name, server)) as series, "
    "case when outcome = 'answer' then left((select string_agg(a ->> 'data', ', ' order by a ->> 'data') "
    "from jsonb_array_elements(answers) as items (a)), 120) else outcome end as state "
    f"from {S}.v_answer_history join (select name, qtype, region, server from {S}.v_answer_history "
    f"where {_DURING} and {_RECORD} group by 1, 2, 3, 4 order by count(*) desc, 1, 2, 3, 4 limit 40) as drawn "
    f"using (name, qtype, region, server) where {_DURING} and {OF_ZONE} order by 1"
)
RAW = (
    "select since, until, zone, name, qtype, region, coalesce(server_name, server) as server, role, outcome, "
    f"answers::text as answers, ttl, serial, dnssec from {S}.v_answer_history where {_DURING} and {_RECORD} "
    "order by since desc limit 1000"
)

HAPPENED = (
    f"select time, kind, zone, what, who from ("
    f"select time, 'zone change' as kind, zone, concat_ws(' ', 'serial', serial_from, '→', serial_to, '+', "
    f"added::text, '−', removed::text) as what, actor as who from {S}.v_zone_change "
    f"union all select min(at), 'transition', zone, concat_ws(' ', fact, before::text, '→', after::text), "
    f"string_agg(distinct probe, ', ') from {S}.v_transition where $__timeFilter(at) group by zone, fact, "
    f"before, after "
    f"union all select since, 'incident', zone, concat_ws(': ', severity, title), owner from {S}.v_incident "
    f"union all select updated, 'resolved', zone, title, owner from {S}.v_incident where state = 'resolved' "
    f"union all select time, 'call', zone, concat_ws(': ', why, title), team from {S}.v_call "
    f"union all select a.at, 'acknowledged', i.zone, a.note, a.actor from {S}.v_acknowledgement a "
    f"join {S}.v_incident i on i.id = a.incident) as all_kinds "
    f"where $__timeFilter(time) and {OF_ZONE} order by time desc limit 1000"
)
BEFORE_INCIDENTS = (
    "select i.since, i.zone, i.severity, i.title, c.what as changed, "
    "extract(epoch from i.since - c.at)::float8 as before from "
    f"(select * from {S}.v_incident where $__timeFilter(since) and {OF_ZONE}) as i join ("
    f"select zone, time as at, concat_ws(' ', 'zone, serial', serial_to, 'by', actor) as what "
    f"from {S}.v_zone_change union all select zone, min(at), fact from {S}.v_transition "
    "group by zone, fact, before, after) as c on c.zone = i.zone and c.at between i.since - interval '2 hours' "
    "and i.since order by i.since desc, 6 limit 200"
)

FACTS = (
    "select greatest(since, $__timeFrom()::timestamptz) as time, concat_ws(' ', zone, fact, probe) as series, "
    f"left(value::text, 120) as state from {S}.v_fact_history where {_DURING} and {OF_ZONE} and "
    "fact in ('parent_ns', 'child_ns', 'ds', 'dnskey') order by 1 limit 2000"
)


def _transitions(facts: str) -> str:
    return (
        f"select at, zone, fact, probe, before::text as before, after::text as after from {S}.v_transition "
        f"where $__timeFilter(at) and {OF_ZONE} and fact in ({facts}) order by at desc limit 500"
    )


DELEGATION = _transitions("'parent_ns', 'child_ns', 'ds', 'dnskey'")
REGISTRAR = _transitions("'registrar', 'statuses', 'registrant', 'transfer', 'expires', 'nameservers'")
REGISTRATION = (
    "select zone, body ->> 'registrar' as registrar, body ->> 'statuses' as statuses, "
    f"body ->> 'expires' as expires, probe, time from {S}.v_registration where {OF_ZONE} order by 1, 5"
)
EVIDENCE = (
    "select seq, recorded, kind, zone, time, cardinality(source) as events, hash "
    f"from {S}.v_evidence where $__timeFilter(time) and {OF_ZONE} order by seq desc limit 500"
)

"""For those who ask afterwards: who answered what, what changed before, and how is it proven?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .frame import frame
from .panels import rows, timeline
from .sql import OF_ZONE, SCOPE, S

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

RECORD = f"{SCOPE} and name in (${{name:sqlstring}}) and qtype in (${{qtype:sqlstring}})"
DURING = "since <= $__timeTo() and (until is null or until >= $__timeFrom())"
UNSEEN = "No vantage of this choice was heard in this time"
REGISTRAR = "'registrar', 'statuses', 'registrant', 'transfer', 'expires', 'nameservers'"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    record = (
        timeline("Answers", "What each vantage answered, from when to when; a band changes colour where its answer "
                 "does. "
                 "Choose a name and a type: at most 40 vantages are drawn, those with most changes first.",
                 "select greatest(since, $__timeFrom()::timestamptz) as time, "
                 "concat_ws(' ', name, qtype, region, coalesce(server_name, server)) as series, "
                 "case when outcome = 'answer' then left((select string_agg(a ->> 'data', ', ' order by a ->> 'data') "
                 "from jsonb_array_elements(answers) as items (a)), 120) else outcome end as state "
                 f"from {S}.v_answer_history join (select name, qtype, region, server from {S}.v_answer_history "
                 f"where {DURING} and {RECORD} group by 1, 2, 3, 4 order by count(*) desc, 1, 2, 3, 4 limit 40) as "
                 f"drawn "
                 f"using (name, qtype, region, server) where {DURING} and {OF_ZONE} order by 1",
                 empty=UNSEEN, height=12),
        rows("Raw answers by vantage", "Each answer as it was, the newest first; `until` is empty where it stands "
             "still.",
             "select since, until, zone, name, qtype, region, coalesce(server_name, server) as server, role, outcome, "
             f"answers::text as answers, ttl, serial, dnssec from {S}.v_answer_history where {DURING} and {RECORD} "
             "order by since desc limit 1000", empty=UNSEEN, height=12, units={"ttl": "s"}),
    )  # fmt: skip
    happened = (
        rows("What happened, in order", "Changes of zones, delegations, keys and registrations, incidents, calls and "
             "acknowledgements on one line of time: read upwards from an incident to what came before it.",
             f"select time, kind, zone, what, who from ("
             f"select time, 'zone change' as kind, zone, concat_ws(' ', 'serial', serial_from, '→', serial_to, '+', "
             f"added::text, "
             f"'−', removed::text) as what, actor as who from {S}.v_zone_change "
             f"union all select min(at), 'transition', zone, concat_ws(' ', fact, before::text, '→', after::text), "
             f"string_agg(distinct probe, ', ') from {S}.v_transition where $__timeFilter(at) group by zone, fact, "
             f"before, after "
             f"union all select since, 'incident', zone, concat_ws(': ', severity, title), owner from {S}.v_incident "
             f"union all select updated, 'resolved', zone, title, owner from {S}.v_incident where state = 'resolved' "
             f"union all select time, 'call', zone, concat_ws(': ', why, title), team from {S}.v_call "
             f"union all select a.at, 'acknowledged', i.zone, a.note, a.actor from {S}.v_acknowledgement a "
             f"join {S}.v_incident i on i.id = a.incident) as all_kinds "
             f"where $__timeFilter(time) and {OF_ZONE} order by time desc limit 1000",
             empty="Nothing changed and nothing fired in this time", height=12),
        rows("Changes before incidents", "For each incident of the chosen time: what changed in its zone in the two "
             "hours "
             "before it, and how many seconds before.",
             "select i.since, i.zone, i.severity, i.title, c.what as changed, "
             "extract(epoch from i.since - c.at)::float8 as before from "
             f"(select * from {S}.v_incident where $__timeFilter(since) and {OF_ZONE}) as i join ("
             f"select zone, time as at, concat_ws(' ', 'zone, serial', serial_to, 'by', actor) as what "
             f"from {S}.v_zone_change union all select zone, min(at), fact from {S}.v_transition "
             "group by zone, fact, before, after) as c on c.zone = i.zone and c.at between i.since - interval '2 "
             "hours' "
             "and i.since order by i.since desc, 6 limit 200",
             empty="No incident of this time had a change before it", units={"before": "s"}),
    )  # fmt: skip
    transitions = "select at, zone, fact, probe, before::text as before, after::text as after"
    facts = (
        timeline("Name servers, DS and keys", "What the parent and the zone itself gave, as each probe saw it.",
                 "select greatest(since, $__timeFrom()::timestamptz) as time, concat_ws(' ', zone, fact, probe) as "
                 "series, "
                 f"left(value::text, 120) as state from {S}.v_fact_history where {DURING} and {OF_ZONE} and "
                 "fact in ('parent_ns', 'child_ns', 'ds', 'dnskey') order by 1 limit 2000",
                 empty="No delegation was seen in this time"),
        rows("Transitions of NS and keys", "Each change of delegation or keys: before, after, and which probe saw it "
             "when.",
             f"{transitions} from {S}.v_transition where $__timeFilter(at) and {OF_ZONE} and "
             "fact in ('parent_ns', 'child_ns', 'ds', 'dnskey') order by at desc limit 500",
             empty="No delegation changed in this time", width=12),
        rows("Transitions at the registrar", "Each change of the registration: registrar, locks, expiry, name servers.",
             f"{transitions} from {S}.v_transition where $__timeFilter(at) and {OF_ZONE} and fact in ({REGISTRAR}) "
             "order by at desc limit 500", empty="No registration changed in this time", width=12),
        rows("Registration now", "The newest good reading of each zone's registration.",
             "select zone, body ->> 'registrar' as registrar, body ->> 'statuses' as statuses, "
             f"body ->> 'expires' as expires, probe, time from {S}.v_registration where {OF_ZONE} order by 1, 5",
             empty="No registration was read", width=12),
        rows("Evidence", "The chain's entries of these zones: what was noted, when, from which events, with its hash. "
             "`kafka-bridge evidence` proves and exports it.",
             "select seq, recorded, kind, zone, time, cardinality(source) as events, hash "
             f"from {S}.v_evidence where $__timeFilter(time) and {OF_ZONE} order by seq desc limit 500",
             empty="Nothing was noted in this time", width=12),
    )  # fmt: skip
    return frame(
        "dnstower-forensic", "dnstower / Forensic",
        "Who answered what, what changed before it, and how it is proven.",
        (("A record", record), ("Order of events", happened), ("Delegation, keys, registration, evidence", facts)),
        choices=("owner", "zone", "region", "name", "qtype"), back="24h", refresh="5m",
    )  # fmt: skip

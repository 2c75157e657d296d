"""For those on duty: what fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .frame import frame
from .panels import AGREEMENT, ANSWERED, NONE_WANTED, SECONDS, number, rows, series, timeline
from .sql import AVAILABILITY, GRAVEST, OF_ZONE, SCOPE, S, counted, quantile

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

OUTCOMES = ("timeout", "servfail", "refused", "unreachable", "malformed", "error", "referral", "nxdomain", "nodata")
COLUMNS = ("minute", "region", "total", "failed", *OUTCOMES)
MINUTES = f"from {counted('minute', 'minute', '$__timeFilter({})', ', '.join(COLUMNS))}"
QUIET = "No zone of this choice was asked in this time"
WELL = "Nothing failed in this time"
#: Until the newest old answer that a cache may hold has run out: when it was last seen and how long it may live.
CONVERGED = "max(until + make_interval(secs => ttl))"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    counts = ", ".join(f"sum({outcome})::float8 as {outcome}" for outcome in OUTCOMES)
    now = (
        rows("Incidents open", "What fires or is about to, the gravest first. A click on a zone leads to its history.",
             f"select since, severity, state, zone, owner, title, drill from {S}.v_incident_open where {OF_ZONE} "
             f"order by state, {GRAVEST}, since limit 50", empty="No incident is open", width=16,
             links={"zone": ("dnstower-forensic", "zone")}),
        number("Answered", "Share of questions that got an answer in the chosen time.",
               f"select {AVAILABILITY} as answered {MINUTES}", unit="percentunit", empty=QUIET, steps=ANSWERED,
               decimals=2, height=8),
        number("Vantages that differ", "Vantages that now give another answer than most.",
               f"select count(*) filter (where not majority) as differ from {S}.v_propagation where {SCOPE}",
               unit="none", empty="No vantage answers", steps=NONE_WANTED, height=8),
    )  # fmt: skip
    regions = (
        rows("Propagation by region", "For each name and region: how many vantages give the most frequent answer, "
             "and since when the first of them gives another.",
             "select zone, name, qtype, region, vantages, agreeing, agreeing::float8 / vantages as agreement, "
             f"differs_since from {S}.v_propagation_region where {SCOPE} order by 7, 1, 2, 3, 4 limit 500",
             empty="No vantage of this choice answered in 15 minutes", width=14, height=10,
             units={"agreement": "percentunit"}, steps={"agreement": AGREEMENT},
             links={"zone": ("dnstower-forensic", "zone"), "name": ("dnstower-forensic", "name")}),
        rows("Convergence", "Record sets that changed in the last two days: until when a cache may give the old "
             "answer, "
             "and how many seconds that is from now (0: over). An answer that rotates is always here.",
             f"select zone, name, qtype, max(until) as changed, max(ttl) as ttl, {CONVERGED} as converged_by, "
             f"greatest(extract(epoch from {CONVERGED} - now()), 0)::float8 as countdown from {S}.v_answer_history "
             f"where until > now() - interval '2 days' and outcome = 'answer' and ttl is not null and {SCOPE} "
             "group by 1, 2, 3 order by 6 desc limit 200", empty="No record set changed in two days", width=10,
             height=10, units={"ttl": "s", "countdown": "s"}, steps={"countdown": ((None, "green"), (1, "orange"))}),
    )  # fmt: skip
    faults = (
        series("Errors", "Questions by outcome, without those that were answered.",
               f"select $__timeGroup(minute, $__interval) as time, {counts} {MINUTES} group by 1 order by 1",
               unit="none", empty=WELL, stacked=True),
        series("Answered by region", "Share of questions that got an answer, by region.",
               f"select $__timeGroup(minute, $__interval) as time, region as metric, {AVAILABILITY} as answered "
               f"{MINUTES} "
               "group by 1, 2 order by 1", unit="percentunit", empty=QUIET, top=1),
        rows("Failing servers", "Servers that failed in the chosen time, by region, the worst first.",
             f"select zone, server_name, server, region, role, {AVAILABILITY} as answered, sum(failed)::float8 as "
             f"failed, "
             "sum(timeout)::float8 as timeout, sum(servfail)::float8 as servfail, sum(refused)::float8 as refused "
             f"from {S}.v_server_minute where $__timeFilter(minute) and {SCOPE} group by 1, 2, 3, 4, 5 "
             "having sum(failed) > 0 order by 7 desc limit 100", empty=WELL,
             units={"answered": "percentunit"}, links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    latency = f"from {S}.v_latency_bucket_minute where $__timeFilter(minute) and {SCOPE}"
    servers = (
        series("Round trip by authoritative server", "p95 of the answers of each authoritative server.",
               f"select $__timeGroup(minute, $__interval) as time, server as metric, {quantile(0.95)} as p95 {latency} "
               "and role = 'authoritative' group by 1, 2 order by 1", unit="s", steps=SECONDS,
               empty="No authoritative server answered in this time"),
        series("Round trip by resolver", "p95 of the answers of each resolver: what is in its cache comes fast.",
               f"select $__timeGroup(minute, $__interval) as time, server as metric, {quantile(0.95)} as p95 {latency} "
               "and role = 'recursive' group by 1, 2 order by 1", unit="s", steps=SECONDS,
               empty="No resolver answered in this time"),
        rows("Resolvers", "What each resolver gives now, with the TTL that is left in its cache.",
             "select zone, name, qtype, region, server, outcome, case when majority then 'yes' else 'no' end as "
             "agrees, "
             f"ttl, answers::text as answers, since from {S}.v_propagation where role = 'recursive' and {SCOPE} "
             "order by majority, zone, name, qtype, region limit 500",
             empty="No resolver of this choice answered in 15 minutes", width=14, units={"ttl": "s"}),
        rows("Resolvers with old name servers", "Resolvers that gave the old NS set after the zone's last change.",
             "select zone, region, server, answers::text as answers, ttl, changed, "
             f"extract(epoch from stale_for)::float8 as stale_for from {S}.v_stale_ns where {SCOPE} "
             "order by stale_for desc limit 100", empty="No resolver gives an old NS set", width=10,
             units={"ttl": "s", "stale_for": "s"}),
    )  # fmt: skip
    dnssec = (
        series("Validation", "Share of bogus among the answers whose chain was walked, of the twenty zones with "
               "most of them.",
               "select $__timeGroup(minute, $__interval) as time, zone as metric, "
               f"sum(bogus)::float8 / sum(secure + bogus) as bogus from {S}.v_dnssec_minute "
               f"where $__timeFilter(minute) and region in (${{region:sqlstring}}) and zone in (select zone "
               f"from {S}.v_dnssec_minute where $__timeFilter(minute) and {SCOPE} group by zone "
               "order by sum(bogus) desc, zone limit 20) group by 1, 2 order by 1",
               unit="percentunit", empty="No answer was validated in this time", top=1, steps=((None, "green"), (0.01,
               "red"))),
        rows("Chain of trust", "DNSSEC status of each zone, and the DS and DNSKEYs that probes see now.",
             "select h.zone, h.status, h.dnssec, f.ds, f.dnskey from "
             f"(select zone, status, dnssec from {S}.v_health where {OF_ZONE}) as h left join (select zone, "
             "string_agg(distinct value::text, ' | ') filter (where fact = 'ds') as ds, "
             "string_agg(distinct value::text, ' | ') filter (where fact = 'dnskey') as dnskey "
             f"from {S}.v_fact_history where until is null and fact in ('ds', 'dnskey') and {OF_ZONE} group by zone) "
             f"as f "
             "using (zone) order by (h.dnssec is distinct from 'bogus'), h.zone limit 500",
             empty="No zone was judged yet", width=12),
        timeline("Health", "Status of each zone by minute, of the twenty zones that were worst.",
                 f"select minute as time, zone as series, status as state from {S}.v_health_minute where "
                 f"$__timeFilter(minute) and zone in (select zone from {S}.v_health_minute where $__timeFilter(minute) "
                 f"and {OF_ZONE} group by zone order by avg(score), zone limit 20) order by 1",
                 empty="No zone was judged in this time"),
    )  # fmt: skip
    return frame(
        "dnstower-operator", "dnstower / Operator",
        "What fails, where, since when, and how long caches will remember it.",
        (("Now", now), ("Propagation", regions), ("Faults", faults), ("Servers and resolvers", servers),
         ("DNSSEC and health", dnssec)),
        choices=("owner", "zone", "region"), back="6h", refresh="30s",
    )  # fmt: skip

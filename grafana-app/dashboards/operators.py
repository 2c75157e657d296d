"""For those on duty: what fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import shared
from .frame import frame
from .panels import rows
from .sql import AVAILABILITY, GRAVEST, OF_ZONE, SCOPE, S, counted, quantile

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

OUTCOMES = ("timeout", "servfail", "refused", "unreachable", "malformed", "error", "referral", "nxdomain", "nodata")
COLUMNS = ("minute", "region", "total", "failed", *OUTCOMES)
MINUTES = f"from {counted('minute', 'minute', '$__timeFilter({})', ', '.join(COLUMNS))}"
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
        shared.answered(f"select {AVAILABILITY} as answered {MINUTES}"),
        shared.differ(f"select count(*) filter (where not majority) as differ from {S}.v_propagation where {SCOPE}"),
    )  # fmt: skip
    regions = (
        shared.propagation(
            "For each name and region: how many vantages give the most frequent answer, and since when the first of "
            "them gives another.",
            "select zone, name, qtype, region, vantages, agreeing, agreeing::float8 / vantages as agreement, "
            f"differs_since from {S}.v_propagation_region where {SCOPE} order by 7, 1, 2, 3, 4 limit 500",
            links={"zone": ("dnstower-forensic", "zone"), "name": ("dnstower-forensic", "name")}),
        shared.convergence(
            "Record sets that changed in the last two days: until when a cache may give the old answer, and how many "
            "seconds that is from now (0: over). An answer that rotates is always here.",
            f"select zone, name, qtype, max(until) as changed, max(ttl) as ttl, {CONVERGED} as converged_by, "
            f"greatest(extract(epoch from {CONVERGED} - now()), 0)::float8 as countdown from {S}.v_answer_history "
            f"where until > now() - interval '2 days' and outcome = 'answer' and ttl is not null and {SCOPE} "
            "group by 1, 2, 3 order by 6 desc limit 200", empty="No record set changed in two days"),
    )  # fmt: skip
    faults = (
        shared.errors(f"select $__timeGroup(minute, $__interval) as time, {counts} {MINUTES} group by 1 order by 1"),
        shared.by_region(f"select $__timeGroup(minute, $__interval) as time, region as metric, {AVAILABILITY} as "
                         f"answered {MINUTES} group by 1, 2 order by 1"),
        shared.failing(
            f"select zone, server_name, server, region, role, {AVAILABILITY} as answered, sum(failed)::float8 as "
            "failed, "
            "sum(timeout)::float8 as timeout, sum(servfail)::float8 as servfail, sum(refused)::float8 as refused "
            f"from {S}.v_server_minute where $__timeFilter(minute) and {SCOPE} group by 1, 2, 3, 4, 5 "
            "having sum(failed) > 0 order by 7 desc limit 100", links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    latency = f"from {S}.v_latency_bucket_minute where $__timeFilter(minute) and {SCOPE}"
    by_server = f"select $__timeGroup(minute, $__interval) as time, server as metric, {quantile(0.95)} as p95 {latency}"
    servers = (
        shared.authoritative(f"{by_server} and role = 'authoritative' group by 1, 2 order by 1"),
        shared.recursive(f"{by_server} and role = 'recursive' group by 1, 2 order by 1"),
        shared.resolvers(
            "select zone, name, qtype, region, server, outcome, case when majority then 'yes' else 'no' end as "
            f"agrees, ttl, answers::text as answers, since from {S}.v_propagation where role = 'recursive' and {SCOPE} "
            "order by majority, zone, name, qtype, region limit 500"),
        rows("Resolvers with old name servers", "Resolvers that gave the old NS set after the zone's last change.",
             "select zone, region, server, answers::text as answers, ttl, changed, "
             f"extract(epoch from stale_for)::float8 as stale_for from {S}.v_stale_ns where {SCOPE} "
             "order by stale_for desc limit 100", empty="No resolver gives an old NS set", width=10,
             units={"ttl": "s", "stale_for": "s"}),
    )  # fmt: skip
    dnssec = (
        shared.validation("select $__timeGroup(minute, $__interval) as time, zone as metric, "
               f"sum(bogus)::float8 / sum(secure + bogus) as bogus from {S}.v_dnssec_minute "
               f"where $__timeFilter(minute) and region in (${{region:sqlstring}}) and zone in (select zone "
               f"from {S}.v_dnssec_minute where $__timeFilter(minute) and {SCOPE} group by zone "
               "order by sum(bogus) desc, zone limit 20) group by 1, 2 order by 1"),
        shared.chain("DNSSEC status of each zone, and the DS and DNSKEYs that probes see now.",
             "select h.zone, h.status, h.dnssec, f.ds, f.dnskey from "
             f"(select zone, status, dnssec from {S}.v_health where {OF_ZONE}) as h left join (select zone, "
             "string_agg(distinct value::text, ' | ') filter (where fact = 'ds') as ds, "
             "string_agg(distinct value::text, ' | ') filter (where fact = 'dnskey') as dnskey "
             f"from {S}.v_fact_history where until is null and fact in ('ds', 'dnskey') and {OF_ZONE} group by zone) "
             f"as f "
             "using (zone) order by (h.dnssec is distinct from 'bogus'), h.zone limit 500",
             empty="No zone was judged yet"),
        shared.health(
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

"""For those who answer for the estate: is it well, was it, and is the promise kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import shared
from .frame import frame
from .panels import ANSWERED, NONE_WANTED, SCORE, number, rows, series, timeline
from .shared import LEFT, PROMISE, QUIET
from .sql import AVAILABILITY, GRAVEST, OF_ZONE, SCOPE, S, counted, merged, quantile

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

HOURS = f"from {S}.v_zone_hour where $__timeFilter(hour) and {SCOPE}"
MONTH = "{} > now() - interval '30 days'"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    now = (
        shared.availability(
            f"select {AVAILABILITY} as availability from {counted('hour', 'minute', '$__timeFilter({})')}"),
        shared.p95(f"select {quantile(0.95)} as p95 from {merged()}"),
        number("Incidents firing", "Incidents that are firing now; drills are not counted.",
               f"select count(*) as firing from {S}.v_incident_open where state = 'firing' and not drill and {OF_ZONE}",
               unit="none", empty="None", steps=NONE_WANTED),
        number("Incidents began", "Incidents that began in the chosen time; drills are not counted.",
               f"select count(*) as began from {S}.v_incident where $__timeFilter(since) and not drill and {OF_ZONE}",
               unit="none", empty="None", steps=((None, "text"),)),
        number("Zones well", "Share of zones that are judged healthy now.",
               f"select avg((status = 'healthy')::int)::float8 as well from {S}.v_zone_overview where {OF_ZONE}",
               unit="percentunit", empty="No zone was judged yet", steps=((None, "red"), (0.9, "orange"), (1,
               "green"))),
        shared.budget(f"select 1 - sum(failed) / nullif(sum(total) * {1 - PROMISE:.4f}, 0) as budget from "
                      f"{counted('day', 'day', MONTH)}"),
    )  # fmt: skip
    time = (
        series("Availability by team", "Share of answered questions by team. A dip in one team is its zones; in all, "
               "look at the "
               "regions.",
               f"select $__timeGroup(hour, $__interval) as time, owner as metric, {AVAILABILITY} as availability "
               f"from {S}.v_zone_hour join {S}.v_ownership using (zone) where $__timeFilter(hour) and {SCOPE} "
               "group by 1, 2 order by 1", unit="percentunit", empty=QUIET, steps=ANSWERED, every="1h", top=1),
        shared.latency(f"select time, {quantile(0.5)} as p50, {quantile(0.95)} as p95, {quantile(0.99)} as p99 "
                       f"from {merged('$__timeGroup(moment, $__interval) as time')} group by 1 order by 1"),
        timeline("Health of zones", "The worst status of each hour, of the twenty zones that were worst.",
                 "select h.at as time, h.zone as series, h.status as state from (select zone, "
                 "date_trunc('hour', minute) as at, (array_agg(status order by score, minute desc))[1] as status "
                 f"from {S}.v_health_minute where $__timeFilter(minute) and {OF_ZONE} group by 1, 2) as h join ("
                 f"select zone from {S}.v_health_minute where $__timeFilter(minute) and {OF_ZONE} group by zone "
                 "order by avg(score), zone limit 20) as worst using (zone) order by 1",
                 empty="No zone was judged in this time"),
        series("Incidents by severity", "Incidents by when they began; drills are not counted.",
               f"select $__timeGroup(since, $__interval) as time, severity as metric, count(*) as incidents "
               f"from {S}.v_incident where $__timeFilter(since) and not drill and {OF_ZONE} group by 1, 2 order by 1",
               unit="none", empty="No incident began in this time", every="1h", stacked=True),
        shared.least(f"select zone, {AVAILABILITY} as availability {HOURS} group by zone order by 2, 1 limit 10"),
    )  # fmt: skip
    detail = (
        rows("Zones", "Each zone as it is now: the worst first. A click leads to the operator's view of it.",
             "select zone, owner, criticality, status, score, firing, availability_hour, availability_day, p95, "
             "dnssec, "
             f"judged from {S}.v_zone_overview where {OF_ZONE} order by firing desc, coalesce(score, 101), zone",
             empty="The inventory has no zone of this choice", height=12,
             units={"availability_hour": "percentunit", "availability_day": "percentunit", "p95": "s"},
             steps={"score": SCORE, "firing": NONE_WANTED}, links={"zone": ("dnstower-operator", "zone")}),
        rows("Promise by team", f"Availability and error budget of {PROMISE:.1%} over 30 days, by team.",
             f"select owner, count(distinct zone) as zones, {AVAILABILITY} as availability, "
             f"1 - sum(failed) / nullif(sum(total) * {1 - PROMISE:.4f}, 0) as budget from {S}.v_zone_day "
             f"join {S}.v_ownership using (zone) where day > now() - interval '30 days' and {SCOPE} "
             "group by owner order by 4", empty=QUIET, width=12,
             units={"availability": "percentunit", "budget": "percentunit"},
             steps={"budget": LEFT}),
        rows("Incidents", "What fires now or began in the chosen time, the gravest first.",
             f"select since, severity, state, zone, owner, title, extract(epoch from duration)::float8 as lasted "
             f"from {S}.v_incident where (state <> 'resolved' or $__timeFilter(since)) and {OF_ZONE} "
             f"order by (state = 'resolved'), {GRAVEST}, since desc limit 100",
             empty="No incident in this time", width=12, units={"lasted": "s"},
             links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    return frame(
        "dnstower-executive", "dnstower / Executive",
        "Is the estate well, was it in this time, and is the promise kept?",
        (("Now", now), ("Over time", time), ("In detail", detail)),
        choices=("owner", "zone", "region"), back="7d", refresh="1m",
    )  # fmt: skip

"""For those who answer for the estate: is it well, was it, and is the promise kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions import executive as ask

from . import shared
from .frame import frame
from .panels import ANSWERED, NONE_WANTED, SCORE, number, rows, series, timeline
from .shared import LEFT, QUIET

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard


def made() -> dashboard.Dashboard:
    """The dashboard."""
    now = (
        shared.availability(ask.available()),
        shared.p95(ask.LATENCY_95),
        number("Incidents firing", "Incidents that are firing now; drills are not counted.",
               ask.FIRING, unit="none", empty="None", steps=NONE_WANTED),
        number("Incidents began", "Incidents that began in the chosen time; drills are not counted.",
               ask.BEGAN, unit="none", empty="None", steps=((None, "text"),)),
        number("Zones well", "Share of zones that are judged healthy now.",
               ask.WELL, unit="percentunit", empty="No zone was judged yet",
               steps=((None, "red"), (0.9, "orange"), (1, "green"))),
        shared.budget(ask.BUDGET),
    )  # fmt: skip
    time = (
        series("Availability by team", "Share of answered questions by team. A dip in one team is its zones; in all, "
               "look at the regions.",
               ask.available_by_team(), unit="percentunit", empty=QUIET, steps=ANSWERED, every="1h", top=1,
               low=0.95),
        shared.latency(ask.LATENCY),
        timeline("Health of zones", "The worst status of each hour, of the twenty zones that were worst.",
                 ask.HEALTH_BY_HOUR, empty="No zone was judged in this time"),
        series("Incidents by severity", "Incidents by when they began; drills are not counted.",
               ask.INCIDENTS_BY_SEVERITY, unit="none", empty="No incident began in this time", every="1h",
               stacked=True, width=8),
        shared.least(ask.least_available()),
        rows("Promise by team", f"Availability and error budget of {ask.PROMISE:.1%} over 30 days, by team.",
             ask.PROMISE_BY_TEAM, empty=QUIET, width=8,
             units={"availability": "percentunit", "budget": "percentunit"},
             steps={"budget": LEFT}),
    )  # fmt: skip
    detail = (
        rows("Zones", "Each zone as it is now: the worst first. A click leads to the operator's view of it.",
             ask.ZONES, empty="The inventory has no zone of this choice", height=12,
             units={"availability_hour": "percentunit", "availability_day": "percentunit", "p95": "s"},
             steps={"score": SCORE, "firing": NONE_WANTED}, links={"zone": ("dnstower-operator", "zone")}),
        rows("Incidents", "What fires now or began in the chosen time, the gravest first.",
             ask.INCIDENTS, empty="No incident in this time", units={"lasted": "s"}, widths={"zone": 170},
             links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    return frame(
        "dnstower-executive", "dnstower / Executive",
        "Is the estate well, was it in this time, and is the promise kept?",
        (("Now", now), ("Over time", time), ("In detail", detail)),
        choices=("owner", "zone", "region"), back="7d", refresh="1m",
    )  # fmt: skip

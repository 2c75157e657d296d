"""For those who answer for the estate: is it well, was it, and is the promise kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions import executive as ask

from .frame import frame
from .panels import ANSWERED, NONE_WANTED, SCORE, SECONDS, bars, number, rows, series, timeline

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

QUIET = "No zone of this choice was asked in this time"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    now = (
        number("Availability", "Share of questions in the chosen time that got an answer, from all regions.",
               ask.available(), unit="percentunit", empty=QUIET, steps=ANSWERED, decimals=3),
        number("p95 latency", "Seconds within which 95 % of the answers came, in the chosen time.",
               ask.LATENCY_95, unit="s", empty=QUIET, steps=SECONDS),
        number("Incidents firing", "Incidents that are firing now; drills are not counted.",
               ask.FIRING, unit="none", empty="None", steps=NONE_WANTED),
        number("Incidents began", "Incidents that began in the chosen time; drills are not counted.",
               ask.BEGAN, unit="none", empty="None", steps=((None, "text"),)),
        number("Zones well", "Share of zones that are judged healthy now.",
               ask.WELL, unit="percentunit", empty="No zone was judged yet",
               steps=((None, "red"), (0.9, "orange"), (1, "green"))),
        number("Error budget left", f"Of the failures that a promise of {ask.PROMISE:.1%} allows in 30 days, the share "
               "that is left. Below zero the promise is broken. Always 30 days, whatever time is chosen.",
               ask.BUDGET, unit="percentunit", empty=QUIET, steps=((None, "red"), (0, "orange"), (0.25, "green")),
               decimals=1),
    )  # fmt: skip
    time = (
        series("Availability by team", "Share of answered questions by team. A dip in one team is its zones; in all, "
               "look at the regions.",
               ask.available_by_team(), unit="percentunit", empty=QUIET, steps=ANSWERED, every="1h", top=1),
        series("Latency", "p50, p95 and p99 of answers.",
               ask.LATENCY, unit="s", empty=QUIET, every="1h"),
        timeline("Health of zones", "The worst status of each hour, of the twenty zones that were worst.",
                 ask.HEALTH_BY_HOUR, empty="No zone was judged in this time"),
        series("Incidents by severity", "Incidents by when they began; drills are not counted.",
               ask.INCIDENTS_BY_SEVERITY, unit="none", empty="No incident began in this time", every="1h",
               stacked=True),
        bars("Least available zones", "The ten zones with the lowest share of answered questions in the chosen time.",
             ask.least_available(), unit="percentunit", empty=QUIET, steps=ANSWERED),
    )  # fmt: skip
    detail = (
        rows("Zones", "Each zone as it is now: the worst first. A click leads to the operator's view of it.",
             ask.ZONES, empty="The inventory has no zone of this choice", height=12,
             units={"availability_hour": "percentunit", "availability_day": "percentunit", "p95": "s"},
             steps={"score": SCORE, "firing": NONE_WANTED}, links={"zone": ("dnstower-operator", "zone")}),
        rows("Promise by team", f"Availability and error budget of {ask.PROMISE:.1%} over 30 days, by team.",
             ask.PROMISE_BY_TEAM, empty=QUIET, width=12,
             units={"availability": "percentunit", "budget": "percentunit"},
             steps={"budget": ((None, "red"), (0, "orange"), (0.25, "green"))}),
        rows("Incidents", "What fires now or began in the chosen time, the gravest first.",
             ask.INCIDENTS, empty="No incident in this time", width=12, units={"lasted": "s"},
             links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    return frame(
        "dnstower-executive", "dnstower / Executive",
        "Is the estate well, was it in this time, and is the promise kept?",
        (("Now", now), ("Over time", time), ("In detail", detail)),
        choices=("owner", "zone", "region"), back="7d", refresh="1m",
    )  # fmt: skip

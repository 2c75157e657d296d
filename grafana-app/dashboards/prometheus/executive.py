"""For those who answer for the estate: is it well, was it, and is the promise kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions.executive import PROMISE

from dashboards import shared
from dashboards.frame import frame
from dashboards.panels import ANSWERED, NONE_WANTED, number, rows, series, timeline
from dashboards.shared import LEFT, QUIET

from .parts import BANDS, alerts
from .promql import (
    DURATIONS,
    FAILED,
    FIRING,
    FLAVOUR,
    RATE,
    ZONE,
    answered,
    columns,
    figure,
    line,
    lines,
    of,
    quantile,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

#: A zone's alerts; those of probes and of the monitoring itself are no zone's.
OF_ZONES = FIRING.replace("{", '{dnstower_zone!="", ', 1)
ZONES = f"group by (dnstower_zone) ({of(RATE, job=False)})"
HOURLY = f"sum_over_time({of(DURATIONS, job=False)}[$__rate_interval])"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    lost, allowed = (f"sum_over_time({of(rule, job=False)}[30d])" for rule in (FAILED, RATE))
    within = quantile(0.95, f"sum_over_time({of(DURATIONS, job=False)}[$__range])")
    now = (
        shared.availability(figure(answered("$__range"))),
        shared.p95(figure(within)),
        number("Alerts firing", "Alerts that fire now.", figure(f"count({FIRING}) or vector(0)"),
               unit="none", empty="None", steps=NONE_WANTED),
        number("Alerts fired", "Alerts that fired at any moment of the chosen time, each counted once.",
               figure(f"count(max_over_time({FIRING}[$__range])) or vector(0)"),
               unit="none", empty="None", steps=((None, "text"),)),
        number("Zones well", "Share of zones of which no alert fires now.",
               figure(f"1 - (count(group by (dnstower_zone) ({OF_ZONES})) or vector(0)) / count({ZONES})"),
               unit="percentunit", empty=QUIET, steps=((None, "red"), (0.9, "orange"), (1, "green"))),
        shared.budget(figure(f"1 - sum({lost}) / (sum({allowed}) * {1 - PROMISE:.4f})")),
    )  # fmt: skip
    month = answered("30d", "dnstower_zone")
    time = (
        series("Availability by zone", "Share of answered questions, of the ten zones with the lowest in the chosen "
               "time. A dip in one zone is its servers; in all, look at the regions.",
               line(f"({answered('$__rate_interval', 'dnstower_zone')}) and on (dnstower_zone) "
                    f"bottomk(10, {answered('$__range', 'dnstower_zone').replace(']', '] @ end()')})",
                    "{{dnstower_zone}}"),
               unit="percentunit", empty=QUIET, steps=ANSWERED, every="1h", top=1, low=0.95),
        shared.latency(lines(p50=quantile(0.5, HOURLY), p95=quantile(0.95, HOURLY), p99=quantile(0.99, HOURLY))),
        timeline("Health of zones", "What fired of each zone, of the twenty zones of which most did.", BANDS,
                 empty=QUIET),
        series("Alerts by severity", "Alerts that fired, by severity.",
               line(f"count by (severity) ({FIRING})", "{{severity}}"), unit="none",
               empty="No alert fired in this time", stacked=True, width=8),
        shared.least(figure(f"sort(bottomk(10, {answered('$__range', 'dnstower_zone')}))", "{{dnstower_zone}}")),
        rows("Promise by zone", f"Availability and error budget of {PROMISE:.1%} over 30 days, by zone.",
             columns(sort="budget", availability=month, budget=f"1 - (1 - ({month})) / {1 - PROMISE:.4f}"),
             empty=QUIET, width=8, units={"availability": "percentunit", "budget": "percentunit"},
             steps={"budget": LEFT}),
    )  # fmt: skip
    detail = (
        rows("Zones", "Each zone: its share of answered questions and p95 in the chosen time, alerts that fire, and "
             "the seconds until its first signature and its registration end. A click leads to the operator's view.",
             columns(
                 sort="availability",
                 availability=answered("$__range", "dnstower_zone"),
                 p95=quantile(0.95, f"sum_over_time({of(DURATIONS, job=False)}[$__range])", "dnstower_zone"),
                 firing=f"count by (dnstower_zone) ({OF_ZONES}) or 0 * {ZONES}",
                 signatures=f"min by (dnstower_zone) (dnstower_dns_dnssec_expiry_seconds{{{ZONE}}}) - time()",
                 registration=f"min by (dnstower_zone) (dnstower_dns_registration_expiry_seconds{{{ZONE}}}) - time()"),
             empty=QUIET, height=12,
             units={"availability": "percentunit", "p95": "s", "signatures": "s", "registration": "s"},
             steps={"availability": ANSWERED, "firing": NONE_WANTED,
                    "signatures": ((None, "red"), (86400, "green"))},
             links={"zone": ("dnstower-operator-prometheus", "zone")}),
        alerts(links={"zone": ("dnstower-operator-prometheus", "zone")}),
    )  # fmt: skip
    return frame(
        "dnstower-executive-prometheus", "dnstower / Executive (Prometheus)",
        "Is the estate well, was it in this time, and is the promise kept?",
        (("Now", now), ("Over time", time), ("In detail", detail)),
        choices=("zone", "region"), back="7d", refresh="1m", flavour=FLAVOUR,
    )  # fmt: skip

"""For those who run dnstower: does the bridge keep up, and the job on Apache Flink where there is one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dashboards.frame import frame
from dashboards.panels import NONE_WANTED, number, rows, series

from . import flink
from .promql import FLAVOUR, columns, figure, line

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

ABSENT = "No bridge is scraped here"


def of(name: str) -> str:
    """A metric of the bridges that are chosen; where its unit is 1, under both of its names."""
    return f'{{__name__=~"dnstower_bridge_{name}", job=~"$bridge"}}'


def made() -> dashboard.Dashboard:
    """The dashboard. Bridges that share a store say the same of it."""
    behind, waiting, trouble = (
        f"max by (dnstower_part) ({of(name)})" for name in ("behind_seconds", "waiting", "trouble(_ratio)?")
    )
    silent = f"min by (dnstower_probe_id) ({of('probe_silence_seconds')})"
    bridges = (
        number("Bridge behind", "Seconds that its slowest part is behind the clock.",
               figure(f"max({behind})"), unit="s", empty=ABSENT, steps=flink.BEHIND),
        number("Parts in trouble", "Parts of the bridge that do not work right now.",
               figure(f"sum({trouble})"), unit="none", empty=ABSENT, steps=NONE_WANTED),
        number("Waiting", "Findings, pages, objects and evidence that wait for their next step.",
               figure(f"sum({waiting})"), unit="none", empty=ABSENT,
               steps=((None, "green"), (1000, "orange"), (10000, "red"))),
        number("Dead letters", "Messages of the last hour that could not be read and were not sent again.",
               figure(f"max({of('deadletters')})"), unit="none", empty=ABSENT, steps=NONE_WANTED),
        number("Probes silent", "Probes of which nothing has come for five minutes.",
               figure(f"count({silent} > 300) or 0 * count({silent})"), unit="none", empty="No probe was heard yet",
               steps=NONE_WANTED),
        number("Partitions judged", "Partitions that bridges judge; none where the judgement is a job's on Flink.",
               figure(f"sum({of('partitions')})"), unit="none", empty=ABSENT,
               steps=((None, "text"),)),
        series("Behind by part", "Seconds that each part of the bridge is behind the clock.",
               line(behind, "{{dnstower_part}}"), unit="s", empty=ABSENT, steps=flink.BEHIND),
        rows("Probes", "Each probe, and for how many seconds nothing has come of it.",
             columns(sort="silent_for", descending=True, silent_for=silent), empty="No probe was heard yet", width=12,
             units={"silent_for": "s"}, steps={"silent_for": flink.BEHIND}),
    )  # fmt: skip
    return frame(
        "dnstower-pipeline-prometheus", "dnstower / Pipeline (Prometheus)",
        "Does what makes the other dashboards keep up?",
        (("Bridge", bridges), ("Judgement on Apache Flink", flink.panels())),
        choices=("bridge",), back="6h", refresh="30s", annotated=False, flavour=FLAVOUR,
    )  # fmt: skip

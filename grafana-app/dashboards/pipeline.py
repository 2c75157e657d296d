"""For those who run dnstower: is what the other dashboards show fresh and whole?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions.words import OF_REGION, S

from .frame import frame
from .panels import NONE_WANTED, Steps, number, rows, series

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

BEHIND: Steps = ((None, "green"), (60, "orange"), (300, "red"))
ASKED = f"from {S}.v_estate_minute where $__timeFilter(minute) and {OF_REGION}"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    now = (
        number("Judgement behind", "Seconds that the slowest partition is behind the clock.",
               f"select max(behind) as behind from {S}.v_pipeline where position is not null", unit="s",
               empty="No partition was judged yet", steps=BEHIND),
        number("Waiting", "Findings, pages, objects and evidence that wait for their next step.",
               f"select coalesce(sum(waiting), 0)::float8 as waiting from {S}.v_pipeline", unit="none",
               empty="Nothing waits", steps=((None, "green"), (1000, "orange"), (10000, "red"))),
        number("Probes silent", "Probes of which nothing has come for five minutes.",
               f"select count(*) filter (where silent_for > interval '5 minutes') as silent from {S}.v_probe "
               f"where {OF_REGION}", unit="none", empty="No probe was heard yet", steps=NONE_WANTED),
        number("Dead letters", "Messages that came in the chosen time and could not be read.",
               f"select count(*) as letters from {S}.v_deadletter where $__timeFilter(received)", unit="none",
               empty="None", steps=NONE_WANTED),
        number("Slowest probe's delay", "Seconds from an observation to its arrival, of the slowest probe.",
               f"select max(delay) as delay from {S}.v_probe where {OF_REGION}", unit="s",
               empty="No probe was heard yet", steps=BEHIND),
        number("Minutes without data", "Minutes of the chosen time, to the newest, in which no region told anything.",
               "select greatest(floor(extract(epoch from max(minute) - greatest(min(minute), "
               "$__timeFrom()::timestamptz)) / 60) + 1 "
               f"- count(distinct minute), 0)::float8 as missing {ASKED}", unit="none",
               empty="No region was heard in this time", steps=NONE_WANTED),
    )  # fmt: skip
    flow = (
        series("Observations by region", "Questions a minute that arrived and were counted; a line that ends is a "
               "region "
               "that is dropped.",
               f"select $__timeGroup(minute, $__interval) as time, region as metric, "
               f"sum(total)::float8 / ($__interval_ms / 60000.0) as observations {ASKED} group by 1, 2 order by 1",
               unit="none", empty="No region was heard in this time"),
        series("Dead letters by topic", "Messages that could not be read, by topic.",
               "select $__timeGroup(received, $__interval) as time, coalesce(topic, 'intake') as metric, "
               f"count(*) as letters from {S}.v_deadletter where $__timeFilter(received) group by 1, 2 order by 1",
               unit="none", empty="Every message could be read", stacked=True),
        rows("Parts", "How far each part has come, how many seconds it is behind, and how many wait.",
             f"select part, partition, position, reached, behind, waiting from {S}.v_pipeline "
             "order by behind desc nulls last, 1, 2", empty="Nothing runs yet", width=12, units={"behind": "s"},
             steps={"behind": BEHIND}),
        rows("Probes", "Each probe: its newest event, how late it came, and for how many seconds nothing has come.",
             "select probe, region, newest, arrived, delay, events, extract(epoch from silent_for)::float8 as "
             "silent_for "
             f"from {S}.v_probe where {OF_REGION} order by silent_for desc", empty="No probe was heard yet", width=12,
             units={"delay": "s", "silent_for": "s"}, steps={"delay": BEHIND, "silent_for": BEHIND}),
        rows("Why letters are dead", "Reasons, with how many, and how many were tried again.",
             "select reason, topic, count(*) as letters, max(received) as newest, sum(bytes)::float8 as size, "
             f"count(retried) as retried from {S}.v_deadletter where $__timeFilter(received) group by 1, 2 "
             "order by 3 desc limit 100", empty="Every message could be read", width=12, units={"size": "bytes"}),
        rows("Who changed what", "Inventory, rules, topics, dead letters, silences and acknowledgements, the newest "
             "first.",
             f"select at, actor, action, detail::text as detail from {S}.v_audit where $__timeFilter(at) "
             "order by seq desc limit 200", empty="Nobody changed anything in this time", width=12),
    )  # fmt: skip
    return frame(
        "dnstower-pipeline", "dnstower / Pipeline",
        "Is what the other dashboards show fresh and whole?",
        (("Now", now), ("Flow", flow)), choices=("region",), back="6h", refresh="30s", annotated=False,
    )  # fmt: skip

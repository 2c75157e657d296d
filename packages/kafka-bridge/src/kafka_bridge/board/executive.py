"""The executive view, and the board's first page: is the estate well, was it, and is the promise kept?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import charts
from .figures import milliseconds, percent
from .incidents import read
from .questions import executive as ask
from .questions import incidents

if TYPE_CHECKING:
    from .asking import Reading, Row

#: Zones that are shown, the worst first; the others are counted.
MOST_ZONES = 100


def view(reading: Reading) -> dict[str, Any]:
    """The page's values."""
    choice, level = reading.choice, reading.choice.level
    zones = reading.rows(ask.OVERVIEW)
    opened = [read(row["body"]) for row in reading.rows(incidents.bodies(scoped=choice.scoped))]
    firing = [body for body in opened if body.state == "firing"]
    counts = reading.rows(ask.counts(level))
    # An estate that is watched for a few minutes is not drawn on an hour of nothing.
    drawn = charts.since_first(choice, counts)
    shown = zones[:MOST_ZONES]
    return {
        "zones": shown,
        "more_zones": len(zones) - len(shown),
        "firing": [body for body in firing if not body.drill],
        "drills": [body for body in firing if body.drill],
        "pending": [body for body in opened if body.state == "pending"],
        "availability": reading.value(ask.available(level)),
        "p95": reading.value(ask.LATENCY_95),
        "began": int(reading.value(ask.BEGAN) or 0),
        "budget": reading.value(ask.BUDGET),
        "promise": ask.PROMISE,
        "drawn": drawn,
        "bars": charts.availability(counts, drawn),
        "zone_bars": _by_zone(reading, shown, drawn),
        "times": charts.ticks(drawn),
        "latency": charts.lines(
            reading.rows(ask.LATENCY, drawn), "", drawn, milliseconds, what="Latency of answers",
            names=("p50", "p95", "p99"),
        ),
        "teams": reading.rows(ask.PROMISE_BY_TEAM),
        "by_team": charts.lines(
            reading.rows(ask.available_by_team(level), drawn), "availability", drawn, percent,
            what="Answered by team", top=1.0,
        ),
        "least": [row for row in reading.rows(ask.least_available(level)) if row["availability"] is not None],
        "regions": reading.rows(ask.REGIONS),
        "recent": reading.rows(incidents.recent(scoped=choice.scoped)),
    }  # fmt: skip


def _by_zone(reading: Reading, shown: list[Row], drawn: Any) -> dict[str, list[charts.Bar]]:
    names = [zone["zone"] for zone in shown]
    rows: dict[str, list[Row]] = {name: [] for name in names}
    for row in reading.rows(ask.counts_by_zone(drawn.level), drawn, shown=names):
        rows[row["zone"]].append(row)
    return {name: charts.availability(found, drawn) for name, found in rows.items()}

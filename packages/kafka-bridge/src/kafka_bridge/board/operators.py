"""The operator's view: what fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from . import charts
from .figures import milliseconds, percent
from .questions import incidents
from .questions import operators as ask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .asking import Reading, Row

#: Record sets in the matrix, the least agreed on first.
MOST_SETS = 60


class Cell(Struct, frozen=True):
    """One record set in one region."""

    vantages: int
    agreeing: int
    differs_since: Any

    @property
    def kind(self) -> str:
        """All give the most frequent answer, some do, or none."""
        return "ok" if self.agreeing == self.vantages else "failing" if self.agreeing == 0 else "degraded"


class Line(Struct, frozen=True):
    """One record set over all regions."""

    zone: str
    name: str
    qtype: str
    cells: dict[str, Cell]


def view(reading: Reading) -> dict[str, Any]:
    """The page's values."""
    errors = reading.rows(ask.ERRORS)
    choice = charts.since_first(reading.choice, errors)
    propagation = reading.rows(ask.PROPAGATION)
    sets = matrix(propagation)
    trips = {role: reading.rows(ask.round_trip(role), choice) for role in ("authoritative", "recursive")}
    servers = reading.rows(ask.SERVERS)
    convergence = reading.rows(ask.CONVERGENCE)
    validation = reading.rows(ask.VALIDATION, choice)
    bogus = {row["metric"] for row in validation if row["bogus"]}
    return {
        "drawn": choice,
        "opened": reading.rows(incidents.recent(scoped=choice.scoped, ended=False)),
        "answered": reading.value(ask.ANSWERED),
        "differing": int(reading.value(ask.DIFFERING) or 0),
        "regions": sorted({row["region"] for row in propagation}),
        "sets": sets[:MOST_SETS],
        "more_sets": len(sets) - MOST_SETS,
        "cut": len(propagation) >= ask.MOST_PROPAGATION,
        "convergence": convergence,
        "waiting": [row for row in convergence if row["countdown"]],
        "errors": charts.stacked(errors, ask.FAILURES, choice, what="Questions that failed"),
        "besides": {name: sum(int(row[name]) for row in errors) for name in ask.OUTCOMES if name not in ask.FAILURES},
        "by_region": charts.lines(
            reading.rows(ask.ANSWERED_BY_REGION, choice), "answered", choice, percent,
            what="Answered by region", top=1.0,
        ),
        "failing": reading.rows(ask.FAILING_SERVERS),
        "servers": [row | {"trip": _trip(row, trips, choice)} for row in servers],
        "resolvers": reading.rows(ask.RESOLVERS),
        "stale": reading.rows(ask.STALE),
        "validation": charts.lines(
            [row for row in validation if row["metric"] in bogus], "bogus", choice, percent,
            what="Bogus answers by zone", top=1.0,
        ),
        "validated": bool(validation),
        "chain": reading.rows(ask.CHAIN),
        "health": charts.timeline(reading.rows(ask.HEALTH, choice), choice),
    }  # fmt: skip


def matrix(rows: Iterable[Row]) -> list[Line]:
    """Record sets by region, the least agreed on first, as the rows come."""
    found: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for row in rows:
        cells = found.setdefault((row["zone"], row["name"], row["qtype"]), {})
        cells[row["region"]] = Cell(row["vantages"], row["agreeing"], row["differs_since"])
    return [Line(*key, cells) for key, cells in found.items()]


def _trip(server: Row, trips: dict[str, list[Row]], choice: Any) -> charts.Line | None:
    rows = [row for row in trips.get(server["role"], ()) if row["metric"] == server["server"]]
    drawn = charts.lines(rows, "p95", choice, milliseconds, what="p95")
    return drawn.lines[0] if drawn.lines else None

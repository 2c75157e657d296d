"""What cannot be had twice: how much of it is used, and at how many zones it is at its end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from .correlation import correlation
from .postgres import database, database_disk
from .workers import worker_cores

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.capacity.coefficients import Coefficients

    from .ground import Ground
    from .load import Load
    from .mode import Mode

_SLOW = "panel, the worst zones (slow)"


class Limit(Struct, frozen=True):
    """How near one part is to where it stops being right."""

    part: str
    use: float
    most: float
    unit: str
    breaks: bool
    """Whether something stops being right there; else it is only slow."""
    zones: float
    """Of a load that is like this one but for the zones, those at which it is reached."""


def limits(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> list[Limit]:
    """The first to be reached first."""
    uses = _uses(load, figures, ground, mode)
    found = []
    for part, (use, most, unit) in uses.items():

        def over(zones: float, part: str = part, most: float = most) -> bool:
            return _uses(structs.replace(load, zones=zones), figures, ground, mode)[part][0] > most

        found.append(Limit(part, use, most, unit, part != _SLOW, _reached(over)))
    return sorted(found, key=lambda limit: limit.zones)


def _uses(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> dict[str, tuple[float, float, str]]:
    """What is used of what cannot be had twice, its most, and the unit."""
    processor, wal = database(load, figures, mode)
    parent = correlation(ground.parent * load.zones, figures, teams=load.teams)
    alone = correlation(ground.provider * load.zones, figures)
    provider = correlation(ground.provider * load.zones, figures, teams=load.teams)
    found = {
        "PostgreSQL, WAL": (wal / 1e6, ground.database_wal / 1e6, "MB/s"),
        "PostgreSQL, disk": (database_disk(load, figures, mode) / 1e12, ground.database_disk / 1e12, "TB"),
        "PostgreSQL, cores": (processor, ground.database_cores * ground.busy, "cores"),
        "correlate, a TLD fails": (parent, ground.patience, "s"),
        "correlate, a provider fails": (provider, ground.patience, "s"),
        "correlate, a provider fails, each zone for itself": (alone, ground.patience, "s"),
        _SLOW: (load.zones * figures["query_worst"], ground.query, "s"),
    }
    if mode == "embedded":
        # One thread judges, on the one core that Python gives it.
        found["judge, one core"] = (worker_cores(load, figures), ground.busy, "cores")
        found["memory"] = (load.zones * figures["state_memory"] / 1e9, ground.memory / 1e9, "GB")
    return found


def _reached(over: Callable[[float], bool]) -> float:
    """The number at which it begins to be so, to a thousandth; everything here only grows."""
    low, high = 1.0, 1e12
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if over(middle) else (middle, high)
    return low

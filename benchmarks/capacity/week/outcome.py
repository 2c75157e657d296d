"""What came of a week."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .setting import Setting


class Sample(NamedTuple):
    """How it is at one moment."""

    time: float
    waiting: float
    """Events that are not judged yet, of all members."""
    findings: float
    """Findings that are not correlated yet."""
    open: float
    """Incidents that are open."""


class Fault(NamedTuple):
    """What became of one."""

    name: str
    zones: int
    """Whose trouble was noticed before it was over."""
    told: int
    """Zones of which there was an incident before the week was over."""
    delays: tuple[float, ...]
    """Seconds from the zone's fault to its incident, of a sample of these."""
    pages: int

    def at(self, share: float) -> float:
        """The delay that this share of them does not exceed."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class Week(NamedTuple):
    """What came of it."""

    setting: Setting
    capacity: float
    """Events a second that all members can take."""
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...]
    pages: dict[int, int]
    """By minute."""
    events: int
    """Of the simulation."""

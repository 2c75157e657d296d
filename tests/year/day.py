"""A day of many zones: of many teams, a few of them with a fault, and some on a provider that fails."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from dns_rules import Inventory, Team

from .faults import FAULTS, Fault
from .zone import DAY, REGIONS, START, Watched

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from dns_events import Event

_TEAMS = 10
#: Of so many zones one is at the provider, and another one has a fault of its own; so many in a row are a team's.
_EACH, _OWNED = 10, 20
_PROVIDER = ("203.0.113.53", "203.0.113.54")
#: Minutes before the first fault, for some rules learn what is usual, and after the last one's beginning.
_LEARN, _LEFT = 45, 45


class Day:
    """What many zones are seen to be, in slices of time.

    Args:
        zones: how many.
        seed: of all that happens.
        interval: seconds from one question to the same one again.
        start: of the day.
        minutes: that it has; two hours at least.
        regions: from which zones are asked.
    """

    def __init__(
        self,
        zones: int = 1000,
        seed: int = 20261125,
        *,
        interval: int = 300,
        start: dt.datetime = START,
        minutes: int = DAY,
        regions: tuple[str, ...] = REGIONS,
    ) -> None:
        self._numbers = range(zones)
        self._seed = seed
        self._interval = interval
        self.start = start
        self._minutes = minutes
        self._regions = regions
        self._moments = random.Random(f"{seed}/day").sample(range(_LEARN, minutes - _LEFT), 2 + len(FAULTS))
        teams = {f"team{number}": Team(name=f"Team {number}") for number in range(_TEAMS)}
        watched = tuple(each.zone for each in self._watched())
        self.inventory = Inventory(version=1, teams=teams, observers="team0", zones=watched)

    def slices(self, minutes: int = 60) -> Iterator[list[Event]]:
        """All events, so many minutes of all zones at a time, each slice in the order of its times."""
        watched = self._watched()
        for begin in range(0, self._minutes, minutes):
            end = min(begin + minutes, self._minutes)
            found = [event for each in watched for event in each.events(begin, end)]
            found.sort(key=lambda event: (event.time, event.id))
            yield found

    def _watched(self) -> list[Watched]:
        return [self._zone(number) for number in self._numbers]

    def _zone(self, number: int) -> Watched:
        shared = number % _EACH == 0
        return Watched(
            number,
            self._seed,
            interval=self._interval,
            seldom=1500,
            start=self.start,
            minutes=self._minutes,
            fault=self._fault(number, shared=shared),
            servers=_PROVIDER
            if shared
            else (f"10.{number >> 8}.{number & 255}.1", f"10.{number >> 8}.{number & 255}.2"),
            owner=f"team{number // _OWNED % _TEAMS}",
            regions=self._regions,
        )

    def _fault(self, number: int, *, shared: bool) -> Fault | None:
        """The provider's zones are down at one time, and at one time several zones have the same fault of their own."""
        if shared:
            return Fault("outage", self._moments[0], self._interval)
        if number % _EACH != 1:
            return None
        turn = number // _EACH
        kind = tuple(FAULTS)[turn % len(FAULTS)]
        return Fault(kind, self._moments[1 + turn % (len(self._moments) - 1)], self._interval)

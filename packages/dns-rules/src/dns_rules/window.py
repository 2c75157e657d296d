"""One rule's tallies over its window as running sums: a sealed bucket is added once and taken away once.

The sums are exactly what adding up all buckets of the window anew would give.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from . import vantage
from .rules import Match

if TYPE_CHECKING:
    from collections.abc import Collection

    from .rules import Rule
    from .state import Places, ZoneState


class Place:
    """One server or question over the window."""

    __slots__ = ("failing", "key", "tallies", "total", "vantages", "why")

    def __init__(self, key: str) -> None:
        self.key = key
        self.tallies = 0
        self.total = 0
        self.failing = 0
        self.vantages: dict[str, list[int]] = {}
        """Number of tallies, observations and failures by vantage."""
        self.why: dict[str, int] = {}

    @property
    def regions(self) -> dict[str, tuple[int, int]]:
        """Observations and failures by region."""
        return self._by(0)

    @property
    def servers(self) -> dict[str, tuple[int, int]]:
        """Observations and failures by server."""
        return self._by(2)

    def failing_regions(self, ratio: float, least: int = 0) -> set[str]:
        """Regions in which at least this share fails, and so many."""
        return {name for name, (total, failing) in self.regions.items() if failing >= max(least, ratio * total)}

    def _by(self, part: int) -> dict[str, tuple[int, int]]:
        groups: dict[str, tuple[int, int]] = {}
        for key, (_, total, failing) in self.vantages.items():
            name = vantage.parts(key)[part]
            known = groups.get(name, (0, 0))
            groups[name] = (known[0] + total, known[1] + failing)
        return groups


class Window:
    """The places of one rule in one zone, from a moment on.

    Args:
        rule: whose tallies.
        state: of the zone, to whose ring it keeps up in `advance`.
    """

    def __init__(self, rule: Rule, state: ZoneState) -> None:
        self.places: dict[str, Place] = {}
        self.failing = 0
        self._rule = rule.id
        # A region that never reached any of the zone's servers is behind a firewall, and says nothing of them.
        self._from_authority = rule.where.role == "authoritative" and not isinstance(rule.detect, Match)
        self._reached = state.reached
        self._counted: dict[str, bool] = {}
        self._buckets: deque[tuple[int, Places]] = deque()
        self._last: int | None = None
        self._after = 0

    def advance(self, state: ZoneState, after: int) -> None:
        """Take the buckets that were sealed since, and drop the ones from before `after` (microseconds)."""
        if self._from_authority and self._reached is not state.reached:
            # A region counts from now on, with all that it said within the window.
            self._begin(state)
        if after < self._after:
            self._begin(state)  # the window has become longer
        self._after = after
        while self._buckets and self._buckets[0][0] < after:
            self._drop(self._buckets.popleft()[1])
        new = []
        for time, tallies in reversed(state.ring):
            if time < after or (self._last is not None and time <= self._last):
                break
            new.append((time, tallies.get(self._rule, {})))
        for time, keys in reversed(new):
            self._buckets.append((time, keys))
            self._add(keys)
        if state.ring:
            self._last = state.ring[-1][0]

    def _begin(self, state: ZoneState) -> None:
        """Anew, with all that is kept."""
        self.places, self.failing, self._reached = {}, 0, state.reached
        self._buckets.clear()
        self._counted.clear()
        self._last = None

    def span(self) -> tuple[int, int] | None:
        """Times of the first and of the last bucket in which anything was counted; ``None`` where there is none."""
        times = [time for time, keys in self._buckets if keys]
        return (times[0], times[-1]) if times else None

    def since(self, state: ZoneState, after: int) -> dict[str, tuple[int, int]]:
        """Observations and failures by place from another moment on, counted anew."""
        sums: dict[str, tuple[int, int]] = {}
        for time, tallies in reversed(state.ring):
            if time < after:
                break
            for key, vantages in tallies.get(self._rule, {}).items():
                for seen_from, tally in vantages.items():
                    if self._counts(seen_from):
                        total, failing = sums.get(key, (0, 0))
                        sums[key] = (total + tally.total, failing + tally.failing)
        return sums

    def evidence(self, places: Collection[Place], most: int) -> tuple[str, ...]:
        """Ids of the newest failures of places."""
        found: set[tuple[int, str]] = set()
        # Buckets follow each other in time, so that older ones hold nothing newer.
        for _, keys in reversed(self._buckets):
            for place in places:
                for seen_from, tally in keys.get(place.key, {}).items():
                    if tally.failing and self._counts(seen_from):
                        found.add(tally.evidence)
            if len(found) >= most:
                break
        return tuple(id_ for _, id_ in sorted(found, reverse=True)[:most])

    def _counts(self, seen_from: str) -> bool:
        counts = self._counted.get(seen_from)
        if counts is None:
            region, _, server = vantage.parts(seen_from)
            counts = not self._from_authority or vantage.way(region, server) in self._reached
            self._counted[seen_from] = counts
        return counts

    def _add(self, keys: Places) -> None:
        for key, vantages in keys.items():
            for seen_from, tally in vantages.items():
                if not self._counts(seen_from):
                    continue
                place = self.places.get(key)
                if place is None:
                    place = self.places[key] = Place(key)
                sums = place.vantages.get(seen_from)
                if sums is None:
                    sums = place.vantages[seen_from] = [0, 0, 0]
                place.tallies += 1
                place.total += tally.total
                sums[0] += 1
                sums[1] += tally.total
                if tally.failing:
                    self.failing += tally.failing
                    place.failing += tally.failing
                    sums[2] += tally.failing
                    for why, number in tally.why.items():
                        place.why[why] = place.why.get(why, 0) + number

    def _drop(self, keys: Places) -> None:
        """The reverse of `_add`; what comes to nothing is no more."""
        for key, vantages in keys.items():
            for seen_from, tally in vantages.items():
                if not self._counts(seen_from):
                    continue
                place = self.places[key]
                sums = place.vantages[seen_from]
                place.tallies -= 1
                place.total -= tally.total
                sums[0] -= 1
                sums[1] -= tally.total
                if tally.failing:
                    self.failing -= tally.failing
                    place.failing -= tally.failing
                    sums[2] -= tally.failing
                    for why, number in tally.why.items():
                        place.why[why] -= number
                        if not place.why[why]:
                            del place.why[why]
                if not sums[0]:
                    del place.vantages[seen_from]
                    self._counted.pop(seen_from, None)  # vantages come and go, and this is not to grow with them
                if not place.tallies:
                    del self.places[key]

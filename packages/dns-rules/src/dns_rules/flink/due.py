"""Whose time comes when: the zones of one shard. No Flink in it."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Dues:
    """The next time of each zone, in microseconds since 1970.

    Args:
        zones: of which nothing is known but that they are there; their time has come.
    """

    def __init__(self, zones: Iterable[str] = ()) -> None:
        self._at = dict.fromkeys(zones, 0)
        self._heap = [(0, zone) for zone in self._at]
        heapify(self._heap)

    def ask(self, zone: str, time: int) -> None:
        """Have a zone's time come then, unless it comes earlier."""
        known = self._at.get(zone)
        if known is None or time < known:
            self._at[zone] = time
            heappush(self._heap, (time, zone))

    def take(self, until: int) -> list[str]:
        """The zones whose time has come; they are asked for no more."""
        found = []
        while self._heap and self._heap[0][0] <= until:
            time, zone = heappop(self._heap)
            if self._at.get(zone) == time:
                del self._at[zone]
                found.append(zone)
        return found

    @property
    def next(self) -> int | None:
        """When the next zone's time comes, or a little earlier; ``None`` where nothing is due."""
        return self._heap[0][0] if self._heap else None

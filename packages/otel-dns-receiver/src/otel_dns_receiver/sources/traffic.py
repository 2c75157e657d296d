"""Queries that were seen, counted by zone, server and minute, as `Traffic` events. Pure; time is the queries' own."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from dns_events import Server, Traffic, new_id

from .sketch import Distinct, Top

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Probe

    from .contract import Zones

WINDOW = 60
#: Seconds that a minute stays open for what comes late.
GRACE = 5.0
_TOP = 20
_MOST_CELLS = 20_000


class Minutes:
    """Counts queries into minutes.

    Args:
        zones: the watched ones; other names count as `other_zone`.
        everything: whether names outside the watched zones are counted too, under the zone ``.``.
        count: takes what is not counted, by reason: ``other_zone``, ``late``, ``over_limit``.
    """

    def __init__(self, zones: Zones, *, everything: bool, count: Callable[[str, int], None]) -> None:
        self._zones = zones
        self._everything = everything
        self._count = count
        self._cells: dict[tuple[int, str, Server | None], _Cell] = {}
        self._closed = -1
        self._zone_of: dict[str, str | None] = {}

    def zone_of(self, name: str) -> str | None:
        """The zone that a canonical name is counted under; ``None`` where it is not."""
        zone = self._zone_of.get(name, "")
        if zone == "":
            zone = self._zones.of(name)
            if zone is None and self._everything:
                zone = "."
            if len(self._zone_of) > 100_000:  # names are others' to choose
                self._zone_of.clear()
            self._zone_of[name] = zone
        return zone

    def add(self, time: float, name: str, server: Server | None, outcome: str | None, client: bytes | None) -> bool:
        """Count one query.

        Args:
            time: when it was asked, seconds since 1970.
            name: canonical.
            server: who answers.
            outcome: what came of it; ``None`` where the source does not say.
            client: who asked; only a hash goes into the count.

        Returns:
            Whether it was counted; if not, the reason was.
        """
        zone = self.zone_of(name)
        if zone is None:
            self._count("other_zone", 1)
            return False
        minute = int(time // WINDOW)
        key = minute, zone, server
        cell = self._cells.get(key)
        if cell is None:
            if minute <= self._closed:
                self._count("late", 1)
                return False
            if len(self._cells) >= _MOST_CELLS:
                self._count("over_limit", 1)
                return False
            cell = self._cells[key] = _Cell()
        cell.queries += 1
        if outcome is not None:
            cell.outcomes[outcome] = cell.outcomes.get(outcome, 0) + 1
            if outcome == "nxdomain":
                cell.nxdomain.add(name)
        if client is not None:
            cell.clients.add(client)
            cell.some = True
        return True

    def close(self, now: float, probe: Probe) -> list[Traffic]:
        """The minutes that are over; ``float("inf")`` closes all.

        Args:
            now: seconds since 1970, as the queries have it.
            probe: who looks.
        """
        last = int((now - GRACE) // WINDOW) - 1 if now != float("inf") else max((k[0] for k in self._cells), default=-1)
        if last <= self._closed:
            return []
        self._closed = last
        ended = sorted((key for key in self._cells if key[0] <= last), key=lambda k: (k[0], k[1], str(k[2])))
        return [self._event(key, self._cells.pop(key), probe) for key in ended]

    def _event(self, key: tuple[int, str, Server | None], cell: _Cell, probe: Probe) -> Traffic:
        minute, zone, server = key
        return Traffic(
            id=new_id(),
            time=dt.datetime.fromtimestamp((minute + 1) * WINDOW, dt.UTC),
            probe=probe,
            zone=zone,
            server=server,
            window=float(WINDOW),
            queries=cell.queries,
            outcomes=dict(sorted(cell.outcomes.items())),
            top_nxdomain=cell.nxdomain.most(_TOP),
            clients=cell.clients.count() if cell.some else None,
        )


class _Cell:
    """One zone and server in one minute."""

    __slots__ = ("clients", "nxdomain", "outcomes", "queries", "some")

    def __init__(self) -> None:
        self.queries = 0
        self.outcomes: dict[str, int] = {}
        self.nxdomain = Top()
        self.clients = Distinct()
        self.some = False

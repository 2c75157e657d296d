"""Hot zones: their events are spread over all partitions by name, and relayed to the one in which the zone is judged.

Each partition counts, keeps and archives its share. The judgement needs all of a zone, but little of it costs much: it
is done in one place, the zone's home. What another partition has read gets there through the store, in the
transaction that stores it, so that nothing is lost or judged twice; and in the home no time passes before all of what
was sent until then has come.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from dns_events import ndjson

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    import psycopg
    from dns_events import Event

    Cursor = psycopg.Cursor[Any]

#: Relayed events in one transaction.
_MOST = 10_000


class Relay:
    """Where events of hot zones are stored, and where they are judged. The same in all members of the group.

    Args:
        zones: that are spread.
        partitions: how many there are.
    """

    def __init__(self, zones: tuple[str, ...], partitions: int) -> None:
        self._partitions = partitions
        self._homes = {zone: _spot(zone, partitions) for zone in zones}

    def place(self, event: Event) -> int | None:
        """The partition that an event goes to; ``None`` where its zone is its key, as usual."""
        if event.zone not in self._homes:
            return None
        return _spot(f"{event.zone}/{getattr(event, 'name', '')}", self._partitions)

    def is_home(self, number: int) -> bool:
        """Whether a hot zone is judged in this partition."""
        return number in self._homes.values()

    def exchange(self, cursor: Cursor, number: int, events: list[Event], sources: Mapping[str, bytes]) -> list[Event]:
        """Send on what others judge, and take what came for this partition; returns what is judged here.

        Args:
            cursor: of the transaction that stores the events.
            number: of the partition.
            events: that were read in it.
            sources: JSON of events by id, where they came as JSON.
        """
        cursor.execute(
            "delete from relay where seq in (select seq from relay where home = %s order by seq limit %s) "
            "returning event",
            (number, _MOST),
        )
        here = []
        away: list[tuple[int, bytes]] = []
        for event in [*events, *(ndjson.decode(row[0]) for row in cursor.fetchall())]:
            home = self._homes.get(event.zone, number)
            if home == number:
                here.append(event)
            else:
                away.append((home, sources.get(event.id) or ndjson.encode(event)))
        if away:
            with cursor.copy("copy relay (home, event) from stdin (format binary)") as copy:
                copy.set_types(["int4", "bytea"])
                for row in away:
                    copy.write_row(row)
        return here

    def heard(self, cursor: Cursor, consumer: str, number: int, time: dt.datetime) -> dt.datetime | None:
        """Say that this partition has all of what was sent before a time; returns until when time may pass in it.

        Args:
            cursor: of a transaction.
            consumer: whose offsets they are.
            number: of the partition.
            time: until when.
        """
        cursor.execute(
            "update bus_offset set heard = %s where consumer = %s and partition = %s", (time, consumer, number)
        )
        if not self.is_home(number):
            return time
        cursor.execute(
            "select count(heard), min(heard) from bus_offset where consumer = %s and partition < %s",
            (consumer, self._partitions),
        )
        partitions, slowest = cursor.fetchone() or (0, None)
        cursor.execute("select count(*) from (select from relay where home = %s limit %s) as r", (number, _MOST + 1))
        (waiting,) = cursor.fetchone() or (0,)
        return slowest if partitions == self._partitions and waiting <= _MOST else None


def _spot(key: str, partitions: int) -> int:
    """As librdkafka's partitioner does it with a key."""
    return zlib.crc32(key.encode()) % partitions

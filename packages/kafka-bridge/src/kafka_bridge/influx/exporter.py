"""From the store into InfluxDB: minutes that are closed, and again those that changed since.

Nothing is queued: what is written is noted (see ledger.py), and what is not noted, or is another one now, is written.
The newest goes first. A point is its measurement, tags and minute, so that writing it again changes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

from dns_events.durations import seconds

from kafka_bridge.setback import setback
from kafka_bridge.store.leader import Leader

from .client import Client, InfluxError
from .delivery import Refusal, deliver
from .ledger import Ledger, open_incidents, read
from .measurements import incident_lines, measurements

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping
    from typing import Self

    import psycopg

    from .measurements import Subject
    from .settings import Influx

    Connection = psycopg.Connection[tuple[Any, ...]]
    Due = Mapping[dt.datetime, frozenset[Subject]]

log = logging.getLogger(__name__)

#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_707B
_LONGEST_PAUSE = 60.0
#: Lines of one request, and of one look into the store.
_BATCH = 5000
_LOOK = 20_000
_MINUTES = 60
#: The last hour is compared each time, everything from time to time.
_RECENT = dt.timedelta(hours=1)
_EVERYTHING_EVERY = dt.timedelta(minutes=5)


class Exporter:
    """Writes minutes; one of several processes works, the others stand by.

    Args:
        conninfo: of the store.
        influx: where to.
        keep: for how long the store keeps minutes.
    """

    def __init__(self, conninfo: str, influx: Influx, keep: dt.timedelta) -> None:
        self._leader = Leader(conninfo, _LOCK)
        self._influx = influx
        self._client = Client(influx)
        self._ledger = Ledger(influx.target, keep)
        self._measurements = measurements(servers=influx.servers)
        self._looked: dt.datetime | None = None
        self._waiting: dict[dt.datetime, frozenset[Subject]] = {}
        self._stride = 1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="influx", daemon=True)
        self.trouble: str | None = None
        """Why nothing is written right now, or what was refused."""

    def start(self) -> Self:
        """Work on a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the request at hand; what waits is written after the next start."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(60)
        self._client.close()
        self._leader.drop()

    def _run(self) -> None:
        every = seconds(self._influx.every)
        pause = every
        while not self._stopping.is_set():
            try:
                while self.turn() and not self._stopping.is_set():
                    pass
                self.trouble, pause = self._told(), every
            except Exception as error:  # noqa: BLE001 - see setback
                self.trouble = setback(log, "points for InfluxDB wait", error)
                self._leader.drop()
                asked = error.wait if isinstance(error, InfluxError) else 0.0
                pause = min(max(pause * 2, asked), max(_LONGEST_PAUSE, every))
            self._stopping.wait(pause)

    def turn(self, now: dt.datetime | None = None) -> int:
        """Some minutes, if any are to be written; returns how many.

        Raises:
            InfluxError: it takes nothing right now.
        """
        now = now or dt.datetime.now(dt.UTC)
        had = self._leader.leading
        connection = self._leader.connection()
        if connection is None:
            return 0
        if not had:
            # Another one may have written meanwhile.
            self._looked, self._waiting = None, {}
        self._look(connection, now)
        if not self._waiting:
            return 0
        minutes = sorted(self._waiting, reverse=True)[: self._stride]
        due = {minute: self._waiting[minute] for minute in reversed(minutes)}
        if not self._write(connection, due, now):
            return 0
        for minute in minutes:
            del self._waiting[minute]
        return len(minutes)

    def _look(self, connection: Connection, now: dt.datetime) -> None:
        """Find out what is to be written."""
        since = self._ledger.since(connection, now)
        if since is None:
            return
        if self._looked is None or not self._looked <= now < self._looked + _EVERYTHING_EVERY:
            if lost := self._ledger.prune(connection, since):
                log.warning(
                    "InfluxDB refused %d points to the end: their minutes are past their time in the store", lost
                )
            self._waiting = self._ledger.due(connection, since, now)
            self._looked = now
        else:
            self._waiting = {minute: subjects for minute, subjects in self._waiting.items() if minute >= since}
            recent = max(since, (now - _RECENT).replace(second=0, microsecond=0))
            self._waiting |= self._ledger.due(connection, recent, now)
        for minute, subjects in self._ledger.unsettled(connection, since, now).items():
            self._waiting[minute] = self._waiting.get(minute, frozenset()) | subjects

    def _write(self, connection: Connection, due: Due, now: dt.datetime) -> bool:
        """Write minutes and note them; false where it has to stop meanwhile."""
        refused: dict[dt.datetime, Refusal] = {}
        lines = 0
        with connection.transaction(), closing(self._batches(connection, due)) as batches:
            # All of it as of one moment: the points, and what the minutes are said to be.
            connection.execute("set transaction isolation level repeatable read, read only")
            minutes = list(due)
            states = read(connection, minutes)
            for batch in batches:
                if self._stopping.is_set():
                    return False
                lines += len(batch)
                refusal = deliver(self._client.write, [line for _, line in batch])
                if refusal is not None:
                    log.warning("InfluxDB refused %d of %d points: %s", refusal.lines, len(batch), refusal.reason)
                    # Which ones is not always told: the minutes of the batch are tried again, all of them.
                    for number, minute in enumerate(sorted({minute for minute, _ in batch})):
                        before = refused.get(minute, Refusal(0, "")).lines
                        refused[minute] = Refusal(before + (0 if number else refusal.lines), refusal.reason)
        self._ledger.note(connection, {minute: (due[minute], states[minute]) for minute in due}, refused, now)
        self._stride = max(1, min(_MINUTES, _LOOK * len(due) // max(lines, 1)))
        return True

    def _batches(self, connection: Connection, due: Due) -> Generator[list[tuple[dt.datetime, bytes]]]:
        batch: list[tuple[dt.datetime, bytes]] = []
        for pair in self._lines(connection, due):
            batch.append(pair)
            if len(batch) == _BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _lines(self, connection: Connection, due: Due) -> Iterator[tuple[dt.datetime, bytes]]:
        prefix = self._influx.prefix
        for measurement in self._measurements:
            minutes = [minute for minute, subjects in due.items() if measurement.subject in subjects]
            if not minutes:
                continue
            with connection.cursor(name="influx") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(measurement.query.encode(), (minutes,))
                for row in cursor:
                    line = measurement.line(prefix, row)
                    if line is not None:
                        yield row[0], line
        with_incidents = [minute for minute, subjects in due.items() if "incidents" in subjects]
        if with_incidents:
            for minute, count in open_incidents(connection, with_incidents).items():
                for line in incident_lines(prefix, minute, count):
                    yield minute, line

    def _told(self) -> str | None:
        connection = self._leader.connection()
        found = None if connection is None else self._ledger.refused(connection)
        if found is None:
            return None
        return f"InfluxDB refused {found[0]} points, and they are tried again each hour: {found[1]}"

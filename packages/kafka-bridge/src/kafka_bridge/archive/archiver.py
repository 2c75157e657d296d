"""From the store's queue into files, each event once.

The judgement's transaction puts new events into the queue. Here a batch is marked first, then its files are written
under names that follow from the batch, then the batch leaves the queue. Whoever dies in between leaves a marked
batch, and the next one writes the same files again.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import TYPE_CHECKING, Any

from dns_events import ndjson
from dns_events.durations import seconds

from kafka_bridge.setback import setback
from kafka_bridge.store.leader import Leader

from . import layout
from .place import Place

if TYPE_CHECKING:
    import psycopg

    from .place import Written
    from .settings import Archive

    Connection = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger(__name__)

#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_7077
_PACE = 1.0
_LONGEST_PAUSE = 60.0


class Archiver:
    """Writes batches; one of several processes works, the others stand by.

    Args:
        conninfo: of the store.
        archive: where to.
    """

    def __init__(self, conninfo: str, archive: Archive) -> None:
        self._leader = Leader(conninfo, _LOCK)
        self._archive = archive
        self._place = Place(archive)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="archive", daemon=True)
        self.trouble: str | None = None
        """Why nothing is written right now."""

    def start(self) -> Archiver:
        """Work on a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the batch at hand; what waits is written after the next start."""
        self._stopping.set()
        self._thread.join(60)
        self._leader.drop()

    def _run(self) -> None:
        pause = _PACE
        pruned: dt.date | None = None
        while not self._stopping.is_set():
            try:
                while self.turn() and not self._stopping.is_set():
                    pass
                today = self._today() if self._leader.leading else None
                if today is not None and pruned != today:
                    self.prune(today)
                    pruned = today
                self.trouble, pause = None, _PACE
            except Exception as error:  # noqa: BLE001 - see setback
                self.trouble = setback(log, "the archive waits", error)
                self._leader.drop()
                pause = min(pause * 2, _LONGEST_PAUSE)
            self._stopping.wait(pause)

    def turn(self, *, now: bool = False) -> int:
        """One batch, if it is time for one; returns its events.

        Args:
            now: do not wait for more events.
        """
        connection = self._leader.connection()
        if connection is None:
            return 0
        batch = self._marked(connection) or self._mark(connection, now=now)
        if batch is None:
            return 0
        rows = connection.execute("select event, enrichment from archive_queue where batch = %s", (batch,)).fetchall()
        files = [
            self._place.write(path, table)
            for path, table in layout.tables(
                ((ndjson.decode(event), enrichment) for event, enrichment in rows), batch
            ).items()
        ]
        self._done(connection, batch, files)
        return len(rows)

    @staticmethod
    def _done(connection: Connection, batch: int, files: list[Written]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(
                "insert into archive_file (path, batch, events, bytes) values (%s, %s, %s, %s)",
                [(file.path, batch, file.events, file.bytes) for file in files],
            )
            cursor.execute("delete from archive_queue where batch = %s", (batch,))

    def prune(self, today: dt.date) -> list[str]:
        """Remove days that are past their time; returns them."""
        first = today - dt.timedelta(seconds=seconds(self._archive.keep))
        old = [name for name in self._place.folders() if name < f"day={first.isoformat()}"]
        connection = self._leader.connection()
        if connection is None:
            return []
        for name in old:
            self._place.remove(name)
            connection.execute("delete from archive_file where path like %s", (f"{name}/%",))
            log.info("the archive's %s is past its time and was removed", name)
        return old

    def _today(self) -> dt.date | None:
        """By the database's clock: a host's clock that is wrong is not to remove days that are to be kept."""
        connection = self._leader.connection()
        row = None if connection is None else connection.execute("select current_date").fetchone()
        return None if row is None else row[0]

    @staticmethod
    def _marked(connection: Connection) -> int | None:
        row = connection.execute("select min(batch) from archive_queue where batch is not null").fetchone()
        return None if row is None else row[0]

    def _mark(self, connection: Connection, *, now: bool) -> int | None:
        waiting, age = connection.execute(
            "select count(*), extract(epoch from now() - min(queued))::float8 "
            "from (select queued from archive_queue order by seq limit %s) as next",
            (self._archive.events,),
        ).fetchone() or (0, None)
        if not waiting or age is None:
            return None
        if not now and waiting < self._archive.events and age < seconds(self._archive.every):
            return None
        row = connection.execute(
            "with batch as (select nextval('archive_batch') as number) update archive_queue set batch = batch.number "
            "from batch where seq in (select seq from archive_queue order by seq limit %s) returning batch.number",
            (self._archive.events,),
        ).fetchone()
        return None if row is None else int(row[0])

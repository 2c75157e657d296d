"""From the queue into the chain, each record once."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import TYPE_CHECKING

from kafka_bridge.setback import setback
from kafka_bridge.store.leader import Leader

from .chain import GENESIS, digest_of, link

if TYPE_CHECKING:
    from typing import Self

log = logging.getLogger(__name__)

#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_7079
_PACE = 1.0
_LONGEST_PAUSE = 60.0
_BATCH = 500


class Notary:
    """Appends to the chain; one of several processes works, the others stand by.

    Args:
        conninfo: of the store.
    """

    def __init__(self, conninfo: str) -> None:
        self._leader = Leader(conninfo, _LOCK)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notary", daemon=True)
        self.trouble: str | None = None
        """Why nothing is appended right now."""

    def start(self) -> Self:
        """Work on a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the batch at hand; what waits is appended after the next start."""
        self._stopping.set()
        self._thread.join(30)
        self._leader.drop()

    def _run(self) -> None:
        pause = _PACE
        while not self._stopping.is_set():
            try:
                while self.turn() and not self._stopping.is_set():
                    pass
                self.trouble, pause = None, _PACE
            except Exception as error:  # noqa: BLE001 - see setback
                self.trouble = setback(log, "evidence waits", error)
                self._leader.drop()
                pause = min(pause * 2, _LONGEST_PAUSE)
            self._stopping.wait(pause)

    def turn(self) -> int:
        """One batch; returns how many records it appended."""
        connection = self._leader.connection()
        if connection is None:
            return 0
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(
                "delete from evidence_queue where queued in "
                "(select queued from evidence_queue order by queued limit %s) "
                "returning queued, kind, zone, time, source, body",
                (_BATCH,),
            )
            rows = sorted(cursor.fetchall())
            if not rows:
                return 0
            cursor.execute("select seq, hash from evidence order by seq desc limit 1")
            seq, before = cursor.fetchone() or (0, GENESIS)
            recorded = dt.datetime.now(dt.UTC)
            made = []
            for _, kind, zone, time, source, body in rows:
                seq += 1
                digest = digest_of(kind, zone, time, recorded, source, body)
                hash_ = link(bytes(before), seq, digest)
                made.append((seq, recorded, kind, zone, time, source, body, digest, bytes(before), hash_))
                before = hash_
            cursor.executemany("insert into evidence values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", made)
        return len(made)

"""The embedded bus's worker: requests from PostgreSQL, a batch, a step, one transaction."""

from __future__ import annotations

import logging
import threading
import time as clocks
from typing import TYPE_CHECKING, Any

from kafka_bridge.errors import FencedError
from kafka_bridge.health.measures import Measures
from kafka_bridge.health.vitals import Part
from kafka_bridge.setback import setback
from kafka_bridge.timekeeper import Timekeeper

from .decode import decode
from .partition import Batch, Partition

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    import psycopg
    from dns_events import Event
    from dns_rules import Inventory, Rules

    from kafka_bridge.store.pool import Pool

    from .decode import Dead

log = logging.getLogger(__name__)

_BATCH_REQUESTS = 200
_BATCH_BYTES = 8 << 20
_PACE = 1.0


class Worker:
    """Takes raw requests in their order and commits what the judgement makes of them.

    Args:
        pool: connections to the store.
        inventory: what is watched.
        rules: the rule pack.
        partition: of the raw bus.
        arrived: set by the journal when there is something new.
        committed: called after each batch that changed something.
        archive: new events go into the archive's queue.
        measures: what is measured of commits.
        settle: seconds for which only events move time, after a start or after trouble: clients then send what they
            kept, and it must not come too late.
        time: tells what time it is.
    """

    def __init__(
        self,
        pool: Pool,
        inventory: Inventory,
        rules: Rules,
        *,
        partition: int = 0,
        arrived: threading.Event | None = None,
        committed: Callable[[], None] | None = None,
        archive: bool = False,
        measures: Measures | None = None,
        settle: float = 0.0,
        time: Timekeeper | None = None,
    ) -> None:
        self._settle = settle
        self._time = time or Timekeeper()
        self.partition = Partition(pool, inventory, rules, partition, archive=archive, measures=measures)
        self._measures = measures or Measures()
        self._arrived = arrived if arrived is not None else threading.Event()
        self._committed = committed
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.events = 0
        """Events that were judged by this worker."""
        self.duplicates = 0
        self.failure: BaseException | None = None
        self.trouble: str | None = None
        """Why batches are not committed right now."""

    def start(self) -> Worker:
        """Work on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=f"judge-{self.partition.number}", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the batch at hand."""
        self._stopping.set()
        self._arrived.set()
        if self._thread is not None:
            self._thread.join(30)

    def part(self) -> Part:
        """How it is."""
        return Part(name="judge", trouble=self.trouble, alive=self._thread is not None and self._thread.is_alive())

    def _run(self) -> None:
        pause = 0.2
        started = clocks.monotonic()
        while not self._stopping.is_set():
            try:
                self._arrived.clear()
                began = clocks.monotonic()
                worked = self.turn(self._time.now(), tick=began - started >= self._settle)
                pause, self.trouble = 0.2, None
                if self._committed is not None:
                    self._committed()
                if not worked:
                    self._arrived.wait(_PACE)
                elif worked < _BATCH_REQUESTS:
                    # Each turn writes the state of the zones it touched: once a second is often enough.
                    self._stopping.wait(max(0.0, began + _PACE - clocks.monotonic()))
            except FencedError as error:
                log.error("%s", error)  # noqa: TRY400 - it says all there is
                self.failure = error
                return
            except Exception as error:  # noqa: BLE001 - see setback
                self.trouble = setback(log, "the batch was rolled back and is taken again", error)
                self._measures.failed("judge")
                self.partition.forget()
                started = clocks.monotonic()
                self._stopping.wait(pause)
                pause = min(pause * 2, 10.0)

    def turn(self, now: dt.datetime, *, tick: bool = True) -> int:
        """One batch and its transaction; returns how many requests it took from the bus.

        Time passes only when the bus was emptied: what waits on it is older than now, and must not become late.

        Raises:
            FencedError: another worker has taken over.
        """
        requests: list[tuple[int, bytes]] = []
        emptied = False

        def read(cursor: psycopg.Cursor[Any], offset: int) -> Batch:
            nonlocal emptied
            requests[:] = self._read(cursor, offset)
            emptied = not self._more(cursor, requests[-1][0] if requests else offset)
            return self._decode(requests, max(now, self._time.latest()))

        committed = self.partition.commit(read, lambda _: now if tick and emptied else None)
        self.events += committed.events
        self.duplicates += committed.duplicates
        return len(requests)

    def _read(self, cursor: psycopg.Cursor[Any], offset: int) -> list[tuple[int, bytes]]:
        number = self.partition.number
        cursor.execute(
            'select "offset", payload from (select "offset", payload, sum(length(payload)) over (order by "offset") '
            'as size from (select "offset", payload from bus_raw where partition = %s and "offset" > %s '
            'order by "offset" limit %s) as next) as sized where size <= %s or "offset" = '
            '(select min("offset") from bus_raw where partition = %s and "offset" > %s) order by "offset"',
            (number, offset, _BATCH_REQUESTS, _BATCH_BYTES, number, offset),
        )
        return [(row[0], bytes(row[1])) for row in cursor.fetchall()]

    def _more(self, cursor: psycopg.Cursor[Any], offset: int) -> bool:
        cursor.execute(
            'select exists (select 1 from bus_raw where partition = %s and "offset" > %s)',
            (self.partition.number, offset),
        )
        row = cursor.fetchone()
        return row is not None and bool(row[0])

    @staticmethod
    def _decode(requests: list[tuple[int, bytes]], now: dt.datetime) -> Batch:
        events: list[Event] = []
        dead: list[tuple[int, Dead]] = []
        for offset, payload in requests:
            decoded = decode(payload, now)
            events += decoded.events
            dead += [(offset, letter) for letter in decoded.dead]
        return Batch(events, tuple(dead), requests[-1][0] if requests else None)

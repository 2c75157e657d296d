"""The worker of one partition: a batch, a step, one transaction."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from typing import TYPE_CHECKING, Any

import psycopg
from dns_rules import Engine, StateError
from psycopg_pool import PoolTimeout

from kafka_bridge.errors import FencedError

from . import write
from .decode import decode
from .plan import plan

if TYPE_CHECKING:
    from dns_events import Event
    from dns_rules import Inventory, Rules

    from kafka_bridge.store.pool import Pool

    from .decode import Dead

log = logging.getLogger(__name__)

CONSUMER = "judge"
_BATCH_REQUESTS = 200
_BATCH_BYTES = 8 << 20
_PACE = 1.0
#: After a start clients send what they kept meanwhile; the clock waits for it, else it would come too late.
_SETTLE = 20.0


class Worker:
    """Takes raw requests in their order, judges them, and commits offset, state and results together.

    After a failed transaction the engine in memory is ahead of the store, and is read from the store anew.

    Args:
        pool: connections to the store.
        inventory: what is watched.
        rules: the rule pack.
        notifiers: names under which pages are to be delivered.
        partition: of the raw bus.
        arrived: set by the journal when there is something new.
    """

    def __init__(
        self,
        pool: Pool,
        inventory: Inventory,
        rules: Rules,
        notifiers: list[str],
        *,
        partition: int = 0,
        arrived: threading.Event | None = None,
    ) -> None:
        self._pool = pool
        self._inventory = inventory
        self._rules = rules
        self._notifiers = notifiers
        self._partition = partition
        self._arrived = arrived if arrived is not None else threading.Event()
        self._engine: Engine | None = None
        self._epoch: int | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.events = 0
        """Events that were judged by this worker."""
        self.duplicates = 0
        self.failure: BaseException | None = None

    def start(self) -> Worker:
        """Work on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name=f"judge-{self._partition}", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the batch at hand."""
        self._stopping.set()
        self._arrived.set()
        if self._thread is not None:
            self._thread.join(30)

    def _run(self) -> None:
        pause = 0.2
        last_tick = 0.0
        started = dt.datetime.now(dt.UTC).timestamp()
        while not self._stopping.is_set():
            try:
                self._arrived.clear()
                now = dt.datetime.now(dt.UTC)
                tick = now.timestamp() - last_tick >= _PACE and now.timestamp() - started >= _SETTLE
                worked = self.turn(now, tick=tick)
                if tick and not worked:
                    last_tick = now.timestamp()
                pause = 0.2
                if not worked:
                    self._arrived.wait(_PACE)
                elif worked < _BATCH_REQUESTS:
                    # Each turn writes the state of the zones it touched: once a second is often enough.
                    spent = dt.datetime.now(dt.UTC).timestamp() - now.timestamp()
                    self._stopping.wait(max(0.0, _PACE - spent))
            except FencedError as error:
                log.error("%s", error)  # noqa: TRY400 - it says all there is
                self.failure = error
                return
            except (psycopg.Error, PoolTimeout, StateError) as error:
                log.warning("the batch was rolled back and is taken again: %s", str(error).split("\n")[0])
                self._engine = None
                started = dt.datetime.now(dt.UTC).timestamp()
                self._stopping.wait(pause)
                pause = min(pause * 2, 10.0)

    def turn(self, now: dt.datetime, *, tick: bool = True) -> int:
        """One batch and its transaction; returns how many requests it took from the bus.

        Time passes only once the bus is empty: what waits on it is older than now, and must not become late.

        Raises:
            FencedError: another worker has taken over.
        """
        if self._engine is None:
            self._take_over()
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            offset = self._fence(cursor)
            requests = self._read(cursor, offset)
            if not requests and not tick:
                return 0
            events, dead = self._decode(requests, now)
            known = write.fresh(cursor, [event.id for event in events])
            self.duplicates += len(events) - len(known)
            new: list[Event] = []
            for event in events:
                if event.id in known:
                    known.discard(event.id)
                    new.append(event)
            assert self._engine is not None
            self._engine.set_drills(self._drills(cursor))
            step = self._engine.step(new, now if tick and not requests else None)
            rows = plan(new, step)
            write.aggregates(cursor, rows)
            write.judgement(cursor, step.findings, step.incidents, step.health)
            write.pages(cursor, rows, self._notifiers)
            write.dead_letters(cursor, self._partition, dead)
            cursor.executemany(
                "insert into zone_state (zone, state) values (%s, %s) on conflict (zone) do update set "
                "state = excluded.state, updated = now()",
                [(zone, self._engine.dump_zone(zone)) for zone in sorted(step.zones)],
            )
            if step.findings or step.incidents:
                cursor.execute(
                    "insert into correlation_state (state) values (%s) on conflict (one) do update set "
                    "state = excluded.state, updated = now()",
                    (self._engine.dump_correlation(),),
                )
            if requests:
                cursor.execute(
                    'update bus_offset set "offset" = %s where consumer = %s and partition = %s',
                    (requests[-1][0], CONSUMER, self._partition),
                )
        self.events += len(new)
        return len(requests)

    def _take_over(self) -> None:
        """Claim the partition and read the judgement's state from the store."""
        engine = Engine(self._inventory, self._rules)
        with self._pool.connection() as connection, connection.transaction():
            if self._epoch is None:
                row = connection.execute(
                    "insert into bus_offset as o (consumer, partition, epoch) values (%s, %s, 1) "
                    "on conflict (consumer, partition) do update set epoch = o.epoch + 1 returning epoch",
                    (CONSUMER, self._partition),
                ).fetchone()
                assert row is not None
                self._epoch = row[0]
            for zone, state in connection.execute("select zone, state from zone_state").fetchall():
                if self._inventory.zone(zone) is not None:
                    engine.load_zone(zone, state)
            row = connection.execute("select state from correlation_state").fetchone()
            if row is not None:
                engine.load_correlation(row[0])
        self._engine = engine

    def _fence(self, cursor: psycopg.Cursor[Any]) -> int:
        cursor.execute(
            'select "offset", epoch from bus_offset where consumer = %s and partition = %s for update',
            (CONSUMER, self._partition),
        )
        row = cursor.fetchone()
        if row is None or row[1] != self._epoch:
            msg = f"partition {self._partition} was taken over by another worker; this one stops"
            raise FencedError(msg)
        return int(row[0])

    def _read(self, cursor: psycopg.Cursor[Any], offset: int) -> list[tuple[int, bytes]]:
        cursor.execute(
            'select "offset", payload from (select "offset", payload, sum(length(payload)) over (order by "offset") '
            'as size from (select "offset", payload from bus_raw where partition = %s and "offset" > %s '
            'order by "offset" limit %s) as next) as sized where size <= %s or "offset" = '
            '(select min("offset") from bus_raw where partition = %s and "offset" > %s) order by "offset"',
            (self._partition, offset, _BATCH_REQUESTS, _BATCH_BYTES, self._partition, offset),
        )
        return [(row[0], bytes(row[1])) for row in cursor.fetchall()]

    @staticmethod
    def _decode(requests: list[tuple[int, bytes]], now: dt.datetime) -> tuple[list[Event], list[tuple[int, Dead]]]:
        events: list[Event] = []
        dead: list[tuple[int, Dead]] = []
        for offset, payload in requests:
            found, bad = decode(payload, now)
            events += found
            dead += [(offset, letter) for letter in bad]
        return events, dead

    @staticmethod
    def _drills(cursor: psycopg.Cursor[Any]) -> dict[str, tuple[dt.datetime, dt.datetime | None]]:
        cursor.execute(
            "select zone, started, ended from drill where ended is null or ended > now() - interval '1 hour'"
        )
        return {zone: (started, ended) for zone, started, ended in cursor.fetchall()}

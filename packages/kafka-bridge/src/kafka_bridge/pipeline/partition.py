"""One partition: its judgement in memory, and one transaction a batch."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from dns_rules import Judged, Judgement
from dns_rules.state import moment

from kafka_bridge.errors import FencedError
from kafka_bridge.evidence.select import select
from kafka_bridge.health.measures import Measures
from kafka_bridge.store.columns import CONSUMER
from kafka_bridge.store.rollup import note_late

from . import write
from .enrich import Enricher
from .plan import plan

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import psycopg
    from dns_events import Event
    from dns_rules import Inventory, Rules
    from dns_rules.enrichment import Enriched

    from kafka_bridge.store.pool import Pool

    from .decode import Dead
    from .relay import Relay

#: Workers of so many partitions add to the estate's counts without waiting for each other.
_SLOTS = 8


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: What is judged here where another engine judges.
_ELSEWHERE = Judged(findings=(), evaluated=(), zones=frozenset(), gone=frozenset())


class Batch(NamedTuple):
    """What was read of a partition in one go."""

    events: list[Event]
    dead: tuple[tuple[int, Dead], ...] = ()
    """With their offsets."""
    last: int | None = None
    """The offset up to which was read; ``None`` where there was nothing."""
    sources: Mapping[str, bytes] = {}
    """The JSON that events came as, by id."""


def _nothing(_cursor: psycopg.Cursor[Any], _offset: int) -> Batch:
    return Batch([])


class Committed(NamedTuple):
    """What one transaction came to."""

    batch: Batch
    events: int
    duplicates: int


class Partition:
    """Judges batches of one partition, and commits offset, state and results together.

    After a failed transaction the judgement in memory is ahead of the store, and is read from the store anew.

    Args:
        pool: connections to the store.
        inventory: what is watched.
        rules: the rule pack.
        number: of the partition.
        bus: what it is a partition of.
        archive: new events go into the archive's queue.
        clocked: events do not move time, because older ones may come behind them; only `now` of `commit` does.
        measures: what is measured of commits.
        publish: called with the new events of a batch, enriched, before its transaction is committed.
        relay: of zones that are spread over partitions.
        external: another engine judges; here events are stored alone.
    """

    def __init__(
        self,
        pool: Pool,
        inventory: Inventory,
        rules: Rules,
        number: int = 0,
        *,
        bus: str = "",
        archive: bool = False,
        clocked: bool = False,
        measures: Measures | None = None,
        publish: Callable[[list[Enriched]], None] | None = None,
        relay: Relay | None = None,
        external: bool = False,
    ) -> None:
        self._external = external
        self._pool = pool
        self.inventory = inventory
        self.rules = rules
        self.number = number
        self._consumer = f"{CONSUMER}{':' if bus else ''}{bus}"
        self._bus = bus or None
        self._archive = archive
        self._publish = publish
        self._relay = relay
        self._measures = measures or Measures()
        self._enricher = Enricher() if archive or publish is not None else None
        self._judgement: Judgement | None = None
        self._horizon = _EPOCH if clocked else None
        self._epoch: int | None = None

    def take_over(self) -> int:
        """Claim the partition, unless it is ours, and read its state; returns the offset that was committed last.

        Whoever had it is fenced from here on.
        """
        judgement = Judgement(self.inventory, self.rules)
        with self._pool.connection() as connection, connection.transaction():
            if self._epoch is None:
                row = connection.execute(
                    "insert into bus_offset as o (consumer, partition, epoch) values (%s, %s, 1) "
                    "on conflict (consumer, partition) do update set epoch = o.epoch + 1 returning epoch",
                    (self._consumer, self.number),
                ).fetchone()
                assert row is not None
                self._epoch = row[0]
            offset = self._fence(connection.cursor())
            for zone, *parts in connection.execute(
                "select zone, state, blocks, opened from zone_state where partition = %s", (self.number,)
            ).fetchall():
                judgement.load(zone, *parts)
            passed = self._passed(connection)
            if passed is not None:
                judgement.resume(passed)
                if self._horizon is not None:
                    self._horizon = max(self._horizon, passed)
        self._judgement = judgement
        return offset

    def rewind(self, offset: int) -> None:
        """Go on at another offset, because the one in the store is not on the bus."""
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            self._fence(cursor)
            cursor.execute(
                'update bus_offset set "offset" = %s where consumer = %s and partition = %s',
                (offset, self._consumer, self.number),
            )

    def forget(self) -> None:
        """Read the state from the store anew before the next batch."""
        self._judgement = None
        if self._enricher is not None:
            self._enricher.forget()

    def commit(
        self, read: Callable[[psycopg.Cursor[Any], int], Batch], now: Callable[[Batch], dt.datetime | None]
    ) -> Committed:
        """One batch and its transaction.

        Args:
            read: gets the cursor and the offset that was committed last; what follows on it.
            now: until when time has passed, after this batch; ``None`` where only its events say so.

        Raises:
            FencedError: another worker has taken over.
        """
        if self._judgement is None:
            self.take_over()
        judgement = self._judgement
        assert judgement is not None
        judgement.inventory, judgement.rules = self.inventory, self.rules
        began = time.monotonic()
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            batch = read(cursor, self._fence(cursor))
            until = now(batch)
            if batch.last is None and until is None and self._relay is None:
                return Committed(batch, 0, 0)
            known = write.fresh(cursor, [event.id for event in batch.events])
            new: list[Event] = []
            for event in batch.events:
                if event.id in known:
                    known.discard(event.id)
                    new.append(event)
            here = new if self._relay is None else self._relay.exchange(cursor, self.number, new, batch.sources)
            self._adopt(cursor, judgement, {event.zone for event in here})
            planned = plan(new)
            note_late(cursor, {(key[0], key[1]) for key in planned.minutes})
            enriched: list[Enriched] = []
            with connection.pipeline():  # PostgreSQL writes one thing while the next is worked out
                write.aggregates(cursor, planned, self.number % _SLOTS)
                judged = _ELSEWHERE if self._external else judgement.step(here, until, horizon=self._horizon)
                if self._enricher is not None:
                    enriched = self._enricher.enrich(cursor, new, judgement, self.inventory, batch.sources)
                if self._publish is not None and enriched:
                    self._publish(enriched)
                write.evidence(cursor, select(new))
                write.judgement(cursor, judged.findings, judgement.health(judged.evaluated))
                write.dead_letters(cursor, self._bus, self.number, batch.dead)
                write.states(cursor, self.number, ((zone, judgement.save(zone)) for zone in sorted(judged.zones)))
                write.forget_states(cursor, judged.gone)
            if self._archive:
                write.archive(cursor, enriched)
            sealed = _sealed(judgement, until)
            if batch.last is not None or sealed is not None or until is not None:
                cursor.execute(
                    'update bus_offset set "offset" = coalesce(%s, "offset"), sealed = coalesce(%s, sealed), '
                    "passed = coalesce(%s, passed) where consumer = %s and partition = %s",
                    (batch.last, sealed, until, self._consumer, self.number),
                )
        if self._horizon is not None and until is not None:
            self._horizon = max(self._horizon, until)
        duplicates = len(batch.events) - len(new)
        if batch.last is not None:
            seconds = time.monotonic() - began
            self._measures.committed(new, duplicates, len(batch.dead), seconds, dt.datetime.now(dt.UTC))
        return Committed(batch, len(new), duplicates)

    def pass_time(
        self, time: dt.datetime, read: Callable[[psycopg.Cursor[Any], int], Batch] = _nothing
    ) -> tuple[Committed, dt.datetime | None]:
        """One batch, with which everything that was sent before a time was read; also up to when time passed.

        Args:
            time: before which.
            read: as `commit` has it.

        Raises:
            FencedError: another worker has taken over.
        """
        until: dt.datetime | None = time

        def heard(cursor: psycopg.Cursor[Any], offset: int) -> Batch:
            nonlocal until
            if self._relay is not None:
                until = self._relay.heard(cursor, self._consumer, self.number, time)
            return read(cursor, offset)

        return self.commit(heard, lambda _: until), until

    def _fence(self, cursor: psycopg.Cursor[Any]) -> int:
        cursor.execute(
            'select "offset", epoch from bus_offset where consumer = %s and partition = %s for update',
            (self._consumer, self.number),
        )
        row = cursor.fetchone()
        if row is None or row[1] != self._epoch:
            msg = f"partition {self.number} was taken over by another worker; this one stops"
            raise FencedError(msg)
        return int(row[0])

    def _passed(self, connection: psycopg.Connection[Any]) -> dt.datetime | None:
        """Until when time had passed when this partition was left; earlier releases kept `sealed` alone."""
        row = connection.execute(
            "select coalesce(passed, sealed + make_interval(secs => %s)) from bus_offset "
            "where consumer = %s and partition = %s",
            (self.rules.lateness, self._consumer, self.number),
        ).fetchone()
        return None if row is None else row[0]

    def _adopt(self, cursor: psycopg.Cursor[Any], judgement: Judgement, zones: set[str]) -> None:
        """Take up zones that another partition had before the number of partitions was changed."""
        unknown = sorted(zone for zone in zones if zone not in judgement and self.inventory.zone(zone) is not None)
        if unknown:
            cursor.execute("select zone, state, blocks, opened from zone_state where zone = any(%s)", (unknown,))
            for zone, *parts in cursor.fetchall():
                judgement.load(zone, *parts)


def _sealed(judgement: Judgement, until: dt.datetime | None) -> dt.datetime | None:
    """Before this the partition has no findings to come."""
    if judgement.sealed is not None:
        # Before 1970 where no time has passed yet.
        return moment(judgement.sealed) if judgement.sealed > 0 else None
    return None if until is None else until - dt.timedelta(seconds=judgement.rules.lateness)

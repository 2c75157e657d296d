"""Normalized to judged: a member of the consumer group, with one `Partition` for each that it is assigned."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from dns_events.errors import DecodeError
from dns_rules import StateError
from dns_rules.state import micros
from psycopg_pool import PoolTimeout

from kafka_bridge.errors import RegistryError
from kafka_bridge.health.measures import Measures
from kafka_bridge.pipeline.decode import Dead
from kafka_bridge.pipeline.partition import Batch, Committed, Partition
from kafka_bridge.setback import setback

from .spread import relay_of
from .stage import Stage
from .values import Form
from .within import close

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from typing import Any

    from dns_events import Event
    from dns_rules import Inventory, Rules
    from dns_rules.enrichment import Enriched

    from kafka_bridge.store.pool import Pool

    from .clock import Clock, Mark
    from .connection import Connection
    from .topics import Topics

log = logging.getLogger(__name__)

_MESSAGES = 4000
#: So many partitions are judged at a time: one is worked out while PostgreSQL or the brokers take another.
_LANES = 2
#: Seconds for which a batch is waited for: each writes the states of all zones in it, so that fewer cost less.
_PATIENCE = 0.25
#: Seconds between two looks at whether time is to pass meanwhile.
_LOOK = 0.05
_PAUSE = 0.2


#: What was committed, or why nothing could be; ``None`` where there was nothing to commit.
Outcome = Committed | Exception | None


class Assigned:
    """One partition that is ours: its judgement, how far it was read, and what could not be committed yet."""

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.position = 0
        """Next offset, past everything that was committed to the store or is held."""
        self.ticked: int | None = None
        """The step up to which time was passed."""
        self.held: list[Message] = []
        self.retry = 0.0
        self.pause = _PAUSE


class Judging(Stage):
    """Judges the partitions that the group assigns.

    The store knows how far each partition was committed; Kafka's own offsets follow it, for tools that show lag.
    While the store is away its partitions are paused, and what was read is held and tried again.

    Args:
        connection: to the brokers.
        topics: of the environment.
        pool: connections to the store.
        inventory: what is watched.
        rules: the rule pack.
        clock: until when time has passed.
        committed: called after each batch that changed something.
        archive: new events go into the archive's queue.
        measures: what is measured of commits.
        publish: called with the new events of a batch, enriched, before it is committed.
        external: another engine judges; here events are stored alone.
    """

    def __init__(
        self,
        connection: Connection,
        topics: Topics,
        pool: Pool,
        inventory: Inventory,
        rules: Rules,
        clock: Clock,
        *,
        committed: Callable[[], None] | None = None,
        archive: bool = False,
        measures: Measures | None = None,
        publish: Callable[[list[Enriched]], None] | None = None,
        external: bool = False,
    ) -> None:
        super().__init__("judge", connection)
        self._external = external
        self._topics = topics
        self._pool = pool
        self.inventory = inventory
        self.rules = rules
        self._clock = clock
        self._form = Form(connection.kafka, topics.normalized)
        self._committed = committed
        self._archive = archive
        self._publish = publish
        self._measures = measures or Measures()
        self._assigned: dict[int, Assigned] = {}
        self._unassigned: Exception | None = None
        """Why partitions could not be taken over or given back."""
        self._hurried = -1
        """The step for which a batch was last cut short."""
        self.events = 0
        self.duplicates = 0

    @property
    def partitions(self) -> list[int]:
        """Numbers of the partitions that are ours now."""
        return sorted(self._assigned)

    def use(self, inventory: Inventory, rules: Rules) -> None:
        """Judge by these from the next batches on."""
        self.inventory, self.rules = inventory, rules
        for assigned in list(self._assigned.values()):
            assigned.partition.inventory, assigned.partition.rules = inventory, rules

    def work(self) -> None:
        """Batches until done."""
        consumer = self.connection.consumer("judge", enable_partition_eof=True)
        self._unassigned = None
        try:
            consumer.subscribe([self._topics.normalized], on_assign=self._assign, on_revoke=self._revoke)
            while not self.done:
                self._gather(consumer)
                self._take(consumer)
                self.connection.refresh(consumer)
                if not any(assigned.held or assigned.pause > _PAUSE for assigned in self._assigned.values()):
                    self.well()
        finally:
            self._assigned.clear()
            close(consumer)

    def _assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        # What a callback raises comes out of confluent-kafka 2.16 as something that `except Exception` lets through.
        try:
            self._take_over(consumer, places)
        except Exception as error:  # noqa: BLE001 - raised again by `work`
            self._unassigned = error

    def _take_over(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        relay = None if self._external else relay_of(self.connection, consumer, self._topics.normalized)
        for place in places:
            partition = Partition(
                self._pool, self.inventory, self.rules, place.partition, bus=place.topic, archive=self._archive,
                clocked=True, measures=self._measures, publish=self._publish, relay=relay,
                external=self._external,
            )  # fmt: skip
            offset = partition.take_over()
            low, high = consumer.get_watermark_offsets(place, timeout=10)
            if not low <= offset <= high:
                # The topic was made anew, or retention was faster than we; ids keep events from counting twice.
                log.error(
                    "%s/%d has offsets %d to %d and the store continues at %d; going on at %d",
                    place.topic, place.partition, low, high, offset, low,
                )  # fmt: skip
                partition.rewind(low)
                offset = low
            place.offset = offset
            assigned = self._assigned[place.partition] = Assigned(partition)
            assigned.position = offset
        consumer.incremental_assign(places)

    def _revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            self._assigned.pop(place.partition, None)
        try:
            consumer.incremental_unassign(places)
        except KafkaException as error:
            self._unassigned = error

    def _gather(self, consumer: Consumer) -> None:
        """Hold what comes until it is a batch, or until time is to pass in all partitions."""
        room, until = _MESSAGES, time.monotonic() + _PATIENCE
        while room > 0 and (left := until - time.monotonic()) > 0:
            messages = consumer.consume(room, min(left, _LOOK))
            if self._unassigned is not None:
                raise self._unassigned
            self._hold(messages)
            room -= len(messages)
            due = [self._due(assigned) for assigned in self._assigned.values()]
            step = min((-1 if mark is None else self._step(mark.time) for mark in due), default=-1)
            if step > self._hurried:  # once a step: one that waits for other members is not asked all the time
                self._hurried = step
                return

    def _hold(self, messages: list[Message]) -> None:
        for message in messages:
            number, offset, error = message.partition(), message.offset(), message.error()
            if number is None or offset is None:
                raise KafkaException(error)
            assigned = self._assigned.get(number)
            if assigned is None:
                continue
            if error is None:
                assigned.held.append(message)
                assigned.position = max(assigned.position, offset + 1)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - confluent-kafka has no other name for it
                assigned.position = max(assigned.position, offset)
            else:
                raise KafkaException(error)

    def _take(self, consumer: Consumer) -> None:
        """A turn for each partition."""
        waiting = deque(self._assigned.items())
        outcomes: dict[int, Outcome] = {}

        def turns() -> None:
            while True:
                try:
                    number, assigned = waiting.popleft()
                except IndexError:  # all have had theirs
                    return
                outcomes[number] = self._turn(assigned)

        lanes = [threading.Thread(target=turns, name="judge", daemon=True) for _ in range(min(_LANES, len(waiting)))]
        for lane in lanes:
            lane.start()
        for lane in lanes:
            lane.join()
        for number, outcome in outcomes.items():
            self._follow(consumer, number, self._assigned[number], outcome)

    def _turn(self, assigned: Assigned) -> Outcome:
        """Commit what a partition holds, and let time pass in it, in one transaction."""
        done = None
        if time.monotonic() < assigned.retry:
            return None
        messages, partition = assigned.held, assigned.partition

        def read(_cursor: psycopg.Cursor[Any], offset: int) -> Batch:
            return _batch(messages, offset, self._form)

        try:
            mark = self._due(assigned)
            if mark is not None:
                done, passed = partition.pass_time(mark.time, read)
                if passed is not None:
                    assigned.ticked = self._step(passed)
            elif messages:
                done = partition.commit(read, lambda _: None)
        except Exception as error:  # noqa: BLE001 - `_follow` knows what to do
            return error
        assigned.held = []
        if done is not None and self._committed is not None:
            self._committed()
        return done if messages else None

    def _follow(self, consumer: Consumer, number: int, assigned: Assigned, outcome: Outcome) -> None:
        """What follows from a partition's turn."""
        place = TopicPartition(self._topics.normalized, number, assigned.position)
        if isinstance(outcome, psycopg.Error | PoolTimeout | StateError | RegistryError):
            said = setback(log, "the batch was rolled back and is taken again", outcome)
            self.trouble = said if isinstance(outcome, RegistryError) else f"the store does not take batches: {said}"
            self._measures.failed("judge")
            assigned.partition.forget()
            assigned.retry = time.monotonic() + assigned.pause
            assigned.pause = min(assigned.pause * 2, 10.0)
            consumer.pause([place])
        elif isinstance(outcome, Exception):
            raise outcome
        elif time.monotonic() >= assigned.retry and assigned.pause > _PAUSE:  # it was paused
            assigned.pause = _PAUSE
            consumer.resume([place])
        if isinstance(outcome, Committed):
            self.events += outcome.events
            self.duplicates += outcome.duplicates
            consumer.commit(offsets=[place], asynchronous=True)

    def _due(self, assigned: Assigned) -> Mark | None:
        """Until when time is to pass in a partition; ``None`` within a step, where it would change nothing."""
        mark = self._clock.reached(assigned.partition.number, assigned.position)
        return None if mark is None or self._step(mark.time) == assigned.ticked else mark

    def _step(self, time_: dt.datetime) -> int:
        step, lateness = self.rules.pace
        return (micros(time_) - lateness) // step


def _batch(messages: list[Message], offset: int, form: Form) -> Batch:
    """Messages that the store does not have yet, as events; its offset is the next one to read."""
    events: list[Event] = []
    dead: list[tuple[int, Dead]] = []
    sources: dict[str, bytes] = {}
    last = None
    for message in messages:
        number: Any = message.offset()
        if number < offset:
            continue
        value = message.value() or b""
        try:
            event = form.decode(value)
        except DecodeError as error:
            dead.append((number, Dead(f"not an event: {error}", value)))
        else:
            events.append(event)
            if value[:1] == b"{":
                sources[event.id] = value.rstrip()
        last = number + 1
    return Batch(events, tuple(dead), last, sources)

"""What a job on another engine enriched, from its topic into the archive's queue."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaException, TopicPartition
from dns_events.errors import DecodeError
from dns_rules.enrichment import decode

from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.decode import Dead

from . import progress
from .stage import Stage, value_of
from .within import close

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message
    from dns_rules.enrichment import Enriched

    from kafka_bridge.store.pool import Pool

    from .connection import Connection

log = logging.getLogger(__name__)

#: Whose place in a topic `bus_offset` keeps; the judgement's clock does not go by it.
_CONSUMER = "enriched"
_MESSAGES = 4000
_PATIENCE = 0.5
_SECONDS = 10.0


class Archiving(Stage):
    """Queues the events of the partitions that the group assigns, with the offset up to which they were read.

    The store knows how far that is; Kafka's own offsets follow it, for tools that show lag.

    Each message counts for the first one that commits it, and each id for the first of an hour: what is sent twice is
    written twice by the job, which knows no ids of before.

    Args:
        connection: to the brokers.
        topic: of enriched events.
        pool: connections to the store.
    """

    def __init__(self, connection: Connection, topic: str, pool: Pool) -> None:
        super().__init__("enriched", connection)
        self._topic = topic
        self._pool = pool
        self._unassigned: Exception | None = None
        """Why partitions could not be taken over."""

    def work(self) -> None:
        """Batches until done."""
        consumer = self.connection.consumer("enriched")
        self._unassigned = None
        try:
            consumer.subscribe([self._topic], on_assign=self._assign)
            while not self.done:
                batches: dict[int, list[Message]] = {}
                for message in consumer.consume(_MESSAGES, _PATIENCE):
                    value_of(message)
                    number: Any = message.partition()
                    batches.setdefault(number, []).append(message)
                if self._unassigned is not None:
                    raise self._unassigned
                read = [TopicPartition(self._topic, *self._take(*batch)) for batch in batches.items()]
                if read:
                    consumer.commit(offsets=read, asynchronous=True)
                self.connection.refresh(consumer)
                self.well()
        finally:
            close(consumer)

    def _assign(self, consumer: Consumer, assigned: list[TopicPartition]) -> None:
        # What a callback raises comes out of confluent-kafka 2.16 as something that `except Exception` lets through.
        try:
            for place in assigned:
                place.offset = self._place(consumer, place)
            consumer.incremental_assign(assigned)
            consumer.commit(offsets=assigned, asynchronous=True)
        except Exception as error:  # noqa: BLE001 - raised again by `work`
            self._unassigned = error

    def _place(self, consumer: Consumer, place: TopicPartition) -> int:
        """Where to go on."""
        low, high = consumer.get_watermark_offsets(place, timeout=_SECONDS)
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            offset = progress.offset(cursor, _consumer(self._topic), place.partition)
            if not low <= offset <= high:
                # The topic was made anew, or retention was faster than we.
                log.error(
                    "%s/%d has offsets %d to %d and the store continues at %d; going on at %d",
                    place.topic, place.partition, low, high, offset, low,
                )  # fmt: skip
                offset = low
                progress.move(cursor, _consumer(self._topic), offset, place.partition)
        return offset

    def _take(self, number: int, messages: list[Message]) -> tuple[int, int]:
        """Commit a batch of a partition; returns the partition, and up to where it was read."""
        found: dict[str, Enriched] = {}
        dead: list[tuple[int, Dead]] = []
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            last = known = progress.offset(cursor, _consumer(self._topic), number)
            for message in messages:
                offset: Any = message.offset()
                if offset < known:
                    continue
                value = value_of(message)
                try:
                    enriched = decode(value)
                except DecodeError as error:
                    dead.append((offset, Dead(f"not an enriched event: {error}", value)))
                else:
                    found.setdefault(enriched.event.id, enriched)
                last = offset + 1
            new = write.fresh(cursor, list(found), "seen_enriched")
            write.archive(cursor, [enriched for id_, enriched in found.items() if id_ in new])
            write.dead_letters(cursor, self._topic, number, dead)
            progress.move(cursor, _consumer(self._topic), last, number)
        return number, last


def begin(connection: Connection, topic: str, pool: Pool) -> None:
    """Settle where to read from, once. What is in the archive by then was queued as the bridge enriched it.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    consumer = connection.onlooker("enriched")
    try:
        described = consumer.list_topics(topic, timeout=_SECONDS).topics[topic]
        if described.error is not None:
            raise KafkaException(described.error)
        ends = {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_SECONDS)[1]
            for number in described.partitions
        }
    finally:
        close(consumer)
    with pool.connection() as store, store.transaction(), store.cursor() as cursor:
        cursor.execute(
            "select exists (select from bus_offset where consumer = %s), "
            "exists (select from archive_file) or exists (select from archive_queue)",
            (_consumer(topic),),
        )
        row = cursor.fetchone()
        assert row is not None
        begun, archived = row
        if begun:
            return
        cursor.executemany(
            'insert into bus_offset (consumer, partition, "offset", epoch) values (%s, %s, %s, 1) '
            "on conflict do nothing",
            [(_consumer(topic), number, end if archived else 0) for number, end in ends.items()],
        )
        if archived:
            # The job goes on where it was stopped, and so comes to events that the bridge went on to enrich meanwhile.
            cursor.execute("insert into seen_enriched (id) select id from seen_event on conflict do nothing")


def end(topic: str, pool: Pool) -> None:
    """Forget where was read: from here on the bridge queues by itself."""
    with pool.connection() as store:
        store.execute("delete from bus_offset where consumer = %s", (_consumer(topic),))


def _consumer(topic: str) -> str:
    return f"{_CONSUMER}:{topic}"

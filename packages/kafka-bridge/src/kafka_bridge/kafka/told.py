"""What a job on another engine says: its findings and incidents from their topics into the store, and to be paged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from confluent_kafka import TopicPartition
from dns_rules import Finding, Incident

from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.decode import Dead

from . import progress
from .stage import Stage, value_of
from .within import close

if TYPE_CHECKING:
    import psycopg
    from confluent_kafka import Message
    from dns_rules import Inventory

    from kafka_bridge.notify.routing import Routing
    from kafka_bridge.store.pool import Pool

    from .connection import Connection
    from .topics import Topics

#: Whose place in a topic `bus_offset` keeps; the judgement's clock does not go by it.
_CONSUMER = "told"
_FINDING, _INCIDENT = msgspec.json.Decoder(Finding), msgspec.json.Decoder(Incident)


class Told(Stage):
    """Reads both topics from where the store stands, and commits what they say with the offset up to which it was read.

    Several may run: each message counts for the first one that commits it.

    Args:
        connection: to the brokers.
        topics: of the environment.
        pool: connections to the store.
        inventory: whose the zones are.
        routing: the ways out of pages.
    """

    def __init__(
        self, connection: Connection, topics: Topics, pool: Pool, inventory: Inventory, routing: Routing
    ) -> None:
        super().__init__("told", connection)
        self._topics = topics
        self._pool = pool
        self.inventory = inventory
        self._routing = routing

    def work(self) -> None:
        """Batches until done."""
        consumer = self.connection.consumer("told")
        try:
            with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
                places = [
                    TopicPartition(topic, 0, progress.offset(cursor, _consumer(topic)))
                    for topic in (self._topics.findings, self._topics.incidents)
                ]
            consumer.assign(places)
            while not self.done:
                batches: dict[str, list[Message]] = {}
                for message in consumer.consume(500, 0.5):
                    value_of(message)
                    batches.setdefault(message.topic() or "", []).append(message)
                for topic, messages in batches.items():
                    self._take(topic, messages)
                self.connection.refresh(consumer)
                self.well()
        finally:
            close(consumer)

    def _take(self, topic: str, messages: list[Message]) -> None:
        with self._pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            known = progress.offset(cursor, _consumer(topic))
            last = known
            for message in messages:
                offset: Any = message.offset()
                if offset < known:
                    continue
                self._store(cursor, topic, offset, value_of(message))
                last = offset + 1
            progress.move(cursor, _consumer(topic), last)

    def _store(self, cursor: psycopg.Cursor[Any], topic: str, offset: int, value: bytes) -> None:
        try:
            if topic == self._topics.findings:
                write.recorded(cursor, [_FINDING.decode(value)])
                return
            incident = _INCIDENT.decode(value)
        except msgspec.DecodeError as error:
            write.dead_letters(cursor, topic, 0, [(offset, Dead(f"not said by a judgement: {error}", value))])
            return
        write.incidents(cursor, [incident])
        write.pages(cursor, [incident], self.inventory, self._routing)


def _consumer(topic: str) -> str:
    return f"{_CONSUMER}:{topic}"

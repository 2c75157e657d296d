"""Raw to normalized: every record of every request as one event under its zone, in Kafka transactions."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from dns_events import ndjson
from dns_events.errors import ExportError

from kafka_bridge.pipeline.decode import Dead, decode

from . import headers
from .dialect import Dialect
from .spread import relay_of
from .stage import Stage, value_of
from .values import Form
from .within import close, within

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, Producer
    from dns_rules import Inventory

    from kafka_bridge.pipeline.decode import Decoded
    from kafka_bridge.pipeline.relay import Relay
    from kafka_bridge.timekeeper import Timekeeper

    from .connection import Connection
    from .topics import Topics

_MESSAGES = 64
#: librdkafka's RD_KAFKA_PARTITION_UA: its partitioner decides.
_BY_KEY = -1
#: Seconds for which a transaction waits for more; all of it is delay.
_PATIENCE = 0.2
#: A transaction that its writer left open holds readers back for so long.
_TRANSACTION_MILLISECONDS = 10_000


class Progress:
    """How far each source partition was read, and until when: the time goes along as the offset's metadata.

    Times are the messages' own, in milliseconds since 1970, never backwards; from them `Clock` knows until when
    everything that was sent has been normalized.
    """

    def __init__(self) -> None:
        self.moved: set[tuple[str, int]] = set()
        """Partitions that were read further since their offsets were committed."""
        self._at: dict[tuple[str, int], tuple[int, int]] = {}

    def passed(self, messages: list[Message]) -> list[Message]:
        """Take note of all of them; returns the ones with a value.

        Raises:
            KafkaException: one is an error.
        """
        found = []
        for message in messages:
            error = message.error()
            topic, number, offset = message.topic(), message.partition(), message.offset()
            if topic is None or number is None or offset is None:
                raise KafkaException(error)
            place = (topic, number)
            next_, time = self._at.get(place, (0, 0))
            if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                # Past the markers of others' transactions, which no consumer is told of.
                if time and offset > next_:
                    self._at[place] = (offset, time)
                    self.moved.add(place)
                continue
            value_of(message)
            self._at[place] = (offset + 1, max(time, message.timestamp()[1]))
            self.moved.add(place)
            found.append(message)
        return found

    def places(self) -> list[TopicPartition]:
        """The offsets to commit."""
        return [
            TopicPartition(*place, self._at[place][0], metadata=str(self._at[place][1])) for place in sorted(self.moved)
        ]


class Normalizer(Stage):
    """Reads the raw topic in a consumer group; offsets and events are committed together.

    What cannot be read goes to the dead letters with its reason and where it was. Topics of other tools are read
    beside the raw one, each in its dialect.

    Args:
        connection: to the brokers.
        topics: of the environment.
        inventory: its zones tell to which one a foreign record's name belongs.
        time: tells what time it is.
    """

    def __init__(self, connection: Connection, topics: Topics, inventory: Inventory, time: Timekeeper) -> None:
        super().__init__("normalize", connection)
        self._time = time
        self._topics = topics
        self._form = Form(connection.kafka, topics.normalized)
        self._relay: Relay | None = None
        self._foreign = {entry.topic: Dialect(entry, inventory) for entry in connection.kafka.foreign}
        self.events = 0
        self.dead = 0

    def use(self, inventory: Inventory) -> None:
        """Go by another inventory."""
        self._foreign = {entry.topic: Dialect(entry, inventory) for entry in self.connection.kafka.foreign}

    def work(self) -> None:
        """Transactions until done."""
        producer = self.connection.producer(
            transactional_id=f"{self.connection.kafka.group}-normalize-{uuid.uuid4()}",
            transaction_timeout_ms=_TRANSACTION_MILLISECONDS,
        )
        consumer = self.connection.consumer("normalize", enable_partition_eof=True)
        progress = Progress()
        try:
            within(30, producer.init_transactions, 20)
            self._relay = relay_of(self.connection, producer, self._topics.normalized)
            consumer.subscribe([self._topics.raw, *self._foreign])
            while not self.done:
                messages = progress.passed(consumer.consume(_MESSAGES, _PATIENCE))
                if progress.moved:
                    self._transaction(producer, consumer, messages, progress.places())
                    progress.moved.clear()
                self.connection.refresh(producer)
                self.connection.refresh(consumer)
                self.well()
        finally:
            close(consumer)

    def _transaction(
        self, producer: Producer, consumer: Consumer, messages: list[Message], places: list[TopicPartition]
    ) -> None:
        producer.begin_transaction()
        try:
            now = self._time.latest()
            events = dead = 0
            for message in messages:
                dialect = self._foreign.get(message.topic() or "")
                decode_ = decode if dialect is None else dialect.decode
                decoded = decode_(value_of(message), now)
                self._send(producer, message, decoded)
                events += len(decoded.events)
                dead += len(decoded.dead)
            group = within(10, consumer.consumer_group_metadata)
            within(15, producer.send_offsets_to_transaction, places, group, 10)
            within(30, producer.commit_transaction, 20)
        except TimeoutError:
            raise  # the producer is in that call still; the brokers abort what it leaves open
        except BaseException:
            within(15, producer.abort_transaction, 10)
            raise
        self.events += events
        self.dead += dead

    def _send(self, producer: Producer, message: Message, decoded: Decoded) -> None:
        dead = decoded.dead
        for event in decoded.events:
            try:
                value = self._form.encode(event)
            except ExportError as error:
                dead.append(Dead(str(error), ndjson.encode(event)))
                continue
            head = headers.of_event(event, decoded.traces.get(event.id), self._form.content)
            partition = None if self._relay is None else self._relay.place(event)
            _produce(producer, self._topics.normalized, event.zone.encode(), value, head, partition)
        for letter in dead:
            place = f"{message.topic()}/{message.partition()}/{message.offset()}"
            _produce(
                producer,
                self._topics.deadletter,
                None,
                letter.payload,
                [("dnstower.reason", letter.reason.encode()), ("dnstower.place", place.encode())],
            )


def _produce(
    producer: Producer,
    topic: str,
    key: bytes | None,
    value: bytes,
    head: headers.Headers,
    partition: int | None = None,
) -> None:
    while True:
        try:
            producer.produce(topic, value, key, _BY_KEY if partition is None else partition, headers=head)
        except BufferError:
            producer.poll(0.1)
        else:
            return

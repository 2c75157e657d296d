"""Dead letters back into the topics that they came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.errors import BridgeError

from .connection import Connection
from .topics import topics

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

    from .settings import Kafka

_SECONDS = 30


def taken_again(kafka: Kafka) -> set[str]:
    """Topics whose letters may be sent again; what else is read is written by a job, which has to write it anew."""
    known = topics(kafka.prefix)
    return {known.raw, known.normalized, *(entry.topic for entry in kafka.foreign)}


def send_again(kafka: Kafka, rows: list[tuple[str, bytes]]) -> None:
    """Write ``(topic, value)`` and return once the brokers have all of it.

    Raises:
        BridgeError: a topic is none of `taken_again`, or the brokers did not take everything.
    """
    strange = sorted({topic for topic, _ in rows} - taken_again(kafka))
    if jobs := sorted(set(strange) & set(topics(kafka.prefix))):
        msg = f"letters of {', '.join(jobs)} cannot be sent again: who wrote them has to write them anew"
        raise BridgeError(msg)
    if strange:
        msg = f"letters of {', '.join(strange)}, which is no topic with prefix {kafka.prefix!r}; check `kafka.prefix`"
        raise BridgeError(msg)
    connection = Connection(kafka)
    producer = connection.producer(message_max_bytes=64 << 20)
    errors: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            errors.append(error)

    for topic, value in rows:
        producer.produce(topic, value, on_delivery=delivered)
        producer.poll(0)
    if producer.flush(_SECONDS) or errors:
        said = errors[0].str() if errors else f"no answer within {_SECONDS} s"
        msg = f"the brokers did not take everything ({said}); nothing is marked as sent, try again"
        raise BridgeError(msg)

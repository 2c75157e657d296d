"""Hot zones of the configuration, over the partitions that there are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaException

from kafka_bridge.pipeline.relay import Relay

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer

    from .connection import Connection

_TIMEOUT = 10.0


def relay_of(connection: Connection, client: Consumer | Producer, topic: str) -> Relay | None:
    """``None`` where no zone is hot.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    if not connection.kafka.hot:
        return None
    described = client.list_topics(topic, timeout=_TIMEOUT).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)
    return Relay(connection.kafka.hot, len(described.partitions))

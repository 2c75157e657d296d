"""How much of each topic its consumer group has not read yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # its stub forgets it

from .topics import topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka.admin import AdminClient

    from .settings import Kafka

_TIMEOUT = 10.0


def lags(admin: AdminClient, kafka: Kafka) -> Iterator[tuple[str, str, int]]:
    """Group, topic and messages, for each step that reads in a group.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    names = topics(kafka.prefix)
    known = admin.list_topics(timeout=_TIMEOUT).topics
    for step, topic in (("normalize", names.raw), ("judge", names.normalized)):
        group = f"{kafka.group}.{step}"
        places = [TopicPartition(topic, number) for number in known[topic].partitions]
        newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        ends = admin.list_offsets(dict.fromkeys(places, newest), request_timeout=_TIMEOUT)
        answer = admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, places)], request_timeout=_TIMEOUT
        )
        done = {place.partition: place.offset for place in answer[group].result(_TIMEOUT).topic_partitions or ()}
        total = sum(
            max(0, future.result(_TIMEOUT).offset - max(0, done.get(place.partition, 0)))
            for place, future in ends.items()
        )
        yield group, topic, total

"""How much of each topic its consumer group has not read yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # its stub forgets it

from .topics import topics
from .within import close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from confluent_kafka.admin import AdminClient

    from .connection import Connection

_TIMEOUT = 10.0


def lags(admin: AdminClient, connection: Connection, *, archive: bool = False) -> Iterator[tuple[str, str, int]]:
    """Group, topic and messages, for each step that reads in a group.

    Args:
        admin: asks the brokers.
        connection: to them.
        archive: there is one.

    Raises:
        KafkaException: the brokers cannot be asked.
    """
    kafka = connection.kafka
    names = topics(kafka.prefix)
    known = admin.list_topics(timeout=_TIMEOUT).topics
    steps = [("normalize", names.raw), ("judge", names.normalized)]
    if archive and kafka.enrich == "external":
        steps.append(("enriched", names.enriched))
    for step, topic in steps:
        places = [TopicPartition(topic, number) for number in known[topic].partitions]
        newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        ends = admin.list_offsets(dict.fromkeys(places, newest), request_timeout=_TIMEOUT)
        group = connection.onlooker(step)
        try:
            done = {place.partition: place.offset for place in group.committed(places, _TIMEOUT)}
        finally:
            close(group)
        total = sum(
            max(0, future.result(_TIMEOUT).offset - max(0, done[place.partition])) for place, future in ends.items()
        )
        yield f"{kafka.group}.{step}", topic, total

"""Until when time may pass: until then, everything that was sent has been normalized."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # its stub forgets it

from .stage import Stage

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

    from .connection import Connection
    from .topics import Topics

_PACE = 1.0
#: After trouble clients send what they kept meanwhile; the clock waits for it, else it would come too late.
_SETTLE = 20.0
_TIMEOUT = 5.0


class Mark(NamedTuple):
    """Whoever has read a partition up to its end here has all of what was sent before `time`."""

    time: dt.datetime
    ends: dict[int, int]
    """Next offset of each partition of the normalized topic."""


class Clock(Stage):
    """Compares what was normalized with what was sent, once a second.

    While the normalizer is behind, time stands still: nothing is missed only because it waits.
    """

    def __init__(self, connection: Connection, topics: Topics, *, settle: float = _SETTLE) -> None:
        super().__init__("clock", connection)
        self._topics = topics
        self._settle = settle
        self._lock = threading.Lock()
        self._mark: Mark | None = None
        self.lag: int | None = None
        """Raw messages that wait to be normalized."""

    @property
    def mark(self) -> Mark | None:
        """The newest one."""
        with self._lock:
            return self._mark

    def work(self) -> None:
        """Look until done."""
        admin = self.connection.admin()
        began = dt.datetime.now(dt.UTC)
        while not self.done:
            now = dt.datetime.now(dt.UTC)
            self.lag = self._waiting(admin)
            if self.lag == 0 and (now - began).total_seconds() >= self._settle:
                ends = _ends(admin, self._topics.normalized)
                with self._lock:
                    self._mark = Mark(now, ends)
            self.connection.refresh(admin)
            self.well()
            self.stopping.wait(_PACE)

    def _waiting(self, admin: AdminClient) -> int:
        ends = _ends(admin, self._topics.raw)
        group = f"{self.connection.kafka.group}.normalize"
        places = [TopicPartition(self._topics.raw, number) for number in ends]
        answer = admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(group, places)], require_stable=True, request_timeout=_TIMEOUT
        )
        committed = {place.partition: place.offset for place in answer[group].result().topic_partitions}
        return sum(end - max(0, committed.get(number, 0)) for number, end in ends.items())


def _ends(admin: AdminClient, topic: str) -> dict[int, int]:
    """The next offset of each partition, behind which nothing is undecided."""
    described = admin.list_topics(topic, timeout=_TIMEOUT).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)
    newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    found = admin.list_offsets(
        {TopicPartition(topic, number): newest for number in described.partitions},
        isolation_level=IsolationLevel.READ_COMMITTED,
        request_timeout=_TIMEOUT,
    )
    return {place.partition: future.result().offset for place, future in found.items()}

"""Until when time may pass: until then, everything that was sent has been normalized."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time as clocks
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]  # its stub forgets it

from .hanging import Hanging
from .stage import Stage
from .within import close

if TYPE_CHECKING:
    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

    from kafka_bridge.timekeeper import Timekeeper

    from .connection import Connection
    from .topics import Topics

log = logging.getLogger(__name__)

#: Seconds between two comparisons; all of it is delay.
_PACE = 0.1
_TIMEOUT = 5.0
#: Seconds between two looks at whether transactions end.
_LOOK = 10.0
#: A judge that is further behind than this many marks takes larger steps.
_MARKS = 3600


class Mark(NamedTuple):
    """Whoever has read a partition up to its end here has all of what was sent before `time`."""

    time: dt.datetime
    ends: dict[int, int]
    """Next offset of each partition of the normalized topic."""


class Clock(Stage):
    """Compares what was normalized with what was sent, several times a second.

    Raw partitions are read side by side, so that after a backlog one may be minutes ahead of another. Time is the
    slowest one's, and therefore nothing comes too late only because it waited on the bus.

    Args:
        connection: to the brokers.
        topics: of the environment.
        foreign: topics with other tools' records.
        settle: seconds for which time stands still after a start or after trouble: clients then send what they kept.
        time: tells what time it is.
    """

    def __init__(
        self,
        connection: Connection,
        topics: Topics,
        *,
        foreign: tuple[str, ...] = (),
        settle: float,
        time: Timekeeper,
    ) -> None:
        super().__init__("clock", connection)
        self._topics = topics
        self._sources = (topics.raw, *foreign)
        self._settle = settle
        self._time = time
        self._hanging = Hanging(topics.normalized)
        self._lock = threading.Lock()
        self._marks: deque[Mark] = deque(maxlen=_MARKS)
        self.lag: int | None = None
        """Raw messages that wait to be normalized."""

    def reached(self, partition: int, position: int) -> Mark | None:
        """The newest mark up to whose end of this partition was read; ``None`` before the first."""
        with self._lock:
            return next((mark for mark in reversed(self._marks) if position >= mark.ends.get(partition, 0)), None)

    @property
    def newest(self) -> dt.datetime | None:
        """The time of the newest mark; ``None`` before the first."""
        with self._lock:
            return self._marks[-1].time if self._marks else None

    def work(self) -> None:
        """Look until done."""
        admin = self.connection.admin()
        returned = self.trouble is not None
        group = self.connection.onlooker("normalize")
        began = looked = clocks.monotonic()
        hanging = None
        try:
            while not self.done:
                now, settled = self._time.now(), clocks.monotonic() - began >= self._settle
                time = self._normalized(admin, group, now)
                if time is not None and settled:
                    mark = Mark(time, _ends(admin, self._topics.normalized))
                    with self._lock:
                        if not self._marks or self._marks[-1].time < time:
                            self._marks.append(mark)
                if returned:
                    returned = False
                    self.connection.lost += 1
                    self.generation = self.connection.generation
                if clocks.monotonic() - looked >= _LOOK:
                    looked = clocks.monotonic()
                    hanging = self._look(admin, looked)
                self.connection.refresh(admin)
                self.connection.refresh(group)
                self.trouble = hanging
                self.stopping.wait(_PACE)
        finally:
            close(group)

    def _look(self, admin: AdminClient, now: float) -> str | None:
        committed = _ends(admin, self._topics.normalized, IsolationLevel.READ_COMMITTED)
        said = self._hanging.look(committed, _ends(admin, self._topics.normalized), now)
        if said is not None and said != self.trouble:
            log.error("%s", said)
        return said

    def _normalized(self, admin: AdminClient, group: Consumer, now: dt.datetime) -> dt.datetime | None:
        """Until when everything that was sent has been normalized; ``None`` where nobody knows."""
        ends = {(topic, number): end for topic in self._sources for number, end in _ends(admin, topic).items()}
        places = [TopicPartition(topic, number) for topic, number in ends]
        # What a transaction has not committed yet is not in the answer.
        done = {(place.topic, place.partition): place for place in group.committed(places, _TIMEOUT)}
        self.lag = 0
        slowest = now
        unknown = False
        for spot, end in ends.items():
            place = done[spot]
            waiting = end - max(0, place.offset)
            if waiting <= 0:
                continue
            self.lag += waiting
            if not place.metadata:
                unknown = True  # nothing of it was normalized yet
            else:
                slowest = min(slowest, dt.datetime.fromtimestamp(int(place.metadata) / 1000, dt.UTC))
        return None if unknown else slowest


def _ends(
    admin: AdminClient, topic: str, isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED
) -> dict[int, int]:
    """The next offset of each partition; before it there may be what a transaction has not decided yet.

    Whoever reads committed messages gets past that only once it is decided, and so misses nothing of it.
    """
    described = admin.list_topics(topic, timeout=_TIMEOUT).topics[topic]
    if described.error is not None:
        raise KafkaException(described.error)
    newest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    found = admin.list_offsets(
        {TopicPartition(topic, number): newest for number in described.partitions},
        isolation_level=isolation,
        request_timeout=_TIMEOUT,
    )
    return {place.partition: future.result().offset for place, future in found.items()}

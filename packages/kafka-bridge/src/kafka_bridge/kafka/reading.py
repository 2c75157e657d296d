"""Events out of the topic of normalized events, as far back as it goes."""

from __future__ import annotations

import datetime as dt
import time
from itertools import pairwise
from typing import TYPE_CHECKING

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition
from dns_events.errors import DecodeError

from kafka_bridge.errors import BridgeError

from .connection import Connection
from .topics import topics
from .values import Form
from .within import close

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event

    from .settings import Kafka

#: Held in memory at once: the events that were sent within so long.
_STRETCH = dt.timedelta(minutes=30)
#: An event may have been sent so long after its time; what came later the judgement did not see in time either.
_SENT = dt.timedelta(minutes=5)
_SECONDS = 20
_PACE = 0.2


def stretches(
    kafka: Kafka, start: dt.datetime, end: dt.datetime, zones: frozenset[str] | None = None
) -> Iterator[tuple[dt.datetime, list[Event]]]:
    """Events from `start` until before `end`, half an hour at a time, each with the time up to which it goes.

    The group of the consumer is never committed: nobody else's reading is disturbed.

    Raises:
        KafkaException: the brokers cannot be asked.
        BridgeError: they stopped answering.
    """
    connection = Connection(kafka)
    topic = topics(kafka.prefix).normalized
    form = Form(kafka, topic)
    consumer = connection.consumer("replay", enable_partition_eof=True)
    try:
        partitions = sorted(consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions)
        bounds = [start]
        while bounds[-1] < end:
            bounds.append(min(bounds[-1] + _STRETCH, end))
        waiting: dict[str, Event] = {}
        for since, until in pairwise(bounds):
            # Sent from the end of the stretch before, up to a little after the end of this one.
            sent = (since if since == start else since + _SENT, until + _SENT)
            for number in partitions:
                for event in _between(consumer, form, topic, number, *sent):
                    if start <= event.time < end and (zones is None or event.zone in zones):
                        waiting[event.id] = event
            found = [event for event in waiting.values() if event.time < until]
            for event in found:
                del waiting[event.id]
            found.sort(key=lambda event: (event.time, event.id))
            yield until, found
    finally:
        close(consumer)


def _between(
    consumer: Consumer, form: Form, topic: str, number: int, start: dt.datetime, end: dt.datetime
) -> Iterator[Event]:
    wanted = [TopicPartition(topic, number, int(at.timestamp() * 1000)) for at in (start, end)]
    first, last = (consumer.offsets_for_times([place], _SECONDS)[0].offset for place in wanted)
    _, high = consumer.get_watermark_offsets(TopicPartition(topic, number), _SECONDS)
    last = high if last in {OFFSET_END, -1} else last
    if first in {OFFSET_END, -1} or first >= last:
        return
    consumer.assign([TopicPartition(topic, number, first)])
    patience = time.monotonic() + _SECONDS
    while True:
        # A call waits for so many messages, and so for all of its time at the end of a partition: it is kept short.
        messages = consumer.consume(2000, _PACE)
        if messages:
            patience = time.monotonic() + _SECONDS
        elif time.monotonic() > patience:
            msg = f"{topic}/{number}: the brokers sent nothing for {_SECONDS} s; try again, or use --source archive"
            raise BridgeError(msg)
        for message in messages:
            error, offset = message.error(), message.offset()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                return
            if error is not None:
                raise KafkaException(error)
            assert offset is not None
            if offset >= last:
                return
            try:
                yield form.decode(message.value() or b"")
            except DecodeError:
                continue  # it is a dead letter already

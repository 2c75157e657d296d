"""The topics of one job, what is sent on them, and what it must say."""

from __future__ import annotations

import datetime as dt
import time
from collections import defaultdict
from zlib import crc32

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from dns_events import ndjson
from dns_rules import Engine
from dns_rules.flink import control
from kafka_bridge.kafka import headers
from kafka_bridge.kafka.topics import topics

from tests.stack.backlog import patiently

from .running import Running

#: Of the machine when it has much to do: a JVM and Python workers start in it.
PATIENCE = 150
NAMES = ("normalized", "control", "findings", "incidents", "deadletter", "enriched")


class Bus:
    """The topics of one test, and a job between them."""

    def __init__(self, broker, home, partitions=4, prefix=None):
        self.bootstrap = broker.bootstrap
        self.prefix = prefix or f"{home.name}."
        self.topics = topics(self.prefix)
        self.partitions = partitions
        made = [NewTopic(getattr(self.topics, name), partitions if name == "normalized" else 1, 1) for name in NAMES]
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for future in admin.create_topics(made).values():
            future.result(20)
        self._producer = Producer({"bootstrap.servers": self.bootstrap, "compression.type": "lz4", "linger.ms": 20})
        self.job = Running(home / "job", self.bootstrap, self.names())

    def names(self, *, enriched=False):
        """The job's topics."""
        return {name: getattr(self.topics, name) for name in NAMES if enriched or name != "enriched"}

    def tell(self, message, time_):
        key, value = message
        self._producer.produce(self.topics.control, value, key.encode(), headers=[control.header(time_)])
        assert self._producer.flush(20) == 0

    def send(self, events, *, hot=False):
        """Events by zone; hot zones over all partitions, by name and server."""
        for event in events:
            head = headers.of_event(event)
            place = {"partition": crc32(f"{event.name} {event.server}".encode()) % self.partitions} if hot else {}
            value, key = ndjson.encode(event), event.zone.encode()
            patiently(self._producer, self.topics.normalized, value, key, headers=head, **place)
            self._producer.poll(0)
        assert self._producer.flush(20) == 0

    def spoil(self):
        """Messages that are no events, and one that is no inventory; returns their bytes."""
        bad = [(b"{", b"a.example", None), (b"\xff\x00", None, None), (b"[]", b"b.example", {"ce_time": "soon"})]
        for value, key, head in bad:
            self._producer.produce(self.topics.normalized, value, key, headers=head)
        self._producer.produce(self.topics.control, b'{"version": 7}', b"inventory")
        assert self._producer.flush(20) == 0
        return {value for value, _, _ in bad} | {b'{"version": 7}'}

    def read(self, name, kind):
        """Everything committed on a topic of one partition."""
        return [
            (message.key().decode(), msgspec.json.decode(message.value(), type=kind)) for message in self.messages(name)
        ]

    def messages(self, name):
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "test"})
        try:
            place = TopicPartition(getattr(self.topics, name), 0, 0)
            consumer.assign([place])
            found = []
            while (message := consumer.poll(0.5)) is not None:
                assert message.error() is None
                found.append(message)
            return found
        finally:
            consumer.close()

    def taken(self):
        """Events that are in a checkpoint."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "dnstower.flink.normalized"})
        try:
            places = [TopicPartition(self.topics.normalized, number) for number in range(self.partitions)]
            return sum(max(0, place.offset) for place in consumer.committed(places, 10))
        finally:
            consumer.close()

    def wait(self, what, condition, tick=None, patience=PATIENCE):
        until = time.monotonic() + patience
        while not condition():
            assert not self.job.ended, self.job.last_words()
            assert time.monotonic() < until, f"{what}: {self.job.last_words()}"
            if tick is not None:
                self.tell(control.of_clock(), tick)
            time.sleep(0.3)


def expected(inventory, events, rules):
    """What the engine says up to the end of the second in which everything can be judged, and that second."""
    engine = Engine(inventory, rules)
    steps = [engine.step(events)]
    end = engine.judgement.end()
    end = end.replace(microsecond=0) + dt.timedelta(seconds=bool(end.microsecond))
    steps.append(engine.step((), end))
    incidents = [incident for step in steps for incident in step.incidents]
    return incidents, [finding for step in steps for finding in step.findings], end


def lives(incidents):
    """What became of each incident, in order."""
    found = defaultdict(list)
    for incident in incidents:
        found[incident.id].append(incident)
    return dict(found)

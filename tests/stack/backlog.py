"""Events that were on the bus before anybody read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from dns_rules.parts import restore

from .bridges import Stack, requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_events import Event

#: Events of a request.
SIZE = 500


class Backlog(Stack):
    """A stack whose raw topic takes the sender's word for when something was sent.

    It stands for brokers that were there all the time: with the time at which this backlog is really made, all of it
    would be too late to be judged.
    """

    def _topics(self, partitions: int) -> None:
        super()._topics(partitions)
        file = self.folder / "topics.yaml"
        declared = json.loads(file.read_text())
        declared["topics"]["raw"]["config"] = {"message.timestamp.type": "CreateTime"}
        file.write_text(json.dumps(declared))
        done = self.command("topics", "apply", str(file), "--yes")
        assert done.returncode == 0, done.stderr

    def late(self) -> int:
        """Events that were stored but not judged."""
        return sum(restore(*parts).late for parts in self.query("select state, blocks, opened from zone_state"))

    def put(self, payloads: Iterable[tuple[int, bytes]]) -> None:
        """Requests on the raw topic, as `sent` has them."""
        options = {"bootstrap.servers": self.broker.bootstrap, "linger.ms": 20, "compression.type": "lz4"}
        producer = Producer(options)
        for moment, payload in payloads:
            patiently(producer, f"{self.prefix}dns.raw", payload, timestamp=moment)
        assert producer.flush(60) == 0


def patiently(producer: Producer, topic: str, *message, **options) -> None:
    """Send a message, once there is room for it."""
    while True:
        try:
            producer.produce(topic, *message, **options)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def sent(listed: list[Event]) -> list[tuple[int, bytes]]:
    """Requests, each with the time at which it was sent, in milliseconds since 1970: that of its last event."""
    found = zip(range(SIZE - 1, len(listed) + SIZE, SIZE), requests(listed, SIZE), strict=False)
    return [(int(listed[min(n, len(listed) - 1)].time.timestamp() * 1000), payload) for n, payload in found]

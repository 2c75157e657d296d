"""The job on Apache Flink, a slot and two, beside the pure step and beside a worker of the consumer group."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition
from dns_events import ndjson
from dns_rules import Judgement, load_rules
from dns_rules.flink import control
from kafka_bridge.kafka import headers
from kafka_bridge.kafka.topics import topics

from tests.stack.backlog import sent
from tests.stack.bridges import INVENTORY, Stack
from tests.stack.flink.running import Running, missing

from . import backbone
from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event

PARTITIONS = 4
_LONGEST = 300


class Judged(Stack):
    """The topics of a bridge whose judgement is elsewhere."""

    judge = "external"


def figures(count: int = 200_000) -> Iterator[Figure]:
    """Nothing where Flink cannot be run."""
    if missing() is not None:
        return
    listed = backbone.recording(count)
    pure = _pure(listed)
    with backbone.servers() as (folder, broker, postgres):
        worker = backbone._drain(folder / "w", broker, postgres, sent(listed), len(listed), workers=1)  # noqa: SLF001
        runs = []
        for slots, enriched in ((1, False), (2, False), (1, True)):
            name = f"flink{slots}{'e' * enriched}"
            place = folder / name
            place.mkdir()
            stack = Judged(place, broker, postgres, name, partitions=PARTITIONS)
            runs.append(_run(stack, listed, slots, enriched=enriched))
    one, two, more = runs
    step = "the pure step, JSON to findings"
    yield Figure("a slot of Flink, Kafka to Kafka, events/s", one.rate, step, pure)
    yield Figure("the same", one.rate, "a worker, raw topic to store", worker)
    yield Figure("the same, CPU of its Python, µs/event", one.python, step, 1e6 / pure)
    yield Figure("the same, CPU of Python and Java, µs/event", one.python + one.java, step, 1e6 / pure)
    yield Figure("enriching too, CPU of its Python, µs/event", more.python, "without", one.python)
    yield Figure(
        "enriching too, CPU of Python and Java, µs/event", more.python + more.java, "without", one.python + one.java
    )
    yield Figure("two slots, events/s", two.rate, "one slot", one.rate)
    yield Figure("cores that these two had", two.cores, "cores that the machine has", os.cpu_count() or 1)


class Run(NamedTuple):
    """A job that took a backlog in, from the first checkpoint that had any of it to the one that had all."""

    rate: float
    python: float
    """Microseconds of CPU for each event, of the processes that judge."""
    java: float
    cores: float
    """How busy all of it was."""


def _pure(listed: list[Event]) -> float:
    lines = [ndjson.encode(event) for event in listed]
    judgement = Judgement(INVENTORY, load_rules())
    began = time.perf_counter()
    for number in range(0, len(lines), 1000):
        judgement.step([ndjson.decode(line) for line in lines[number : number + 1000]])
    return len(lines) / (time.perf_counter() - began)


def _run(stack: Stack, listed: list[Event], slots: int, *, enriched: bool = False) -> Run:
    """Without the start."""
    names = topics(stack.prefix)
    producer = Producer({"bootstrap.servers": stack.broker.bootstrap, "linger.ms": 50, "compression.type": "lz4"})
    for event in listed:
        while True:
            try:
                producer.produce(
                    names.normalized, ndjson.encode(event), event.zone.encode(), headers=headers.of_event(event)
                )
                break
            except BufferError:
                producer.poll(0.1)
    for key, value in (control.of_inventory(INVENTORY), control.of_rules(load_rules())):
        producer.produce(names.control, value, key.encode(), headers=[control.header(listed[0].time)])
    assert producer.flush(60) == 0
    fields = ("normalized", "control", "findings", "incidents", "deadletter", *(("enriched",) if enriched else ()))
    used = {name: getattr(names, name) for name in fields}
    job = Running(stack.folder / "job", stack.broker.bootstrap, used)
    consumer = Consumer({"bootstrap.servers": stack.broker.bootstrap, "group.id": "dnstower.flink.normalized"})
    places = [TopicPartition(names.normalized, number) for number in range(PARTITIONS)]
    seen: list[tuple[float, int, tuple[float, float]]] = []
    try:
        job.start(slots=slots, group="dnstower.flink", bundle={"time": "500ms"})
        until = time.monotonic() + _LONGEST
        while not seen or seen[-1][1] < len(listed):
            assert time.monotonic() < until, (seen, job.log.read_text()[-2000:])
            assert not job.ended, job.log.read_text()[-2000:]
            read = sum(max(0, place.offset) for place in consumer.committed(places, 10))
            if read and (not seen or read > seen[-1][1]):
                seen.append((time.monotonic(), read, job.cpu()))
            time.sleep(0.1)
    finally:
        consumer.close()
        job.kill()
    (first, some, before), (last, all_, after) = seen[0], seen[-1]
    events, spent = all_ - some, last - first
    python, java = (b - a for a, b in zip(before, after, strict=True))
    return Run(events / spent, 1e6 * python / events, 1e6 * java / events, (python + java) / spent)

"""One recording, judged in each of the ways there are: by the engine alone, by the consumer group, by the job on Flink.

All of them are told the same last moment, and what became of each incident must be the same.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from dns_rules import Engine, Incident, load_rules
from dns_rules.flink import control

from .backlog import Backlog, sent
from .flink.bus import PATIENCE, Bus, lives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from dns_events import Event
    from dns_rules import Inventory
    from kafka_bridge.postgres.server import Server

    from .kafka.broker import Broker

PARTITIONS = 4


class Recording(Protocol):
    """What happened, and whose it is."""

    inventory: Inventory

    def slices(self) -> Iterator[list[Event]]:
        """Events in the order of their times, some at once."""


class Told(NamedTuple):
    """What one way made of it."""

    lives: dict[str, list[Incident]]
    """All that became of each incident, in order."""
    events: int
    seconds: float
    """From its start until the last event was judged."""

    @property
    def rate(self) -> float:
        return self.events / self.seconds


def pure(recording: Recording) -> tuple[Told, dt.datetime]:
    """The engine alone, as the embedded bridge has it; and the second in which everything can be judged."""
    engine = Engine(recording.inventory, load_rules())
    incidents: list[Incident] = []
    events, seconds = 0, 0.0
    for listed in recording.slices():
        began = time.monotonic()
        incidents += engine.step(listed).incidents
        seconds += time.monotonic() - began
        events += len(listed)
    end = engine.judgement.end()
    end = end.replace(microsecond=0) + dt.timedelta(seconds=bool(end.microsecond))
    incidents += engine.step((), end).incidents
    return Told(lives(incidents), events, seconds), end


class Recorded(Backlog):
    """A stack that watches the zones of a recording, whose bridges' clock stands at its end."""

    def __init__(self, folder: Path, broker: Broker, postgres: Server, name: str, inventory: Inventory) -> None:
        super().__init__(folder, broker, postgres, name, partitions=PARTITIONS, settle="0s")
        (folder / "inventory.yaml").write_bytes(msgspec.json.encode(inventory))

    def taken(self) -> int:
        """Events that were judged."""
        return int(self.one("select coalesce(sum(events), 0)::bigint from probe_seen"))

    def said(self) -> dict[str, list[Incident]]:
        """What is on the topic of incidents."""
        topic = f"{self.prefix}dns.incidents"
        options = {"group.id": f"{self.prefix}reader", "enable.auto.commit": False, "enable.partition.eof": True}
        consumer = Consumer({"bootstrap.servers": self.broker.bootstrap, **options})
        found: list[Incident] = []
        try:
            left = set(consumer.list_topics(topic).topics[topic].partitions)
            consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in left])
            while left:
                message = consumer.poll(30)
                assert message is not None
                if message.error() is None:
                    found.append(msgspec.json.decode(message.value(), type=Incident))
                else:
                    left.discard(message.partition())
        finally:
            consumer.close()
        return lives(found)


_STANDING = """
import datetime as dt
from kafka_bridge.timekeeper import Timekeeper
Timekeeper.now = lambda self: dt.datetime.fromisoformat({end!r})
from kafka_bridge.cli import main
main()
"""


def by_group(
    recording: Recording, folder: Path, broker: Broker, postgres: Server, meant: Told, end: dt.datetime, patience: float
) -> Told:
    """One worker of the consumer group: raw topic to incidents."""
    stack = Recorded(folder, broker, postgres, f"{folder.name}group".replace("-", "_"), recording.inventory)
    for listed in recording.slices():
        stack.put(sent(listed))
    stack.patience = patience
    began = time.monotonic()
    try:
        stack.bridge(("normalize", "judge", "correlate"), program=_STANDING.format(end=end.isoformat()))
        stack.wait("all judged", lambda: stack.taken() >= meant.events)
        seconds = time.monotonic() - began
        assert stack.late() == 0
        found = settled(stack.said, meant)
    finally:
        stack.close()
    return Told(found, meant.events, seconds)


def by_flink(
    recording: Recording, folder: Path, broker: Broker, meant: Told, end: dt.datetime, patience: float, slots: int = 1
) -> Told:
    """The job: normalized topic to incidents."""
    bus = Bus(broker, folder, PARTITIONS, f"{folder.name}.flink.")
    first = None
    for listed in recording.slices():
        first = first or listed[0].time
        bus.send(listed)
    assert first is not None
    bus.tell(control.of_inventory(recording.inventory), first)
    bus.tell(control.of_rules(load_rules()), first)
    began = time.monotonic()
    try:
        # All of it is there: no partition is silent because nothing was sent to it.
        bus.job.start(slots=slots, idle=f"{PATIENCE}s")
        bus.wait("all taken", lambda: bus.taken() >= meant.events, patience=patience)
        seconds = time.monotonic() - began

        def said() -> dict[str, list[Incident]]:
            bus.tell(control.of_clock(), end)
            return lives(incident for _, incident in bus.read("incidents", Incident))

        found = settled(said, meant)
    finally:
        bus.job.kill()
    return Told(found, meant.events, seconds)


def settled(said: Callable[[], dict[str, list[Incident]]], meant: Told) -> dict[str, list[Incident]]:
    """What is said once it is what is meant; otherwise what is said once nothing has been added for long."""
    found, since = said(), time.monotonic()
    while found != meant.lives and time.monotonic() - since < PATIENCE:
        time.sleep(1)
        now = said()
        if now != found:
            found, since = now, time.monotonic()
    return found


def differing(one: Told, other: Told) -> dict[str, tuple[list[Incident] | None, list[Incident] | None]]:
    """Incidents of which they do not say the same, by id."""
    keys = sorted({*one.lives, *other.lives})
    return {
        key: (one.lives.get(key), other.lives.get(key)) for key in keys if one.lives.get(key) != other.lives.get(key)
    }

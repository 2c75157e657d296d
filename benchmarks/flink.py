"""The job on Apache Flink, a slot and two, beside the pure step and beside a worker of the consumer group."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from dns_events import ndjson
from dns_rules import Judgement, load_rules
from dns_rules.flink import control

from tests.stack.backlog import sent
from tests.stack.flink.bus import Bus
from tests.stack.flink.cluster import Cluster
from tests.stack.flink.running import Running, missing

from . import backbone
from .capacity.bus import observed
from .capacity.judging import estate
from .figure import Figure
from .share import held

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dns_events import Event

    from tests.stack.kafka.broker import Broker

#: Nine questions a minute each, for longer than the windows of the rules are.
ZONES, MINUTES = 1000, 40
_PARTITIONS = 8
_LONGEST = 600
#: Of the events, from which to which counts: not the start, nor what is left for one slot once another has no more.
_FROM, _TO = 0.15, 0.93
#: Of a core, for each of two slots; and from which event on, for a JVM that has so little is long in compiling.
_SHARE, _WARM = 0.4, 0.5


def figures() -> Iterator[Figure]:
    """Nothing where Flink cannot be run."""
    if missing() is not None:
        return
    # Twice as long as for one slot by itself: task managers that have little of a core need it.
    listed = observed(2 * MINUTES, ZONES)
    pure = 1e6 * _pure(listed)
    with backbone.servers() as (folder, broker, postgres):
        worker = backbone._drain(  # noqa: SLF001
            folder / "w", broker, postgres, sent(listed), len(listed), workers=1, inventory=estate(ZONES)
        )
        bus = _bus(listed, folder / "flink", broker)
        one, more = (run(bus, len(listed), 1, enriched=enriched) for enriched in (False, True))
        slow = [run(bus, len(listed), slots, share=_SHARE).rate for slots in (1, 2)]
    step = "the pure step, JSON to findings"
    yield Figure("a slot of Flink, Kafka to Kafka, events/s", one.rate, "a worker, raw topic to store", worker)
    yield Figure("the same, CPU of its Python, µs/event", one.python, step, pure)
    yield Figure("the same, CPU beyond the step, Java with it, µs/event", one.cpu - pure, "twice the step", 2 * pure)
    yield Figure("enriching too, CPU of Python and Java, µs/event", more.cpu, "without", one.cpu)
    yield Figure(f"two slots that have {_SHARE} of a core each, events/s", slow[1], "one such slot", slow[0])


def steady() -> tuple[Run, int]:
    """One slot by itself, and the events that it was given."""
    listed = observed(MINUTES, ZONES)
    with backbone.servers() as (folder, broker, _):
        return run(_bus(listed, folder / "flink", broker), len(listed), 1), len(listed)


class Run(NamedTuple):
    """A job that took a backlog in, with checkpoints and bundles as they are by default."""

    rate: float
    python: float
    """Microseconds of CPU for each event, of the processes that judge."""
    java: float
    state: float
    """Bytes of a zone in a checkpoint."""

    @property
    def cpu(self) -> float:
        return self.python + self.java


def _pure(listed: list[Event]) -> float:
    """Seconds of CPU for each event."""
    lines = [ndjson.encode(event) for event in listed]
    judgement = Judgement(estate(ZONES), load_rules())
    began = time.process_time()
    for number in range(0, len(lines), 1000):
        judgement.step([ndjson.decode(line) for line in lines[number : number + 1000]])
    return (time.process_time() - began) / len(lines)


def _bus(listed: list[Event], home: Path, broker: Broker) -> Bus:
    home.mkdir()
    bus = Bus(broker, home, _PARTITIONS, "flink.")
    bus.send(listed)
    for message in (control.of_inventory(estate(ZONES)), control.of_rules(load_rules())):
        bus.tell(message, listed[0].time)
    return bus


def run(bus: Bus, count: int, slots: int, *, enriched: bool = False, share: float | None = None) -> Run:
    """A job of its own reads all that is there.

    Args:
        bus: with the events.
        count: of them.
        slots: that judge.
        enriched: events are written with what is known beside them.
        share: of a core, for each slot, which then is a task manager; else they have all there is.
    """
    name = f"slots{slots}{'e' * enriched}{'s' * (share is not None)}"
    home = bus.job.home.parent / name
    job = (Running if share is None else Cluster)(home, bus.bootstrap, bus.names(enriched=enriched))
    begin = (_FROM if share is None else _WARM) * count
    seen: list[tuple[float, int, tuple[float, float]]] = []
    with ExitStack() as stack:
        stack.callback(job.kill)
        job.start(
            slots=slots, group=name, bundle={}, checkpoints={"directory": f"file://{home}/checkpoints"},
            flink={"metrics.fetcher.update-interval": "500"},
        )  # fmt: skip
        if isinstance(job, Cluster) and share is not None:
            stack.enter_context(held([-group for group in job.managers()], share))
        until = time.monotonic() + _LONGEST
        while not seen or seen[-1][1] < _TO * count:
            assert time.monotonic() < until, (seen, job.last_words())
            assert not job.ended, job.last_words()
            judged = job.judged()
            if judged >= begin and (not seen or judged > seen[-1][1]):
                seen.append((time.monotonic(), judged, job.cpu()))
            time.sleep(0.3)
        state = job.state()
    (first, some, before), (last, all_, after) = seen[0], seen[-1]
    events, spent = all_ - some, last - first
    python, java = (b - a for a, b in zip(before, after, strict=True))
    return Run(events / spent, 1e6 * python / events, 1e6 * java / events, state / ZONES)

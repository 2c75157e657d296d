"""``./dev bench --only coefficients``: measures each coefficient anew, and writes ``coefficients.json``.

CPU time is what counts, not the clock: it depends little on what else the machine does.
"""

from __future__ import annotations

import datetime as dt
import gc
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dns_events import ndjson
from dns_rules.programs import collect_seldom

from benchmarks import backbone, edge, flink
from benchmarks.database import database
from benchmarks.figure import Figure
from tests.lab import Lab
from tests.stack.flink.running import missing

from . import bus, columnstore, correlating, judging, storing
from .coefficients import FILE, Coefficient, Coefficients, load, save
from .model.load import Load
from .model.states import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.database import Database

    #: Name, value, unit, and under which conditions.
    Told = Iterator[tuple[str, float, str, str]]

#: Zones and days of the store that is asked dashboards' questions, once small and once larger, and how often.
_SMALL, _LARGE, _DAYS, _TIMES = 50, 250, 30, 20
_TARGETS = (100, 10_000)

#: What nobody has measured here: the page says so, and what needs it is left open.
OPEN = {
    "flink_judge_cpu": Coefficient(None, "s/event", "there was no Flink to run"),
    "flink_checkpoint": Coefficient(None, "bytes/zone", "there was no Flink to run"),
    "columnstore": Coefficient(None, "bytes/byte", f"there was no TimescaleDB to ask ({columnstore.VARIABLE})"),
}


def figures(only: str | None = None) -> Iterator[Figure]:
    """Measure and write them; the rows of the bench's table show each as itself, beside one.

    Args:
        only: one part, by its name; the others' stay as they are in the file.
    """
    collect_seldom()
    measured = {} if only is None else {**load().figures}
    for part in _PARTS:
        if only in {None, part.__name__.strip("_")}:
            measured |= dict(_told(part, measured))
    coefficients = Coefficients(
        machine=f"{os.cpu_count()} cores ({_processor()}), Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, shared with other work",
        measured=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        figures=OPEN | measured,
    )
    save(coefficients, FILE)
    print(FILE, file=sys.stderr)
    for name, coefficient in sorted(measured.items()):
        if coefficient.value is None:
            continue
        yield Figure(f"{name}, {coefficient.unit}", coefficient.value, "one", 1.0)


def _told(
    part: Callable[[dict[str, Coefficient]], Told], known: dict[str, Coefficient]
) -> Iterator[tuple[str, Coefficient]]:
    began = time.monotonic()
    for name, value, unit, how in part(known):
        yield name, Coefficient(float(f"{value:.4g}"), unit, how)
    gc.collect()
    print(f"{part.__name__.strip('_')}: {time.monotonic() - began:.0f} s", file=sys.stderr)


def _edge(_: dict[str, Coefficient]) -> Told:
    with tempfile.TemporaryDirectory(prefix="dnstower-") as place, Lab.start(Path(place)) as lab:
        addresses = list(lab.nameservers["healthy.lab"].values())
        few, many = (edge.child("observe", addresses=addresses, targets=n) for n in _TARGETS)
        with edge.sink() as (environment, count):
            delivered = edge.child("deliver", environment, addresses=addresses[:1])
        assert count[0] > 0
    how = "UDP to Knot on loopback, complete observations, one core"
    yield "edge_cpu", delivered["cpu"], "s/observation", f"{how}, with metrics and delivery through the queue on disk"
    slope = (many["megabytes"] - few["megabytes"]) * 2**20 / (_TARGETS[1] - _TARGETS[0])
    yield "edge_memory", slope, "bytes/question", f"{how}, the process with 10,000 targets less that with 100"


def _bus(_: dict[str, Coefficient]) -> Told:
    listed = bus.observed()
    cpu, size = bus.archived(listed)
    how = f"{len(listed):,} signed answers of 2,000 zones, one broker, lz4"
    yield "archive_bytes", size, "bytes/event", "the same events in Parquet, zstd"
    yield "archive_cpu", cpu, "s/event", "the same events into Parquet, without reading them from their queue"
    plain = statistics.mean(len(ndjson.encode(event)) for event in listed)
    yield "normalized_plain", plain, "bytes/event", "the same events as JSON, not compressed: the most that it can be"
    found = bus.carried(listed)
    for topic, value in found.topics.items():
        yield f"{topic}_bytes", value, "bytes/event", f"{how}; names and ids as they come, requests of 500"
    yield "normalize_cpu", found.normalize, "s/event", f"{how}; raw read, normalized written in transactions"
    stored = f"{how}; judged and stored in batches of thousands, that touch each zone once or twice"
    yield "worker_event", found.judge, "s/event", f"{stored}; CPU of the judging worker, the enriched topic with it"
    yield "postgres_event", found.postgres, "s/event", f"{stored}; CPU of PostgreSQL"
    yield "wal_event", found.wal, "bytes/event", f"{stored}; WAL"
    yield "broker_cpu", found.broker, "s/event", f"{how}; raw, normalized and enriched, one copy each"


def _judging(_: dict[str, Coefficient]) -> Told:
    spread = judging.paced(200, every=300, minutes=60)
    often = judging.paced(200)
    wide = judging.paced(80, names=4)
    how = "one name, three regions, two servers and a resolver: nine questions"
    yield "judge_cpu", spread.cpu, "s/event", f"{how} in 300 s; the pure step"
    yield "tick_cpu", spread.ticks, "s/zone and step", f"{how} in 300 s; the pure step, each 5 s without an event"
    yield (
        "step_writes",
        spread.writes - 1,
        "writes/event",
        f"{how} in 300 s; states written as a step ends, for each event",
    )
    # Seen in half an hour, of which most rules' windows are: each question's own part, and each of its samples'.
    points = [
        (asked.asked, samples(asked), zone.state)
        for asked, zone in (
            (Load(zones=1, interval=300.0), spread),
            (Load(zones=1), often),
            (Load(zones=1, questions=4), wide),
        )
    ]
    per_question, per_sample = plane(points)
    yield "state_question", per_question, "bytes/question", "of 9 and 36 questions of a zone, packed as it is saved"
    yield "state_sample", per_sample, "bytes/sample", "of questions in 60 and 300 s, for each sample of half an hour"
    few, more = (judging.paced(n, traced=True) for n in (20, 60))
    slope = (more.memory * 60 - few.memory * 20) / 40
    yield "state_memory", slope, "bytes/zone", f"{how} in 60 s for 20 minutes; Python's own count of what it holds"
    yield "state_load", judging.loaded(300), "s/zone", f"{how} in 60 s; from bytes to memory, as after a rebalance"


def plane(points: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Least squares of z = a·x + b·y."""
    xx, yy, xy = (sum(p[i] * p[j] for p in points) for i, j in ((0, 0), (1, 1), (0, 1)))
    xz, yz = (sum(p[i] * p[2] for p in points) for i in (0, 1))
    below = xx * yy - xy * xy
    return (xz * yy - yz * xy) / below, (yz * xx - xz * xy) / below


def positive(points: list[tuple[float, float, float]]) -> tuple[float, float]:
    """Least squares of z = a·x + b·y, where nothing costs less than nothing."""
    a, b = plane(points)
    if a < 0:
        return 0.0, sum(y * z for _, y, z in points) / sum(y * y for _, y, _ in points)
    if b < 0:
        return sum(x * z for x, _, z in points) / sum(x * x for x, _, _ in points), 0.0
    return a, b


def _storing(known: dict[str, Coefficient]) -> Told:
    empty = storing.stored(2, 1, warm=60)
    few, seldom, many = storing.stored(300, 1), storing.stored(300, 1, every=300), storing.stored(40, 8, warm=420)
    sizes = [f"{stored.state / 1000:.0f}" for stored in (few, seldom, many)]
    how = f"three loads with states of {sizes[0]}, {sizes[1]} and {sizes[2]} kB, a batch a second, plain PostgreSQL"
    for name, unit, what in (
        ("worker", "s", "CPU of the judging worker"), ("postgres", "s", "CPU of PostgreSQL"), ("wal", "bytes", "WAL")
    ):  # fmt: skip
        turn = getattr(empty, name) / empty.transactions
        yield f"{name}_turn", turn, f"{unit}/transaction", f"2 zones in batches of a second; {what}"
        event = known[f"{name}_event"]
        assert event.value is not None
        # What neither transactions nor events explain is of states: of each that is written, and of its size.
        points = [
            (s.writes, s.writes * s.state, getattr(s, name) - s.transactions * turn - s.events * event.value)
            for s in (few, seldom, many)
        ]
        write, byte = positive(points)
        yield f"{name}_write", write, f"{unit}/write", f"{how}; {what}, for each state that is written, with its health"
        yield f"{name}_byte", byte, f"{unit}/byte", f"{how}; {what}, for each byte that it has, written or not"
    rows = "300 zones of 9 questions in 60 s, plain PostgreSQL, after 12 minutes"
    for table, size in few.rows.items():
        yield f"row_{table}", size, "bytes/row", f"{rows}, with its indexes"
    yield "latency_rows", few.latencies, "rows/row", f"{rows}; of latency_minute for one of observation_minute"


def _columnstore(_: dict[str, Coefficient]) -> Told:
    url = os.environ.get(columnstore.VARIABLE)
    if url is None:
        print(f"not on TimescaleDB: {columnstore.VARIABLE} is not set", file=sys.stderr)
        return
    zones, hours, every = columnstore.ZONES, columnstore.HOURS, columnstore.EVERY
    how = f"minutes and latencies of {zones} zones, nine questions in {every} s for {hours} hours, with their indexes"
    yield "columnstore", columnstore.ratio(url), "bytes/byte", f"{how}; on TimescaleDB as columns, to the same as rows"


def _flink(_: dict[str, Coefficient]) -> Told:
    if (why := missing()) is not None:
        print(f"not on Flink: {why}", file=sys.stderr)
        return
    found, events = flink.steady()
    how = f"{events:,} events of {flink.ZONES:,} zones, nine questions in 60 s, one slot of the mini-cluster"
    yield "flink_judge_cpu", found.cpu / 1e6, "s/event", f"{how}; CPU of Python and Java, from topic to topic"
    yield "flink_checkpoint", found.state, "bytes/zone", f"{how}; of a checkpoint, by the number of zones"


def _correlating(_: dict[str, Coefficient]) -> Told:
    for shared in (False, True):
        # The least of several: other work on the machine only adds.
        few, many = (min(correlating.cost(n, shared=shared) for _ in range(5)) for n in correlating.SIZES)
        # While n zones fail one after the other, half of them are open on average.
        each = 2 * (many.finding - few.finding) / (correlating.SIZES[1] - correlating.SIZES[0])
        first = few.finding - each * correlating.SIZES[0] / 2
        kind = "all on the same servers, one incident" if shared else "each on its own, an incident each"
        how = f"100 and 1,600 zones fail in a minute, {kind}"
        if shared:
            yield "correlate_joined", each, "s/finding and zone", f"{how}; for each zone that is in the incident"
        else:
            yield "correlate_cpu", first, "s/finding", f"{how}; what is left where nothing is open"
            yield "correlate_open", each, "s/finding and incident", f"{how}; for each incident that is open"
            yield "correlate_state", many.state, "bytes/incident", f"{how}; all of it is written in each turn"
            yield "correlate_dump", many.dump, "s/incident", f"{how}; to write it, without PostgreSQL"


def _queries(_: dict[str, Coefficient]) -> Told:
    """The panels over a small store and over a larger one."""
    times = {}
    for zones in (_SMALL, _LARGE):
        with database() as found:
            backbone.generate(found.connection, zones, _DAYS)
            times[zones], hours = _panels(found), found.hours(zones, _DAYS)
    one = {name: _LARGE for name in backbone.PANELS if "one" in name}
    how = f"plain PostgreSQL, {_DAYS} days of {_LARGE} zones"
    yield "query_zone", max(times[_LARGE][name] for name in one), "s/query", f"{how}; the slowest of one zone's panels"
    worst = "the ten worst zones of the week"
    slope = (times[_LARGE][worst] - times[_SMALL][worst]) / (_LARGE - _SMALL)
    yield "query_worst", slope, "s/query and zone", f"{how}, and of {_SMALL}; the ten worst zones of the week"
    yield (
        "hour_bytes",
        hours,
        "bytes/zone-day",
        f"{how}; hours by three regions and two roles, with six latency buckets",
    )


def _panels(found: Database) -> dict[str, float]:
    """CPU seconds of PostgreSQL for each."""
    times = {}
    for name, query in backbone.PANELS.items():
        before = storing.spent(found.pid)
        for _ in range(_TIMES):
            found.connection.execute(query).fetchall()
        times[name] = (storing.spent(found.pid) - before) / _TIMES
    return times


def _processor() -> str:
    found = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return found[0].partition(":")[2].strip() if found else platform.machine()


_PARTS = (_edge, _bus, _judging, _storing, _correlating, _queries, _columnstore, _flink)

#: Their names, as `--part` takes them.
PARTS = tuple(part.__name__.strip("_") for part in _PARTS)

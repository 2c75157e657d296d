"""What a committed event costs: the worker's own CPU and PostgreSQL's, WAL, and the bytes of each table's rows."""

from __future__ import annotations

import datetime as dt
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dns_rules import load_rules
from kafka_bridge.config import Store
from kafka_bridge.pipeline.partition import Batch, Partition
from kafka_bridge.store.rollup import roll_up
from kafka_bridge.store.upkeep import kept

from benchmarks.database import database

from .judging import asked, estate

if TYPE_CHECKING:
    from dns_events import Event

    from benchmarks.database import Connection

#: Tables of which a row's size counts, with their indexes.
TABLES = (
    "observation_minute", "latency_minute", "zone_minute_closed", "zone_health_minute", "seen_event", "answer_current",
)  # fmt: skip


class Stored(NamedTuple):
    """What was measured over some minutes of steady work."""

    events: int
    transactions: int
    writes: int
    """Zone states."""
    worker: float
    """CPU seconds."""
    postgres: float
    """CPU seconds."""
    wal: int
    """Bytes."""
    state: float
    """Bytes of a zone's state, all of its parts."""
    rows: dict[str, float]
    """Bytes of a row with its indexes, by table."""
    latencies: float
    """Rows of `latency_minute` for each of `observation_minute`."""


def stored(zones: int, names: int, *, warm: int = 600, seconds: int = 120, every: int = 60) -> Stored:
    """Commit what `zones` are asked, a second of it a batch, as a member of the consumer group does.

    Args:
        zones: in one partition.
        names: asked of each.
        warm: seconds before what counts, in which states and tables fill.
        seconds: that count.
        every: seconds between two askings of one question at one vantage.
    """
    start = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=warm + seconds)
    listed: list[Event] = []
    for number in range(zones):
        begin = start + dt.timedelta(seconds=every * number / zones)
        listed += asked(f"zone{number}.example", names, 2, warm + seconds, every, begin)
    listed.sort(key=lambda event: event.time)
    with database() as (pid, pool, connection):
        partition = Partition(pool, estate(zones), load_rules(), 0, bus="bench", clocked=True)
        at, before = 0, _Moment()
        for second in range(warm + seconds):
            now = start + dt.timedelta(seconds=second)
            if second == warm:
                connection.execute("vacuum analyze")
                before, first = _Moment.of(pid, connection), at
            until = at
            while until < len(listed) and listed[until].time <= now:
                until += 1
            batch = Batch(listed[at:until], (), until)
            partition.commit(lambda _cursor, _offset, batch=batch: batch, lambda _batch: None)
            if second % 5 == 0:
                partition.pass_time(now)
            at = until
        after = _Moment.of(pid, connection)
        roll_up(pool, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=3), keep=kept(Store()))
        sizes = {table: _row(connection, table) for table in TABLES}
        latencies = _count(connection, "latency_minute") / _count(connection, "observation_minute")
        (state,) = connection.execute(
            "select avg(length(state) + length(blocks) + length(opened))::float8 from zone_state"
        ).fetchone() or (0.0,)
        assert _count(connection, "observation_minute") > zones
    return Stored(
        at - first, seconds + len(range(warm, warm + seconds, 5)), after.writes - before.writes,
        after.worker - before.worker, after.postgres - before.postgres,
        after.wal - before.wal, state, sizes, latencies,
    )  # fmt: skip


class _Moment(NamedTuple):
    writes: int = 0
    worker: float = 0.0
    postgres: float = 0.0
    wal: int = 0

    @classmethod
    def of(cls, pid: int, connection: Connection) -> _Moment:
        # Backends tell their counts when they are idle, at most once a second.
        time.sleep(1.5)
        writes, wal = connection.execute(
            "select n_tup_ins + n_tup_upd, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint "
            "from pg_stat_user_tables where relname = 'zone_state'"
        ).fetchone() or (0, 0)
        return cls(writes, time.process_time(), spent(pid), wal)


def spent(pid: int) -> float:
    """CPU seconds of a process, of the children that it has, and of those that ended."""
    own = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    total = sum(map(int, own[11:15])) / os.sysconf("SC_CLK_TCK")
    children = {child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()}
    for child in children:
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def _row(connection: Connection, table: str) -> float:
    """As it lies after its time of work, indexes with it."""
    (size,) = connection.execute("select pg_total_relation_size(%s::regclass)::float8", (table,)).fetchone() or (0.0,)
    return float(size / max(1, _count(connection, table)))


def _count(connection: Connection, table: str) -> int:
    (number,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return int(number)

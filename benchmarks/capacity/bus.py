"""What an event is on the bus: bytes in each topic, and CPU of who normalizes it and of the broker."""

from __future__ import annotations

import datetime as dt
import io
import time
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq
from confluent_kafka import Producer
from kafka_bridge.archive import layout

from benchmarks.backbone import servers
from tests.stack.backlog import SIZE, sent
from tests.stack.ways import Recorded

from .judging import asked, estate
from .storing import spent

if TYPE_CHECKING:
    from pathlib import Path

    from dns_events import Event
    from kafka_bridge.postgres.server import Server

    from tests.stack.kafka.broker import Broker

_WAL = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
TOPICS = ("raw", "normalized", "enriched")
ZONES = 2000


class Carried(NamedTuple):
    """For each event."""

    topics: dict[str, float]
    """Bytes on one broker's disk."""
    normalize: float
    """CPU seconds of the process that normalizes."""
    judge: float
    """CPU seconds of the process that judges, stores and writes the enriched topic, from a backlog."""
    postgres: float
    """CPU seconds, of the same."""
    wal: float
    """Bytes of it."""
    broker: float
    """CPU seconds: taken in once, read once, written twice more."""


def observed(minutes: int = 4, zones: int = ZONES) -> list[Event]:
    """What three regions see of so many zones of `estate`, one name each, up to now."""
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes, seconds=20)
    found = [
        event
        for n in range(zones)
        for event in asked(f"zone{n}.example", 1, 2, minutes * 60, 60, start + dt.timedelta(seconds=20 * n / zones))
    ]
    return sorted(found, key=lambda event: event.time)


def carried(listed: list[Event]) -> Carried:
    """Send them to a real broker, then let one process normalize, and another one judge."""
    with servers() as (folder, broker, postgres):
        return _carried(folder / "bus", broker, postgres, listed)


def _carried(folder: Path, broker: Broker, postgres: Server, listed: list[Event]) -> Carried:
    folder.mkdir()
    stack = Recorded(folder, broker, postgres, "capacity", estate(ZONES))
    producer = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 20, "compression.type": "lz4"})
    payloads = sent(listed)
    half = len(payloads) // 2

    def send(some: list[tuple[int, bytes]], stored: int) -> None:
        for moment, payload in some:
            producer.produce(f"{stack.prefix}dns.raw", payload, timestamp=moment)
            producer.poll(0)
        producer.flush(60)
        stack.wait("events stored", lambda: stack.one("select count(*) from seen_event") == stored, 300)

    try:
        judging, normalizing = stack.bridge(("judge",)), stack.bridge(("normalize",))
        pids = (normalizing.process.pid, judging.process.pid, postgres.pid, broker.pid)
        # Programs that have just started compile, fill caches and make files: the second half is what counts.
        send(payloads[:half], half * SIZE)
        before, written = [spent(pid) for pid in pids], stack.one(_WAL)
        send(payloads[half:], len(listed))
        time.sleep(2)
        written = float(stack.one(_WAL) - written) / (len(listed) - half * SIZE)
        normalize, judge, database, brokers = (
            (spent(pid) - was) / (len(listed) - half * SIZE) for pid, was in zip(pids, before, strict=True)
        )
        logs = {topic: _bytes(broker, f"{stack.prefix}dns.{topic}") / len(listed) for topic in TOPICS}
        return Carried(logs, normalize, judge, database, written, brokers)
    finally:
        stack.close()


def _bytes(broker: Broker, topic: str) -> int:
    """On its disk; files of a segment are made larger than they are, so that only what is in them counts."""
    found = [file for file in broker.home.rglob("*.log") if file.parent.name.rpartition("-")[0] == topic]
    assert found, f"{topic} is not under {broker.home}"
    return sum(file.stat().st_size for file in found)


def archived(listed: list[Event]) -> tuple[float, float]:
    """CPU seconds to write an event into the archive's Parquet, and the bytes that it takes there."""
    from dns_events import ndjson

    rows = [(ndjson.decode(ndjson.encode(event)), "{}") for event in listed]
    began, size = time.process_time(), 0
    for table in layout.tables(rows, 1).values():
        into = io.BytesIO()
        pq.write_table(table, into, compression="zstd", row_group_size=50_000, write_statistics=True)
        size += into.tell()
    return (time.process_time() - began) / len(rows), size / len(rows)

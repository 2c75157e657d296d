"""What TimescaleDB's columnstore makes of a day of minutes, beside the rows that they were."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import psycopg
from dns_rules import load_rules
from kafka_bridge.pipeline.partition import Batch, Partition
from kafka_bridge.store.pool import open_pool

from .judging import asked, estate

if TYPE_CHECKING:
    from benchmarks.database import Connection

VARIABLE = "DNSTOWER_TIMESCALE_URL"
ZONES, HOURS, EVERY = 20, 24, 300
_TABLES = ("observation_minute", "latency_minute")


def ratio(url: str) -> float:
    """Bytes with their indexes as columns, to those as rows; in a database of its own that is gone afterwards.

    Args:
        url: of a server where databases may be made.
    """
    name = f"dnstower_bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"create database {name}")
        try:
            return _ratio(psycopg.conninfo.make_conninfo(url, dbname=name))
        finally:
            server.execute(f"drop database {name} with (force)")


def _ratio(conninfo: str) -> float:
    start = dt.datetime.now(dt.UTC) - dt.timedelta(hours=HOURS)
    seconds = HOURS * 3600
    listed = [event for n in range(ZONES) for event in asked(f"zone{n}.example", 1, 2, seconds, EVERY, start)]
    listed.sort(key=lambda event: event.time)
    with open_pool(conninfo) as pool:
        partition = Partition(pool, estate(ZONES), load_rules(), 0, bus="bench")
        for at in range(0, len(listed), 2000):
            batch = Batch(listed[at : at + 2000], (), at + 2000)
            partition.commit(lambda _cursor, _offset, batch=batch: batch, lambda _batch: None)
        with psycopg.connect(conninfo, autocommit=True, options="-c search_path=dnstower,public") as connection:
            connection.execute("vacuum full")
            rows = _bytes(connection)
            for table in _TABLES:
                for (chunk,) in connection.execute("select show_chunks(%s::regclass)", (table,)).fetchall():
                    connection.execute("call convert_to_columnstore(%s::regclass)", (chunk,))
            return _bytes(connection) / rows


def _bytes(connection: Connection) -> int:
    found = [connection.execute("select hypertable_size(%s::regclass)", (table,)).fetchone() for table in _TABLES]
    return sum(size for (size,) in filter(None, found))

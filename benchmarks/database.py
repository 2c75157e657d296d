"""A PostgreSQL for one measurement, with the bridge's tables, that is gone afterwards."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.pool import Pool, open_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

Connection = psycopg.Connection[Any]


class Database(NamedTuple):
    """How to get at it."""

    pid: int
    """Of the server: its children are what spends CPU."""
    pool: Pool
    """The bridge's."""
    connection: Connection
    """Beside the pool, among the bridge's tables; each statement is a transaction."""

    def hours(self, zones: int, days: int) -> float:
        """Bytes of a zone and day in the tables of hours."""
        (size,) = self.connection.execute(
            "select sum(pg_total_relation_size(c.oid))::float8 from pg_class c "
            "where c.relname in ('zone_hour_closed', 'latency_hour_closed')"
        ).fetchone() or (0.0,)
        return float(size) / zones / days


@contextmanager
def database() -> Iterator[Database]:
    """Begin it, and end it."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as place,
        Server(Path(place) / "pg") as server,
        open_pool(server.conninfo) as pool,
        psycopg.connect(server.conninfo, autocommit=True, options="-c search_path=dnstower") as connection,
    ):
        yield Database(server.pid, pool, connection)

"""The store's views with their columns, read from a store that was made for it."""

from __future__ import annotations

import tempfile
from itertools import groupby
from pathlib import Path

from kafka_bridge.postgres.server import Server
from kafka_bridge.store.pool import open_pool

_COLUMNS = """
    select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where n.nspname = 'dnstower' and c.relkind = 'v' and c.relname like 'v\\_%' and a.attnum > 0
    order by c.relname, a.attnum
"""

_ABOUT = """Read from a new store. What each is for, and questions that they answer:
[the views](../../packages/kafka-bridge/docs/views.md)."""


def views() -> str:
    """One page: a table a view."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Server(Path(folder) / "postgres") as server,
        open_pool(server.conninfo, size=2) as pool,
        pool.connection() as connection,
    ):
        columns = connection.execute(_COLUMNS).fetchall()
    out = ["# Views", "", _ABOUT, ""]
    for view, rows in groupby(columns, key=lambda row: row[0]):
        out += [f"## {view}", "", "| column | type |", "|---|---|"]
        out += [f"| `{name}` | {kind} |" for _, name, kind in rows]
        out += [""]
    return "\n".join(out)

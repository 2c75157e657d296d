"""``kafka-bridge store``: what the store stands on, and who may read it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cyclopts import App
from psycopg import errors, sql

from kafka_bridge import audit
from kafka_bridge.errors import BridgeError

from .ground import grant, ground
from .locate import Dir, Json, Where, conninfo
from .pool import connect, open_pool
from .timescale import troubles

store_app = App(name="store", help="The store: what it stands on, how large it is, and who may read it.")


@store_app.command
def show(*, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """Show what the store stands on, its largest tables, and background jobs that fail.

    Exit codes: 0 fine, 1 failed, 3 a background job fails.

    Args:
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: one JSON object.
    """
    address = conninfo(config, dir_)
    open_pool(address, size=2).close()
    with connect(address) as connection:
        on = ground(connection)
        failing = troubles(connection) if on == "timescale" else []
        size = "hypertable_size(c.oid)" if on == "timescale" else "pg_total_relation_size(c.oid)"
        rows = connection.execute(
            f"select c.relname, coalesce({size}, pg_total_relation_size(c.oid)) as bytes from pg_class c "  # noqa: S608 - from above
            "where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') order by 2 desc limit 12"
        ).fetchall()
    if as_json:
        print(json.dumps({"ground": on, "tables": dict(rows), "failing_jobs": failing}))
    else:
        print(f"stands on {'TimescaleDB' if on == 'timescale' else 'plain PostgreSQL'}")
        for name, bytes_ in rows:
            print(f"{bytes_ / 1e6:12.1f} MB  {name}")
        for sentence in failing:
            print(sentence, file=sys.stderr)
    return 3 if failing else 0


@store_app.command
def reader(role: str, /, *, config: Where = None, dir_: Dir = Path(".dnstower"), as_json: Json = False) -> int:
    """Let a role read the views, for instance for Grafana; make it, without login, where it is not there.

    Args:
        role: its name; `alter role NAME login password …` is yours to do.
        config: bridge.yaml.
        dir_: state folder of a running `up`.
        as_json: print JSON.
    """
    address = conninfo(config, dir_)
    open_pool(address, size=2).close()
    made = False
    with connect(address) as connection, connection.transaction():
        try:
            if connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is None:
                connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
                made = True
            grant(connection, role)
        except errors.InsufficientPrivilege as error:
            said = error.diag.message_primary
            msg = f"the store's user may not do this ({said}); as an administrator: create role {role}"
            raise BridgeError(msg) from error
        audit.record(connection, "store.reader", {"role": role, "made": made})
    print(json.dumps({"role": role, "made": made}) if as_json else f"{role} reads the views")
    return 0

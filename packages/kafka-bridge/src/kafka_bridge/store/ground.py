"""What the tables stand on: plain PostgreSQL, or TimescaleDB; and the views, which are the same on both."""

from __future__ import annotations

import hashlib
import logging
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from .rollup import reopen

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger(__name__)

Ground = Literal["plain", "timescale"]
Wanted = Literal["auto", "plain", "timescale"]

_GROUND = "ground"
_VIEWS = "views"
_LEVELS = "levels"


def lay(connection: Connection, *, wanted: Wanted = "auto") -> Ground:
    """Lay the roll-ups once, and the views whenever their text is another. The caller holds the transaction.

    Args:
        connection: with the schema in its search path, migrated.
        wanted: `auto` takes TimescaleDB where it is installed under its own licence; a ground once laid stays.
    """
    known: dict[str, str] = dict(connection.execute("select name, checksum from store_text").fetchall())
    ground: Ground = "timescale" if known.get(_GROUND) == "timescale" else "plain"
    if _GROUND not in known:
        ground = "timescale" if wanted == "timescale" or (wanted == "auto" and _timescale(connection)) else "plain"
        connection.execute(_text(f"layers/{ground}.sql").encode())
        _note(connection, _GROUND, ground)
    if ground == "plain" and _other(known, _LEVELS, levels := _text("layers/plain_views.sql")):
        connection.execute(levels.encode())
        reopen(connection)
        _note(connection, _LEVELS, _checksum(levels))
    views = _text("views.sql")
    if _other(known, _VIEWS, views):
        grants = _granted(connection)
        for (name,) in connection.execute(
            "select viewname from pg_views where schemaname = current_schema() and viewname like 'v\\_%'"
        ).fetchall():
            connection.execute(f'drop view if exists "{name}" cascade'.encode())
        connection.execute(views.encode())
        for role in grants:
            grant(connection, role)
        _note(connection, _VIEWS, _checksum(views))
    return ground


def ground(connection: Connection) -> Ground:
    """Which one it is."""
    row = connection.execute("select checksum from store_text where name = %s", (_GROUND,)).fetchone()
    return "timescale" if row is not None and row[0] == "timescale" else "plain"


def grant(connection: Connection, role: str) -> None:
    """Let a role read the views, and nothing else of ours."""
    from psycopg import sql  # noqa: PLC0415 - only administrators come here

    (schema,) = connection.execute("select current_schema()").fetchone() or ("dnstower",)
    who, where = sql.Identifier(role), sql.Identifier(str(schema))
    connection.execute(sql.SQL("grant usage on schema {} to {}").format(where, who))
    connection.execute(sql.SQL("alter role {} set search_path to {}, public").format(who, where))
    for (name,) in connection.execute(
        "select viewname from pg_views where schemaname = current_schema() and viewname like 'v\\_%'"
    ).fetchall():
        connection.execute(sql.SQL("grant select on {} to {}").format(sql.Identifier(name), who))


def _granted(connection: Connection) -> list[str]:
    """Roles that may read the views now."""
    rows = connection.execute(
        "select distinct grantee from information_schema.role_table_grants where table_schema = current_schema() "
        "and table_name like 'v\\_%' and privilege_type = 'SELECT' and grantee <> current_user"
    ).fetchall()
    return [row[0] for row in rows]


def _timescale(connection: Connection) -> bool:
    """Whether TimescaleDB is there, with what its own licence adds."""
    row = connection.execute(
        "select installed_version from pg_available_extensions where name = 'timescaledb'"
    ).fetchone()
    if row is None:
        return False
    if row[0] is None:
        loaded = connection.execute("select current_setting('shared_preload_libraries')").fetchone()
        if loaded is None or "timescaledb" not in str(loaded[0]):
            log.warning("TimescaleDB is installed but not in shared_preload_libraries; plain PostgreSQL it is")
            return False
        connection.execute("create extension timescaledb schema public")
    licence = connection.execute("select current_setting('timescaledb.license', true)").fetchone()
    return licence is not None and licence[0] == "timescale"


def _other(known: dict[str, str], name: str, text: str) -> bool:
    return known.get(name) != _checksum(text)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _note(connection: Connection, name: str, checksum: str) -> None:
    connection.execute(
        "insert into store_text (name, checksum) values (%s, %s) on conflict (name) do update set "
        "checksum = excluded.checksum",
        (name, checksum),
    )


def _text(path: str) -> str:
    return (resources.files("kafka_bridge") / "store" / path).read_text()

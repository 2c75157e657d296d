"""Connections to the store, ours or anyone's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from psycopg_pool import ConnectionPool

from kafka_bridge.errors import StoreError

from .ground import lay
from .migrate import LOCK, SCHEMA, migrate

if TYPE_CHECKING:
    from .ground import Wanted

_OPTIONS = f"-c search_path={SCHEMA},public -c timezone=UTC -c application_name=kafka-bridge"

Pool = ConnectionPool[psycopg.Connection[tuple[Any, ...]]]


def open_pool(conninfo: str, *, size: int = 8, ground: Wanted = "auto") -> Pool:
    """Migrate the database and open a pool on it.

    Args:
        conninfo: of the database.
        size: of the pool.
        ground: what a database that is new is laid on.

    Raises:
        StoreError: it cannot be reached; the message is without the password.
    """
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            migrate(connection)
            with connection.transaction():
                connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
                connection.execute(f"set local search_path to {SCHEMA}, public")
                lay(connection, wanted=ground)
        pool: Pool = ConnectionPool(
            conninfo,
            kwargs={"autocommit": True, "connect_timeout": 5, "options": _OPTIONS},
            min_size=2,
            max_size=size,
            timeout=10,
            reconnect_timeout=2.0,
            check=ConnectionPool.check_connection,
            open=False,
        )
        pool.open(wait=True, timeout=15)
    except psycopg.Error as error:
        msg = f"the store at {shown(conninfo)} cannot be used: {_without_password(str(error), conninfo)}"
        raise StoreError(msg) from error
    return pool


def connect(conninfo: str) -> psycopg.Connection[tuple[Any, ...]]:
    """One connection of one's own, for what belongs to a session."""
    return psycopg.connect(conninfo, autocommit=True, connect_timeout=5, options=_OPTIONS)


def shown(conninfo: str) -> str:
    """A connection string for people: host and database, never the password."""
    try:
        parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    except psycopg.Error:
        return urlsplit(conninfo).hostname or "(unreadable address)"
    return f"{parts.get('host', 'localhost')}/{parts.get('dbname', '')}"


def _without_password(text: str, conninfo: str) -> str:
    try:
        password = psycopg.conninfo.conninfo_to_dict(conninfo).get("password")
    except psycopg.Error:
        return "the address cannot be read"
    return text.replace(str(password), "***") if password else text

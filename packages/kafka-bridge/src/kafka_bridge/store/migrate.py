"""Numbered SQL files, each applied once, under a lock, with a checksum that must not change."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from kafka_bridge.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

#: Everything of ours is in this schema.
SCHEMA = "dnstower"
#: Any number, as long as nobody else in the database locks it.
LOCK = 0x0D25_7075


class Migration(NamedTuple):
    """One file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of the text as it is."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def packaged() -> list[Migration]:
    """The migrations of this version, in order."""
    folder = resources.files("kafka_bridge") / "store" / "migrations"
    found = []
    for file in folder.iterdir():
        number, _, name = file.name.removesuffix(".sql").partition("_")
        if file.name.endswith(".sql"):
            found.append(Migration(int(number), name, file.read_text()))
    return sorted(found)


def migrate(connection: psycopg.Connection, migrations: Sequence[Migration] | None = None) -> list[int]:
    """Bring the database up to date; returns the numbers that were applied.

    Raises:
        StoreError: an applied migration was altered, or the database is newer than this version.
    """
    wanted = packaged() if migrations is None else list(migrations)
    applied: list[int] = []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute(f"create schema if not exists {SCHEMA}")
        connection.execute(f"set local search_path to {SCHEMA}")
        connection.execute(
            "create table if not exists migration (number int primary key, name text not null, "
            "checksum text not null, applied timestamptz not null default now())"
        )
        done: dict[int, str] = dict(connection.execute("select number, checksum from migration").fetchall())
        newest = max((migration.number for migration in wanted), default=0)
        if done and max(done) > newest:
            msg = f"the database is at migration {max(done)}, this version knows up to {newest}; upgrade kafka-bridge"
            raise StoreError(msg)
        for migration in wanted:
            if migration.number in done:
                if done[migration.number] != migration.checksum:
                    msg = f"migration {migration.number:04} {migration.name} was altered after it was applied"
                    raise StoreError(msg)
                continue
            connection.execute(migration.text.encode())
            connection.execute(
                "insert into migration (number, name, checksum) values (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
            applied.append(migration.number)
    return applied

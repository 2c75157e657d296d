"""Which store a command is about: that of a bridge.yaml, or of a running `up`."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError

from .pool import open_pool

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from kafka_bridge.config import Config

    Connection = psycopg.Connection[tuple[Any, ...]]

Where = Annotated[Path | None, Parameter(name="--config", help="bridge.yaml of the store.")]
Dir = Annotated[Path, Parameter(name="--dir", help="State folder of a running `up`.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]


def conninfo(config: Path | None, directory: Path) -> str:
    """The store's address.

    Raises:
        BridgeError: it is another process's own, or nothing runs there.
    """
    if config is not None:
        loaded: Config = load_config(config)
        if loaded.store.url is None:
            msg = (
                f"{config}: its store is embedded and belongs to the running bridge; use `up` and --dir, or a store URL"
            )
            raise BridgeError(msg)
        return loaded.store.url
    file = directory / "run.json"
    try:
        return str(json.loads(file.read_text())["store"])
    except (OSError, ValueError, KeyError) as error:
        msg = f"nothing is running in {directory} ({file} cannot be read); start `up`, or give --config"
        raise BridgeError(msg) from error


@contextmanager
def connected(config: Path | None, directory: Path) -> Iterator[Connection]:
    """A connection to the store of a configuration, or of a running `up`; what is done is committed at the end."""
    with open_pool(conninfo(config, directory), size=2) as pool, pool.connection() as connection:
        yield connection


def query(config: Path | None, directory: Path, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Run one statement on the store of a configuration, or of a running `up`."""
    with connected(config, directory) as connection:
        return connection.execute(sql.encode(), values).fetchall()

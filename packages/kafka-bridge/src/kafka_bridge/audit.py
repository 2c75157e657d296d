"""The audit log: who did what, from where."""

from __future__ import annotations

import getpass
import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg


def actor() -> str:
    """Who runs this, as ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def record(connection: psycopg.Connection[Any], action: str, detail: dict[str, Any], *, by: str | None = None) -> None:
    """Append one entry. The caller holds the transaction, so that the entry is there exactly when the deed is."""
    connection.execute(
        "insert into audit_log (actor, action, detail) values (%s, %s, %s)", (by or actor(), action, json.dumps(detail))
    )

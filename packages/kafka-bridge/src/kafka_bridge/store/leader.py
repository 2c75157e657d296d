"""One of several processes works, the others stand by: whoever has the session with the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .pool import connect

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]


class Leader:
    """The session that writes is the session that holds the lock, so that there is never more than one.

    Args:
        conninfo: of the store.
        lock: any number, as long as nobody else in the database locks it.
    """

    def __init__(self, conninfo: str, lock: int) -> None:
        self._conninfo = conninfo
        self._lock = lock
        self._connection: Connection | None = None

    @property
    def leading(self) -> bool:
        """Whether this one works."""
        return self._connection is not None

    def connection(self) -> Connection | None:
        """The session; ``None`` where another one has it."""
        if self._connection is None:
            connection = connect(self._conninfo)
            row = connection.execute("select pg_try_advisory_lock(%s)", (self._lock,)).fetchone()
            if row is None or not row[0]:
                connection.close()
                return None
            self._connection = connection
        return self._connection

    def drop(self) -> None:
        """Let another one take over."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

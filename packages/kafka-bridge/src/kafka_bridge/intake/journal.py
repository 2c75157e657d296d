"""The embedded bus's writing end: many requests, one transaction, and only then the acknowledgements."""

from __future__ import annotations

import logging
import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from psycopg_pool import PoolTimeout

from kafka_bridge.health.vitals import Part
from kafka_bridge.setback import setback

from .contract import UnavailableError

if TYPE_CHECKING:
    from kafka_bridge.store.pool import Pool

log = logging.getLogger(__name__)

_GROUP_BYTES = 16 << 20
_GROUP_REQUESTS = 256
#: Requests that may wait for durability at once; more are told to come back.
_WAITING = 512


class _Entry(NamedTuple):
    payload: bytes
    peer: str
    done: Future[None]


class Journal:
    """Appends requests to the raw bus.

    One thread writes, so that offsets appear in their order. What waits meanwhile goes together.
    """

    def __init__(self, pool: Pool, *, partition: int = 0) -> None:
        self._pool = pool
        self._partition = partition
        self._entries: queue.Queue[_Entry | None] = queue.Queue(_WAITING)
        self.appended = threading.Event()
        """Set after each commit, for a worker that waits for work."""
        self.trouble: str | None = None
        """Why the last requests were not taken."""
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, payload: bytes, peer: str, timeout: float = 10.0) -> None:
        """Return once the payload is durable.

        Raises:
            UnavailableError: it is not, and the client must keep it.
        """
        entry = _Entry(payload, peer, Future())
        try:
            self._entries.put(entry, timeout=1.0)
            entry.done.result(timeout)
        except queue.Full:
            msg = "too many requests are waiting for the store"
            raise UnavailableError(msg) from None
        except (TimeoutError, psycopg.Error, PoolTimeout) as error:
            msg = "the store does not answer"
            raise UnavailableError(msg) from error

    def close(self) -> None:
        """Write what waits, then stop."""
        self._entries.put(None)
        self._thread.join(15)

    def part(self) -> Part:
        """How it is."""
        return Part(name="journal", trouble=self.trouble, alive=self._thread.is_alive())

    def _run(self) -> None:
        while True:
            group, last = self._group()
            if group:
                self._write(group)
            if last:
                return

    def _group(self) -> tuple[list[_Entry], bool]:
        first = self._entries.get()
        if first is None:
            return [], True
        group, size = [first], len(first.payload)
        while len(group) < _GROUP_REQUESTS and size < _GROUP_BYTES:
            try:
                entry = self._entries.get_nowait()
            except queue.Empty:
                break
            if entry is None:
                return group, True
            group.append(entry)
            size += len(entry.payload)
        return group, False

    def _write(self, group: list[_Entry]) -> None:
        try:
            with (
                self._pool.connection() as connection,
                connection.transaction(),
                connection.cursor() as cursor,
                cursor.copy("copy bus_raw (partition, peer, payload) from stdin (format binary)") as copy,
            ):
                copy.set_types(["int4", "text", "bytea"])
                for entry in group:
                    copy.write_row((self._partition, entry.peer, entry.payload))
        except (psycopg.Error, PoolTimeout) as error:
            self.trouble = setback(log, f"the store did not take {len(group)} requests; their clients keep them", error)
            for entry in group:
                entry.done.set_exception(error)
            return
        for entry in group:
            entry.done.set_result(None)
        self.trouble = None
        self.appended.set()

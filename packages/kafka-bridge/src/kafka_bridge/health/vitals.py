"""What can be said of a running bridge at any moment."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct
from psycopg_pool import PoolTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kafka_bridge.store.pool import Pool

#: The store is asked no more often than this, however many ask us.
_FRESH = 2.0
_PATIENCE = 4.0


class Part(Struct, frozen=True, kw_only=True):
    """One part of the bridge: a stage, the store, the archive."""

    name: str
    trouble: str | None = None
    """Why it does not work right now."""
    alive: bool = True
    """False where only a restart helps."""
    notice: str | None = None
    """What is worth knowing though it works."""


class Progress(Struct, frozen=True, kw_only=True):
    """How far one part has come (a row of ``v_pipeline``)."""

    part: str
    partition: int | None
    behind: float | None
    """Seconds."""
    waiting: int | None


class Reading(Struct, frozen=True, kw_only=True):
    """Everything at one moment."""

    parts: tuple[Part, ...]
    progress: tuple[Progress, ...] = ()
    deadletters: int = 0
    """Of the last hour, not sent again."""
    silent: dict[str, float] = {}
    """Seconds since each probe was heard."""

    @property
    def alive(self) -> bool:
        """Whether it can mend itself."""
        return all(part.alive for part in self.parts)

    @property
    def ready(self) -> bool:
        """Whether everything works."""
        return all(part.alive and part.trouble is None for part in self.parts)


class Vitals:
    """Reads the parts of a bridge and its store.

    Args:
        parts: the parts now.
        pool: connections to the store; ``None`` for a forwarder.
    """

    def __init__(self, parts: Callable[[], list[Part]], pool: Pool | None) -> None:
        self._parts = parts
        self._pool = pool
        self._lock = threading.Lock()
        self._asker = ThreadPoolExecutor(1, "vitals")
        self._asking: Future[tuple[float, Mapping[str, Any], str | None]] | None = None
        self._stored: tuple[float, Mapping[str, Any], str | None] = (float("-inf"), {}, None)

    def read(self) -> Reading:
        """How it is, at most two seconds old."""
        parts = self._parts()
        if self._pool is None:
            return Reading(parts=tuple(parts))
        with self._lock:
            if time.monotonic() - self._stored[0] > _FRESH:
                self._stored = self._patiently(self._pool)
            _, found, trouble = self._stored
        return Reading(parts=(*parts, Part(name="store", trouble=trouble)), **found)

    def _patiently(self, pool: Pool) -> tuple[float, Mapping[str, Any], str | None]:
        # A database that hangs keeps its connections silent for ever; whoever asks us is not to hang with it.
        if self._asking is None:
            self._asking = self._asker.submit(self._ask, pool)
        try:
            answer = self._asking.result(_PATIENCE)
        except TimeoutError:
            return time.monotonic(), {}, f"no answer within {_PATIENCE:.0f} s"
        self._asking = None
        return answer

    @staticmethod
    def _ask(pool: Pool) -> tuple[float, Mapping[str, Any], str | None]:
        try:
            with pool.connection(timeout=3) as connection:
                progress = connection.execute("select part, partition, behind, waiting from v_pipeline").fetchall()
                (dead,) = connection.execute(
                    "select count(*) from deadletter where received > now() - interval '1 hour' and retried is null"
                ).fetchone() or (0,)
                silent = connection.execute(
                    "select probe, extract(epoch from silent_for)::float8 from v_probe"
                ).fetchall()
        except (psycopg.Error, PoolTimeout) as error:
            return time.monotonic(), {}, str(error).split("\n", maxsplit=1)[0]
        found = {
            "progress": tuple(Progress(part=a, partition=b, behind=c, waiting=d) for a, b, c, d in progress),
            "deadletters": dead,
            "silent": dict(silent),
        }
        return time.monotonic(), found, None

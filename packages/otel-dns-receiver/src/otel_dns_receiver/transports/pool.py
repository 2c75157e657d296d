"""Connections that are kept and reused (RFC 7766 §6.2.1), a bounded number of them."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from .https import Https
from .quic import Quic
from .stream import Stream
from .tls import Tls, context

if TYPE_CHECKING:
    from types import TracebackType

    from dns_events import Transport

    from otel_dns_receiver.question import Target

log = logging.getLogger(__name__)

#: Seconds for which an unused connection is kept; servers close theirs after 10 to 30 (RFC 7766 §6.2.3).
IDLE = 10.0
MOST = 256
#: Seconds after which a connection that looks well is made anew, so that a changed certificate shows.
OLDEST = 600.0


class Connection(Protocol):
    """What every transport but UDP offers."""

    @property
    def usable(self) -> bool:
        """Whether another question can be asked here."""

    async def ask(self, wire: bytes) -> bytes:
        """Send a query and wait for its answer."""

    async def close(self) -> None:
        """Close it."""


class Answered(NamedTuple):
    """An answer's bytes, under the query's id."""

    wire: bytes
    latency: float
    """Seconds between question and answer; connecting is no part of it."""


class _Kept:
    __slots__ = ("asking", "connection", "made", "used")

    def __init__(self, connection: Connection, now: float) -> None:
        self.connection = connection
        self.made = self.used = now
        self.asking = 0


class Pool:
    """Asks over connections by server and transport."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Target, Transport], _Kept] = {}
        self._opening: dict[tuple[Target, Transport], asyncio.Lock] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.opened = 0
        """Connections made so far."""

    async def ask(self, wire: bytes, target: Target, transport: Transport) -> Answered:
        """Ask on the kept connection, or on a new one.

        Raises:
            OSError, TransportError: no connection, or it was lost.
        """
        while True:
            kept, fresh = await self._get(target, transport)
            kept.asking += 1
            started = time.monotonic()
            try:
                answer = await kept.connection.ask(wire)
            except ConnectionError:
                self._drop((target, transport), kept)
                # A kept connection may have been closed by its server meanwhile (RFC 7766 §6.2.4).
                if fresh:
                    raise
                continue
            except asyncio.CancelledError:
                # It timed out: perhaps nobody is at the other end any more, so the next question finds another way.
                self._drop((target, transport), kept)
                raise
            finally:
                kept.asking -= 1
                kept.used = time.monotonic()
            return Answered(answer, time.monotonic() - started)

    async def close(self) -> None:
        """Close all."""
        for kept in list(self._kept.values()):
            await kept.connection.close()
        self._kept.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _get(self, target: Target, transport: Transport) -> tuple[_Kept, bool]:
        key = (target, transport)
        async with self._opening.setdefault(key, asyncio.Lock()):
            now = time.monotonic()
            kept = self._kept.get(key)
            if kept is not None:
                old = now - kept.made > OLDEST or (kept.asking == 0 and now - kept.used > IDLE)
                if kept.connection.usable and not old:
                    return kept, False
                self._drop(key, kept)
            self._shrink(now)
            kept = _Kept(await _open(target, transport), time.monotonic())
            self.opened += 1
            self._kept[key] = kept
            return kept, True

    def _drop(self, key: tuple[Target, Transport], kept: _Kept) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]
        if kept.asking <= 1:
            self._close_later(kept)

    def _shrink(self, now: float) -> None:
        """Give up connections that nobody used for a while, and the longest unused where there are too many."""
        idle = sorted((k for k, v in self._kept.items() if v.asking == 0), key=lambda k: self._kept[k].used)
        for key in idle:
            if now - self._kept[key].used <= IDLE and len(self._kept) < MOST:
                break
            self._close_later(self._kept.pop(key))
            self._opening.pop(key, None)

    def _close_later(self, kept: _Kept) -> None:
        task = asyncio.ensure_future(kept.connection.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _open(target: Target, transport: Transport) -> Connection:
    tls = target.tls or Tls()
    if transport == "tcp":
        return await Stream.open(target.address, target.port, None, None)
    if transport == "dot":
        return await Stream.open(target.address, target.port, context(tls, "dot"), tls.name or target.address)
    if transport == "doh" and tls.http == "2":
        return Https(target.address, target.port, tls)
    return Quic(target.address, target.port, tls, http=transport == "doh")

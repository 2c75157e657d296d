"""DNS messages that others send here, over UDP and TCP."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Transport

    from .contract import Context

_MOST_CONNECTIONS = 100
_CONNECTION_SECONDS = 5.0


class Answering(Protocol):
    """What looks at a message."""

    def __call__(self, wire: bytes, peer: tuple[str, int], transport: Transport, /) -> bytes | None:
        """The reply; None says nothing, and ends a TCP connection."""


def endpoint(text: str) -> tuple[str, int]:
    """Address and port of ``address:port``, brackets around an IPv6 address allowed.

    Raises:
        ValueError: it is not that.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"listen {text!r}; write for instance 192.0.2.9:53")
    return host.strip("[]"), int(port)


async def listen(where: str, answer: Answering, context: Context, *, ready: Callable[[int], None]) -> None:
    """Answer until cancelled; `ready` is told the port. Connections are few and short: nobody is known yet."""
    host, port = endpoint(where)
    loop = asyncio.get_running_loop()
    datagrams, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(answer), local_addr=(host, port))
    try:
        port = datagrams.get_extra_info("sockname")[1]
        server = await asyncio.start_server(_Streams(answer, context).serve, host, port)
        try:
            ready(port)
            await asyncio.Event().wait()
        finally:
            server.close()
    finally:
        datagrams.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, answer: Answering) -> None:
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._answer(data, (addr[0], addr[1]), "udp")
        if reply is not None:
            self._transport.sendto(reply, addr)


class _Streams:
    def __init__(self, answer: Answering, context: Context) -> None:
        self._answer = answer
        self._context = context
        self._open = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._open >= _MOST_CONNECTIONS:
            self._context.count("connections_refused", 1)
            writer.transport.abort()
            return
        self._open += 1
        peer = writer.get_extra_info("peername")
        try:
            async with asyncio.timeout(_CONNECTION_SECONDS):
                while head := await reader.read(1):
                    length = int.from_bytes(head + await reader.readexactly(1), "big")
                    reply = self._answer(await reader.readexactly(length), (peer[0], peer[1]), "tcp")
                    if reply is None:
                        break
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            # Slow, or gone in the middle of a message: what came before counts.
            self._context.count("connections_broken_off", 1)
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

"""One question over UDP on a socket of its own."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Datagram:
    """A socket that is connected to one server."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop = asyncio.get_running_loop()

    async def send(self, wire: bytes) -> None:
        """Send one datagram."""
        await self._loop.sock_sendall(self._sock, wire)

    async def receive(self) -> bytes:
        """The next datagram from that server."""
        return await self._loop.sock_recv(self._sock, 65535)


@asynccontextmanager
async def connected(address: str, port: int, source: str | None = None) -> AsyncIterator[Datagram]:
    """A new socket, so a new port; `source` is the address that it sends from.

    Connected: other senders' datagrams never arrive, and ICMP errors do.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        if source is not None:
            sock.bind((source, 0))
        sock.connect((address, port))
        yield Datagram(sock)

"""DNS over TCP (RFC 7766) and TLS (RFC 7858): one connection, many questions in flight."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

_MOST = 65535


class Stream:
    """An open connection. Answers may come in any order; each question has an id of its own on the wire."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}
        self._lost: Exception | None = None
        self._reading = asyncio.ensure_future(self._read(reader))

    @classmethod
    async def open(
        cls, address: str, port: int, context: ssl.SSLContext | None, name: str | None, source: str | None = None
    ) -> Stream:
        """Connect.

        Args:
            address: the server's.
            port: the server's.
            context: for TLS.
            name: that the certificate must have.
            source: address to connect from.

        Raises:
            OSError: no connection, or a certificate that is not accepted.
        """
        reader, writer = await asyncio.open_connection(
            address,
            port,
            limit=_MOST + 2,
            ssl=context,
            server_hostname=name if context is not None else None,
            local_addr=None if source is None else (source, 0),
        )
        return cls(reader, writer)

    @property
    def usable(self) -> bool:
        """Whether another question can be asked here."""
        return self._lost is None and not self._writer.is_closing() and len(self._waiting) < 1024

    async def ask(self, wire: bytes) -> bytes:
        """Send a query and wait for its answer.

        Raises:
            ConnectionError: the connection was lost before the answer came.
        """
        if self._lost is not None:
            raise ConnectionResetError(str(self._lost))
        number = os.urandom(2)
        while number in self._waiting:
            number = os.urandom(2)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._writer.write(len(wire).to_bytes(2, "big") + number + wire[2:])
            await self._writer.drain()
            return wire[:2] + (await answer)[2:]
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Close; what still waits fails."""
        self._reading.cancel()
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._writer.wait_closed()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = await reader.readexactly(length)
                answer = self._waiting.get(wire[:2])
                if answer is not None and not answer.done():
                    answer.set_result(wire)
        except (OSError, asyncio.IncompleteReadError) as error:
            self._lost = error
        finally:
            if self._lost is None:
                self._lost = ConnectionResetError("closed")
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionResetError(f"connection lost: {self._lost}"))

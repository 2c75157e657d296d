"""DNS over QUIC (RFC 9250) and over HTTP/3 (RFC 8484), by dnspython and aioquic. Needs the extra ``doq``."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import dns.exception
import dns.quic

try:
    from dns.quic._common import UnexpectedEOF  # it has no public name
except ImportError:  # without the extra

    class UnexpectedEOF(Exception):  # type: ignore[no-redef]  # noqa: N818
        """Never raised."""


from otel_dns_receiver.errors import ReceiverError, TransportError

from .tls import Tls, explain


class Quic:
    """A connection to one server; each question has a stream of its own."""

    def __init__(self, address: str, port: int, tls: Tls, *, http: bool) -> None:
        if not dns.quic.have_quic:
            raise ReceiverError("DNS over QUIC and HTTP/3 need pip install 'otel-dns-receiver[doq]'")
        self._address, self._port, self._tls, self._http = address, port, tls, http
        self._name = tls.name or address
        host = f"[{self._name}]" if ":" in self._name else self._name
        self._url = f"https://{host}:{port}{tls.path}"
        self._resources = AsyncExitStack()
        self._connection: Any = None
        self._lost = False

    @property
    def usable(self) -> bool:
        """Whether another question can be asked here."""
        return not self._lost

    async def ask(self, wire: bytes) -> bytes:
        """Send a query, with id 0 (RFC 9250 §4.2.1).

        Raises:
            TransportError: no connection, a certificate that is not accepted, or a response that is no DNS message.
        """
        try:
            if self._connection is None:
                self._connection = await self._connect()
            async with await self._connection.make_stream(None) as stream:
                if self._http:
                    stream.send_h3(self._url, b"\0\0" + wire[2:], True)
                    # dnspython forgets to, and an idle connection would send nothing before its next timer.
                    await self._connection._wakeup()  # noqa: SLF001
                else:
                    await stream.send(b"\0\0" + wire[2:], True)
                answer = await stream.receive(None)
                if self._http:
                    self._check(dict(stream.headers() or ()))
        except UnexpectedEOF as error:
            self._lost = True
            raise TransportError(f"QUIC connection for {self._name} closed: {self._reason()}") from error
        except (dns.exception.DNSException, OSError) as error:
            self._lost = True
            raise TransportError(explain(error, self._name)) from error
        return wire[:2] + bytes(answer[2:])

    def _check(self, headers: dict[bytes, bytes]) -> None:
        status = headers.get(b":status", b"?").decode("ascii", "replace")
        if status != "200":
            raise TransportError(f"HTTP status {status[:20]}", "malformed")
        kind = headers.get(b"content-type", b"").decode("ascii", "replace").partition(";")[0].strip().lower()
        if kind != "application/dns-message":
            raise TransportError(f"HTTP 200 with {kind[:80] or 'no content type'}", "malformed")

    async def close(self) -> None:
        """Close the connection."""
        self._lost = True
        await self._resources.aclose()

    async def _connect(self) -> Any:
        verify: bool | str = (self._tls.ca or True) if self._tls.verify else False
        contexts, managers = dns.quic.factories_for_backend(None)  # type: ignore[no-untyped-call]
        group = await self._resources.enter_async_context(contexts())
        manager = await self._resources.enter_async_context(
            managers(group, verify_mode=verify, server_name=self._name, h3=self._http)
        )
        return manager.connect(self._address, self._port)

    def _reason(self) -> str:
        """What the peer or TLS said; aioquic keeps it on the connection."""
        event = getattr(getattr(self._connection, "_connection", None), "_close_event", None)
        return getattr(event, "reason_phrase", "") or "no reason given"

"""DNS over QUIC (RFC 9250) and over HTTP/3 (RFC 8484), by dnspython and aioquic. Needs the extra ``doq``."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import dns.query
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
        message = dns.message.from_wire(wire)
        try:
            if self._connection is None:
                self._connection = await self._connect()
            if self._http:
                host = f"[{self._address}]" if ":" in self._name else self._name
                answer = await dns.asyncquery.https(
                    message,
                    f"https://{host}:{self._port}{self._tls.path}",
                    port=self._port,
                    bootstrap_address=self._address,
                    client=self._connection,
                    http_version=dns.query.HTTPVersion.H3,
                )
            else:
                answer = await dns.asyncquery.quic(message, self._address, port=self._port, connection=self._connection)
        except dns.query.BadResponse as error:
            raise TransportError("the answer is to another question", "malformed") from error
        except UnexpectedEOF as error:
            self._lost = True
            raise TransportError(f"QUIC connection closed: {self._reason()}") from error
        except (dns.exception.FormError, ValueError) as error:
            raise TransportError(f"what came back is no DNS message: {str(error)[:200]}", "malformed") from error
        except (dns.exception.DNSException, OSError) as error:
            self._lost = True
            raise TransportError(explain(error, self._name)) from error
        assert answer.wire is not None
        return wire[:2] + answer.wire[2:]

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

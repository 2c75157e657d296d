"""The client's certificate in an ASGI scope: uvicorn itself does not put it there."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

_KEY = "kafka_bridge.certificate"


class PeerProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 with what TLS has proved of the client in each request's scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Note whose connection it is; the handshake is over."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert() if tls is not None else None
        app = self.app

        async def with_certificate(scope: Any, receive: Any, send: Any) -> None:
            scope[_KEY] = certificate
            await app(scope, receive, send)

        self.app = with_certificate


def names_of(scope: Mapping[str, Any]) -> list[str]:
    """Common name and subject alternative names of the certificate that TLS has verified and that is valid still."""
    certificate = scope.get(_KEY)
    if not certificate or ssl.cert_time_to_seconds(certificate["notAfter"]) < time.time():
        return []
    subject = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return subject + [value for _kind, value in certificate.get("subjectAltName", ())]

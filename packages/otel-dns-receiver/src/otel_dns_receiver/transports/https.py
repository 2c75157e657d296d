"""DNS over HTTPS (RFC 8484), over HTTP/2; over HTTP/3 see `quic`. Needs the extra ``doh``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from otel_dns_receiver.errors import ReceiverError, TransportError

from .tls import Tls, context, explain

if TYPE_CHECKING:
    import httpx2

_MOST = 65535
_TYPE = "application/dns-message"


class Https:
    """A client for one server. The connection is kept and shared by all questions."""

    def __init__(self, address: str, port: int, tls: Tls) -> None:
        try:
            import httpx2  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise ReceiverError("DNS over HTTPS needs pip install 'otel-dns-receiver[doh]'") from error
        self._errors = httpx2.HTTPError
        self._name = tls.name or address
        host = f"[{address}]" if ":" in address else address
        self._url = f"https://{host}:{port}{tls.path}"
        # The proxy variables of the environment would hide which server it is that answers.
        self._client: httpx2.AsyncClient = httpx2.AsyncClient(
            http1=False, http2=True, verify=context(tls, "h2"), trust_env=False, timeout=None, follow_redirects=False
        )

    @property
    def usable(self) -> bool:
        """The client connects again by itself."""
        return not self._client.is_closed

    async def ask(self, wire: bytes) -> bytes:
        """Send a query, with id 0 so that caches on the way can serve it (RFC 8484 §4.1).

        Raises:
            TransportError: no connection, a certificate that is not accepted, or a response that is no DNS message.
        """
        started = time.monotonic()
        request = self._client.build_request(
            "POST",
            self._url,
            headers={"host": self._name, "accept": _TYPE, "content-type": _TYPE},
            content=b"\0\0" + wire[2:],
            extensions={"sni_hostname": self._name},
        )
        try:
            response = await self._client.send(request, stream=True)
            try:
                if response.status_code != 200:
                    raise TransportError(f"HTTP status {response.status_code}", "malformed", time.monotonic() - started)
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                if kind != _TYPE:
                    raise TransportError(
                        f"HTTP 200 with {kind[:80] or 'no content type'} in place of {_TYPE}",
                        "malformed",
                        time.monotonic() - started,
                    )
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST:
                        raise TransportError("more octets than a DNS message has", "malformed")
            finally:
                await response.aclose()
        except self._errors as error:
            raise TransportError(explain(error, self._name)) from error
        return wire[:2] + bytes(body[2:])

    async def close(self) -> None:
        """Close the connection."""
        await self._client.aclose()

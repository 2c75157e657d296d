"""HTTP to receivers: by addresses known ahead, bounded in time and size, and with nothing secret in errors."""

from __future__ import annotations

import datetime as dt
import logging
import math
import ssl
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from .notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .addresses import Addresses
    from .notifier import Cause

# It writes whole URLs, and some are secrets.
logging.getLogger("httpx2").setLevel(logging.WARNING)

_SECONDS = 10.0
_CONNECT_SECONDS = 5.0
_ALL_SECONDS = 30.0
_MOST = 64 << 10
_LONGEST_WAIT = 3600.0
# Pages are seldom: a connection that was kept would be a dead one.
_LIMITS = httpx2.Limits(max_keepalive_connections=0)


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    wait: float | None
    """``Retry-After`` in seconds."""

    def taken(self, shown: str) -> str:
        """The answer in words where it is 2xx.

        Raises:
            DeliveryError: it is another.
        """
        said = f"{shown} answered {self.status}"
        if 200 <= self.status < 300:
            return said
        cause: Cause = "page"
        if self.status in {408, 425, 429} or self.status >= 500:
            cause = "away"
        elif self.status < 400 or self.status in {401, 402, 403, 404, 405, 407, 410}:
            cause = "refused"
        raise DeliveryError(said, cause, self.wait)


class Http:
    """Sends requests.

    Args:
        addresses: of the hosts.
        ca: PEM file of the authorities to trust; the system's without.
    """

    def __init__(self, addresses: Addresses, ca: str | None = None) -> None:
        self._addresses = addresses
        self._ca = ca
        self._client: httpx2.Client | None = None

    def send(self, method: str, url: str, *, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """One request; redirects are not followed.

        Raises:
            DeliveryError: no answer.
        """
        until = time.monotonic() + _ALL_SECONDS
        try:
            client = self._opened(url)
            with client.stream(method, url, content=content, headers=dict(headers or {})) as response:
                body = b""
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _MOST or time.monotonic() > until:
                        break
                return Answer(response.status_code, body[:_MOST], _wait(response.headers.get("retry-after")))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, ssl.SSLError, OSError) as error:
            msg = f"{shown(url)}: {type(error).__name__}"
            raise DeliveryError(msg) from error

    def _opened(self, url: str) -> httpx2.Client:
        if self._client is None:
            timeout = httpx2.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
            parts = urlsplit(url)
            if parts.scheme in getproxies() and not proxy_bypass(parts.hostname or ""):
                self._client = httpx2.Client(timeout=timeout, limits=_LIMITS)  # the proxy resolves
            else:
                context = ssl.create_default_context(cafile=self._ca)
                self._client = httpx2.Client(timeout=timeout, transport=_Pinned(self._addresses, context))
        return self._client


class _Pinned(httpx2.BaseTransport):
    """Connects to known addresses; TLS and ``Host`` are those of the name."""

    def __init__(self, addresses: Addresses, context: ssl.SSLContext) -> None:
        self._addresses = addresses
        self._inner = httpx2.HTTPTransport(verify=context, limits=_LIMITS)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        failed: httpx2.HTTPError | None = None
        for address in self._addresses.of(host):
            pinned = httpx2.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
            try:
                return self._inner.handle_request(pinned)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    def close(self) -> None:
        self._inner.close()


def shown(url: str) -> str:
    """A URL for people: its path and its query may hold secrets."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}"


def _wait(text: str | None) -> float | None:
    if not text:
        return None
    try:
        wait = float(text) if text.strip().isdigit() else _until(text)
    except (ValueError, OverflowError):
        return None
    return min(max(wait, 0.0), _LONGEST_WAIT) if math.isfinite(wait) else None


def _until(text: str) -> float:
    time_ = parsedate_to_datetime(text)
    return (time_ - dt.datetime.now(time_.tzinfo)).total_seconds()

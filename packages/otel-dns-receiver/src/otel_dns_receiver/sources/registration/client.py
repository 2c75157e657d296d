"""Asks RDAP servers: bounded in size, time, redirects and pace, and with what is known already."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, NamedTuple, Self
from urllib.parse import urljoin, urlsplit

import httpx2

from .pace import Pace, retry_after
from .reading import ReadingError

if TYPE_CHECKING:
    from types import TracebackType

_MOST = 1 << 20
_MOST_REDIRECTS = 3
#: A server that says 429 and not for how long.
_PATIENCE = 3600.0


class Fetched(NamedTuple):
    """One answer."""

    url: str
    body: bytes
    etag: str | None


class NotFoundError(ReadingError):
    """The server knows nothing of it."""


class Client:
    """One client for all servers. Use it in a ``with``.

    Args:
        timeout: seconds for one answer.
        distance: seconds between questions to one server.
    """

    def __init__(self, timeout: float, distance: float) -> None:
        self._timeout = timeout
        self._pace = Pace(distance)
        self._known: dict[str, Fetched] = {}
        self._client = httpx2.AsyncClient(
            timeout=timeout,
            follow_redirects=False,
            headers={"accept": "application/rdap+json, application/json", "user-agent": "otel-dns-receiver"},
        )

    async def get(self, url: str, known: Fetched | None = None) -> Fetched:
        """Fetch, or learn that what is known still holds.

        Args:
            url: of the object.
            known: a copy from before this process, for conditional questions.

        Raises:
            NotFoundError: 404.
            ReadingError: anything else that is no answer.
        """
        first = url
        known = self._known.get(url) or known
        for _ in range(_MOST_REDIRECTS + 1):
            host = urlsplit(url).netloc
            await self._turn(host)
            status, headers, body = await self._one(url, known)
            if status == 304 and known is not None:
                return known
            if status in {301, 302, 303, 307, 308}:
                target = urljoin(url, headers.get("location", ""))
                if urlsplit(target).scheme not in {"https", urlsplit(url).scheme}:
                    raise ReadingError(f"{host} redirects from HTTPS to something else")
                url = target
                continue
            return self._answer(first, host, status, headers, body)
        raise ReadingError(f"{urlsplit(first).netloc} redirects more than {_MOST_REDIRECTS} times")

    def _answer(self, url: str, host: str, status: int, headers: httpx2.Headers, body: bytes) -> Fetched:
        if status == 404:
            raise NotFoundError("not found")
        if status in {429, 503}:
            wait = retry_after(headers.get("retry-after"), dt.datetime.now(dt.UTC))
            self._pace.told(host, _PATIENCE if wait is None else wait, time.monotonic())
            raise ReadingError(
                f"{host} says HTTP {status}: asked too often; it is left alone for {wait or _PATIENCE:.0f} s"
            )
        if status != 200:
            raise ReadingError(f"{host} says HTTP {status}")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in {"application/rdap+json", "application/json"}:
            raise ReadingError(f"{host} answers with {kind[:60] or 'no content type'}, not JSON")
        if len(self._known) > 10_000:
            self._known.clear()
        found = self._known[url] = Fetched(url, body, headers.get("etag"))
        return found

    async def _turn(self, host: str) -> None:
        wait = self._pace.wait(host, time.monotonic())
        if wait > 600:
            raise ReadingError(f"{host} asked to be left alone for another {wait:.0f} s")
        self._pace.asked(host, time.monotonic() + wait)
        await asyncio.sleep(wait)

    async def _one(self, url: str, known: Fetched | None) -> tuple[int, httpx2.Headers, bytes]:
        headers = {"if-none-match": known.etag} if known is not None and known.etag is not None else {}
        try:
            async with (
                asyncio.timeout(2 * self._timeout),
                self._client.stream("GET", url, headers=headers) as response,
            ):
                body = bytearray()
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST:
                        raise ReadingError(f"{urlsplit(url).netloc} answers more than {_MOST} octets")
                return response.status_code, response.headers, bytes(body)
        except TimeoutError:
            raise ReadingError(f"{urlsplit(url).netloc} did not finish within {2 * self._timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise ReadingError(f"{urlsplit(url).netloc}: {type(error).__name__} {str(error)[:150]}".rstrip()) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

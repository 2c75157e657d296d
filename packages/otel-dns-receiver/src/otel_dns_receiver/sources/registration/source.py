"""Watches registrations."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import random
import time
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec
from dns_events import DnsEventsError, Registration, durations, new_id, normalize
from msgspec import Struct

from . import rdap, whois
from .client import Client, Fetched
from .reading import Reading, ReadingError

if TYPE_CHECKING:
    from pathlib import Path

    from otel_dns_receiver.sources.contract import Context

_BOOTSTRAP = "https://data.iana.org/rdap/dns.json"
_BOOTSTRAP_AGE = 86_400.0
_AGAIN = 900.0
_WHOIS_ROOT = "whois.iana.org"


class _Cached(Struct):
    """The bootstrap file on disk."""

    etag: str | None
    body: bytes


class Registrations(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """RDAP of registry and registrar, and WHOIS where a TLD has no RDAP."""

    domains: tuple[str, ...] = ()
    """Registered domains; the watched zones, where left out."""
    interval: str | float = "6h"
    timeout: str | float = "15s"
    distance: str | float = "2s"
    """Between questions to one server, at least."""
    bootstrap: str = _BOOTSTRAP
    """IANA's list of RDAP servers (RFC 9224)."""
    cache: str | None = None
    """Folder in which that list is kept."""
    servers: dict[str, str] = {}
    """RDAP server by TLD, in place of the list's."""
    whois: bool = True
    """Whether to ask WHOIS where no RDAP server is known."""
    whois_servers: dict[str, str] = {}
    """``host`` or ``host:port`` by TLD, in place of IANA's."""

    def __post_init__(self) -> None:
        for name in ("interval", "timeout", "distance"):
            durations.seconds(getattr(self, name))
        for url in (self.bootstrap, *self.servers.values()):
            if urlsplit(url).scheme not in {"https", "http"}:
                raise ValueError(f"{url!r} is no URL; write for instance https://rdap.example/")
        for domain in self.domains:
            try:
                normalize(domain)
            except DnsEventsError as error:
                raise ValueError(str(error)) from error

    async def run(self, context: Context) -> None:
        """Read each domain again and again until cancelled."""
        domains = tuple(dict.fromkeys(normalize(domain) for domain in self.domains or context.zones.names))
        async with Client(durations.seconds(self.timeout), durations.seconds(self.distance)) as client:
            watch = Watch(self, context, client)
            async with asyncio.TaskGroup() as group:
                for domain in domains:
                    group.create_task(self._keep(watch, domain))

    async def _keep(self, watch: Watch, domain: str) -> None:
        interval = durations.seconds(self.interval)
        await asyncio.sleep(random.uniform(0, min(5.0, interval / 10)))
        while True:
            read = await watch.look(domain)
            await asyncio.sleep((interval if read else min(interval, _AGAIN)) * random.uniform(0.9, 1.1))


class Watch:
    """Reads one domain at a time; whatever comes of it is one event."""

    def __init__(self, config: Registrations, context: Context, client: Client) -> None:
        self._config = config
        self._context = context
        self._client = client
        self._bases: dict[str, str] = {}
        self._bases_until = float("-inf")
        self._bootstrap_lock = asyncio.Lock()
        self._said: dict[str, str] = {}

    async def look(self, domain: str) -> bool:
        """Read a domain and emit the event; whether it could be read."""
        via: Literal["rdap", "whois"] | None = None
        try:
            base = await self._base(domain)
            via = "rdap" if base is not None else "whois"
            reading = await self._rdap(base, domain) if base is not None else await self._whois(domain)
        except (ReadingError, OSError) as error:
            # Nothing of a failed reading counts: whoever compares must not take it for a change.
            self._context.count("failed", 1)
            self._say(domain, str(error))
            self._emit(domain, via, Reading(), str(error)[:300] or type(error).__name__)
            return False
        self._context.count("read", 1)
        self._say(domain, None)
        self._emit(domain, via, reading, None)
        return True

    def _emit(self, domain: str, via: Literal["rdap", "whois"] | None, reading: Reading, error: str | None) -> None:
        self._context.emit(
            Registration(
                id=new_id(),
                time=dt.datetime.now(dt.UTC),
                probe=self._context.probe(),
                zone=domain,
                via=via,
                error=error,
                **reading._asdict(),
            )
        )

    async def _rdap(self, base: str, domain: str) -> Reading:
        fetched = await self._client.get(f"{base}domain/{domain}")
        answer = rdap.parse(fetched.body)
        reading = rdap.read(answer, domain)
        more = rdap.related(answer, fetched.url)
        if more is None:
            return reading
        try:
            registrar = rdap.read(rdap.parse((await self._client.get(more)).body), domain)
        except ReadingError as error:
            self._context.count("registrar_view_failed", 1)
            self._context.log.info("%s: the registrar's view cannot be read: %s", domain, error)
            return reading
        # The registry decides; the registrar only knows more.
        return reading.completed(registrar)

    async def _whois(self, domain: str) -> Reading:
        if not self._config.whois:
            raise ReadingError("no RDAP server is known for this TLD, and `whois` is off")
        timeout = durations.seconds(self._config.timeout)
        tld = domain.rpartition(".")[2]
        server = self._config.whois_servers.get(tld)
        if server is None:
            server = whois.referral(await whois.ask(_WHOIS_ROOT, 43, tld, timeout))
            if server is None:
                raise ReadingError("IANA knows neither an RDAP nor a WHOIS server for this TLD")
        host, _, port = server.partition(":")
        return whois.read(await whois.ask(host, int(port or 43), domain, timeout), domain)

    async def _base(self, domain: str) -> str | None:
        """The RDAP server for a domain: the longest suffix that is listed (RFC 9224 §4)."""
        labels = domain.split(".")
        suffixes = [".".join(labels[n:]) for n in range(1, len(labels))]
        for suffix in suffixes:
            if suffix in self._config.servers:
                return self._config.servers[suffix].rstrip("/") + "/"
        if len(labels) < 2:
            raise ReadingError("a TLD has no registration of this kind")
        if suffixes[-1] in self._config.whois_servers:
            return None
        async with self._bootstrap_lock:
            if time.monotonic() > self._bases_until:
                await self._learn()
        return next((self._bases[suffix] for suffix in suffixes if suffix in self._bases), None)

    async def _learn(self) -> None:
        """Bring IANA's list up to date; an old copy serves while that fails."""
        file = None if self._config.cache is None else self._context.base / self._config.cache / "rdap-dns.json"
        cached = None if file is None else _load(file)
        known = None if cached is None else Fetched(self._config.bootstrap, cached.body, cached.etag)
        try:
            fetched = await self._client.get(self._config.bootstrap, known)
            self._bases = rdap.bases(rdap.parse(fetched.body))
            self._bases_until = time.monotonic() + _BOOTSTRAP_AGE
            if file is not None:
                _save(file, _Cached(fetched.etag, fetched.body))
        except ReadingError as error:
            self._context.count("bootstrap_failed", 1)
            if not self._bases and known is None:
                raise ReadingError(f"the list of RDAP servers cannot be had: {error}") from error
            if not self._bases and known is not None:
                self._bases = rdap.bases(rdap.parse(known.body))
            self._bases_until = time.monotonic() + _AGAIN
            self._context.log.warning("the list of RDAP servers cannot be brought up to date: %s", error)

    def _say(self, domain: str, text: str | None) -> None:
        """Log a trouble once, until it changes."""
        if text is not None and self._said.get(domain) != text:
            self._context.log.warning("registration of %s: %s", domain, text)
        self._said[domain] = text or ""


def _load(file: Path) -> _Cached | None:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_Cached)
    except (OSError, msgspec.DecodeError):
        return None


def _save(file: Path, cached: _Cached) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(msgspec.json.encode(cached))
        fresh.replace(file)
    except OSError:
        # The list is fetched again next time; nothing else depends on the copy.
        return

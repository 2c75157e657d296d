"""Reads query logs."""

from __future__ import annotations

import datetime as dt
import ipaddress
import time
from typing import TYPE_CHECKING, Annotated, Literal

from dns_events import Observation, Role, Server, new_id
from msgspec import Meta, Struct

from otel_dns_receiver.sources.traffic import Minutes

from .follow import File, Journal
from .formats import Dnsmasq, Line, Pattern, bind, coredns, unbound

if TYPE_CHECKING:
    from otel_dns_receiver.sources.contract import Context

    from .formats import Parser

_FAILED = frozenset({"servfail", "refused", "error"})
_CLOSE_EVERY = 1.0
#: One line in so many seconds that could not be read is shown.
_SHOW_EVERY = 300.0
_ROLES: dict[str, Role] = {"bind": "authoritative"}


class QueryLog(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server's query log, from a file or the journal. Exactly one of `file` and `journal` is needed."""

    format: Literal["bind", "unbound", "dnsmasq", "coredns", "pattern"]
    server: str
    """Address of the server whose log it is."""
    role: Role | None = None
    """``authoritative`` for BIND and ``recursive`` for the others, where left out."""
    file: str | None = None
    journal: str | None = None
    """A systemd unit."""
    state: str | None = None
    """File in which the place in `file` is kept across restarts."""
    pattern: str | None = None
    """For ``format: pattern``: a regular expression with the named group ``name``."""
    count: Literal["replies", "queries"] | None = None
    """Which lines count as lookups, in logs that have both; queries for BIND, replies for the others."""
    failures: Annotated[float, Meta(ge=0, le=10_000)] = 10.0
    """Observations of failures a second, at most."""
    all_zones: bool = False

    def __post_init__(self) -> None:
        if (self.file is None) == (self.journal is None):
            raise ValueError("write `file: /path` or `journal: unit.service`, one of them")
        if (self.pattern is None) == (self.format == "pattern"):
            raise ValueError("`pattern` belongs to `format: pattern`, which needs one")
        if self.pattern is not None:
            Pattern(self.pattern)
        try:
            ipaddress.ip_address(self.server)
        except ValueError as error:
            raise ValueError(f"server {self.server!r} is no address; write for instance 192.0.2.53") from error

    async def run(self, context: Context) -> None:
        """Read until cancelled."""
        reading = Reading(self, context)
        follower: File | Journal
        if self.file is not None:
            state = None if self.state is None else context.base / self.state
            follower = File(context.base / self.file, state)
        else:
            assert self.journal is not None
            follower = Journal(self.journal)
        try:
            closed = time.monotonic()
            async for lines in follower.lines():
                now = time.time()
                for text in lines:
                    reading.take(text, now)
                if follower.too_long:
                    context.count("too_long", follower.too_long)
                    follower.too_long = 0
                if time.monotonic() - closed > _CLOSE_EVERY:
                    closed = time.monotonic()
                    reading.close(now)
        finally:
            follower.close()
            reading.close(float("inf"))


class Reading:
    """Lines into counts and events. received = counted + passed_over + unparsable."""

    def __init__(self, config: QueryLog, context: Context) -> None:
        self._context = context
        self._parse = _parser(config)
        role = config.role or _ROLES.get(config.format, "recursive")
        self._server = Server(address=config.server, role=role)
        counted = config.count or ("queries" if config.format == "bind" else "replies")
        self._kind = "query" if counted == "queries" else "reply"
        self._minutes = Minutes(context.zones, everything=config.all_zones, count=context.count)
        self._failures = config.failures
        self._allowance = config.failures
        self._filled = 0.0
        self._shown = float("-inf")

    def take(self, text: str, now: float) -> None:
        """Take one line.

        Args:
            text: the line.
            now: when it was read, seconds since 1970.
        """
        self._context.count("received", 1)
        found = self._parse(text)
        if found is None:
            self._context.count("unparsable", 1)
            self._show(text, now)
            return
        when = found.time if found.time is not None and abs(found.time - now) < 86_400 * 30 else now
        if found.kind == self._kind:
            self._context.count("counted", 1)
            self._minutes.add(
                when, found.name, self._server, found.outcome, found.client.encode() if found.client else None
            )
        else:
            self._context.count("passed_over", 1)
        if found.outcome in _FAILED and self._allowed(now):
            self._observe(found, when)

    def close(self, now: float) -> None:
        """Give out the minutes that are over."""
        for event in self._minutes.close(now, self._context.probe()):
            self._context.emit(event)

    def _observe(self, found: Line, when: float) -> None:
        zone = self._minutes.zone_of(found.name)
        if zone is None or found.outcome is None:
            return
        self._context.emit(
            Observation(
                id=new_id(),
                time=dt.datetime.fromtimestamp(when, dt.UTC),
                probe=self._context.probe(),
                zone=zone,
                source="authoritative_log" if self._server.role == "authoritative" else "resolver_log",
                name=found.name,
                qtype=found.qtype,
                server=self._server,
                transport="udp",
                outcome=found.outcome,
                rcode=found.rcode,
                latency=found.duration,
            )
        )

    def _allowed(self, now: float) -> bool:
        self._allowance = min(self._failures, self._allowance + max(0.0, now - self._filled) * self._failures)
        self._filled = now
        if self._allowance < 1:
            self._context.count("failures_not_sampled", 1)
            return False
        self._allowance -= 1
        return True

    def _show(self, text: str, now: float) -> None:
        """A sample of what cannot be read, without what may be a client's address."""
        if now - self._shown > _SHOW_EVERY:
            self._shown = now
            words = ["<address>" if _address(word) else word for word in text[:300].split()]
            self._context.log.info("a line that is no query (one is shown now and then): %s", " ".join(words))


def _parser(config: QueryLog) -> Parser:
    if config.pattern is not None:
        return Pattern(config.pattern)
    parsers: dict[str, Parser] = {"bind": bind, "unbound": unbound, "coredns": coredns}
    return Dnsmasq() if config.format == "dnsmasq" else parsers[config.format]


def _address(word: str) -> bool:
    text = word.strip("[](),;'\"").partition("#")[0].partition("/")[0]
    for candidate in (text, text.rpartition(":")[0].strip("[]")):
        try:
            ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return True
    return False

"""Listens for error reports."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Annotated

from dns_events import DnsEventsError, Ede, Observation, Server, Transport, durations, new_id
from dns_events.names import parse
from msgspec import Meta, Struct

from otel_dns_receiver.sources.listening import endpoint, listen

from .limits import Limits
from .report import Agent

if TYPE_CHECKING:
    from otel_dns_receiver.sources.contract import Context

    from .report import Report


class ErrorReports(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reporting agent for zones whose servers announce it (EDNS Report-Channel)."""

    agent: str
    """The agent domain; it must be delegated to this address."""
    nameserver: str
    """The name that it is delegated to."""
    listen: str
    """``address:port``, for UDP and TCP."""
    require_tcp: bool = True
    """Ask again over TCP what comes over UDP without a cookie, so that the reporter's address is true."""
    each: Annotated[float, Meta(gt=0)] = 5.0
    """Reports a second from one address."""
    total: Annotated[float, Meta(gt=0)] = 100.0
    """Reports a second in all."""
    again: str | float = "60s"
    """Within which the same report of the same reporter counts once."""

    def __post_init__(self) -> None:
        durations.seconds(self.again)
        endpoint(self.listen)
        for name in (self.agent, self.nameserver):
            try:
                parse(name)
            except DnsEventsError as error:
                raise ValueError(str(error)) from error

    async def run(self, context: Context) -> None:
        """Answer until cancelled."""
        agent = Agent(parse(self.agent), parse(self.nameserver), require_tcp=self.require_tcp)
        desk = _Desk(agent, Limits(self.each, self.total, durations.seconds(self.again)), context)
        await listen(
            self.listen,
            desk.query,
            context,
            ready=lambda port: context.log.info("reporting agent for %s at port %d", self.agent, port),
        )


class _Desk:
    """Every query: received = the sum of its verdicts; report = taken + repeated + over_limit + other_zone."""

    def __init__(self, agent: Agent, limits: Limits, context: Context) -> None:
        self._agent = agent
        self._limits = limits
        self._context = context

    def query(self, wire: bytes, address: tuple[str, int], transport: Transport, /) -> bytes | None:
        """Take one query; the answer."""
        self._context.count("received", 1)
        answered = self._agent.answer(wire, tcp=transport == "tcp")
        self._context.count(answered.verdict, 1)
        if answered.report is not None:
            self._take(answered.report, address, transport)
        return answered.reply

    def _take(self, report: Report, address: tuple[str, int], transport: Transport) -> None:
        zone = self._context.zones.of(report.name)
        if zone is None:
            self._context.count("other_zone", 1)
            return
        verdict = self._limits.take(address[0], report, time.monotonic())
        self._context.count(verdict, 1)
        if verdict != "taken":
            return
        # Nobody vouches for it: the source says so, and what is reported is a resolver's failure, no more.
        self._context.emit(
            Observation(
                id=new_id(),
                time=dt.datetime.now(dt.UTC),
                probe=self._context.probe(),
                zone=zone,
                source="error_report",
                name=report.name,
                qtype=report.qtype,
                server=Server(address=address[0], port=address[1], role="recursive"),
                transport=transport,
                outcome="servfail",
                ede=(Ede(code=report.ede),),
            )
        )

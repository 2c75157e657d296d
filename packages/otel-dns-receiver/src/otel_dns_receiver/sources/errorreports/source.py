"""Listens for error reports."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from typing import TYPE_CHECKING, Annotated, cast

from dns_events import DnsEventsError, Ede, Observation, Server, Transport, durations, new_id
from dns_events.names import parse
from msgspec import Meta, Struct

from .limits import Limits
from .report import Agent

if TYPE_CHECKING:
    from otel_dns_receiver.sources.contract import Context

    from .report import Report

_MOST_CONNECTIONS = 100
_CONNECTION_SECONDS = 5.0


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
        _endpoint(self.listen)
        for name in (self.agent, self.nameserver):
            try:
                parse(name)
            except DnsEventsError as error:
                raise ValueError(str(error)) from error

    async def run(self, context: Context) -> None:
        """Answer until cancelled."""
        agent = Agent(parse(self.agent), parse(self.nameserver), require_tcp=self.require_tcp)
        desk = _Desk(agent, Limits(self.each, self.total, durations.seconds(self.again)), context)
        host, port = _endpoint(self.listen)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(desk), local_addr=(host, port))
        server = await asyncio.start_server(desk.stream, host, transport.get_extra_info("sockname")[1])
        context.log.info("reporting agent for %s at %s:%d", self.agent, *transport.get_extra_info("sockname")[:2])
        try:
            await asyncio.Event().wait()
        finally:
            transport.close()
            server.close()


def _endpoint(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"listen {text!r}; write for instance 192.0.2.9:53")
    return host.strip("[]"), int(port)


class _Desk:
    """Every query: received = the sum of its verdicts; report = taken + repeated + over_limit + other_zone."""

    def __init__(self, agent: Agent, limits: Limits, context: Context) -> None:
        self._agent = agent
        self._limits = limits
        self._context = context
        self._connections = 0

    def query(self, wire: bytes, address: tuple[str, int], transport: Transport) -> bytes | None:
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

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queries over one TCP connection, for a short while."""
        if self._connections >= _MOST_CONNECTIONS:
            self._context.count("refused_connections", 1)
            writer.transport.abort()
            return
        self._connections += 1
        peer = writer.get_extra_info("peername")
        try:
            async with asyncio.timeout(_CONNECTION_SECONDS):
                while True:
                    length = int.from_bytes(await reader.readexactly(2), "big")
                    reply = self.query(await reader.readexactly(length), (peer[0], peer[1]), "tcp")
                    if reply is None:
                        break
                    writer.write(len(reply).to_bytes(2, "big") + reply)
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            # The other side is done, slow, or gone: what it reported until then counts.
            pass
        finally:
            self._connections -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, desk: _Desk) -> None:
        self._desk = desk

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._desk.query(data, (addr[0], addr[1]), "udp")
        if reply is not None:
            self._transport.sendto(reply, addr)

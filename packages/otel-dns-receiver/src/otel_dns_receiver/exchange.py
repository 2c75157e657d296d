"""One DNS message out, one back: UDP, and TCP when the answer does not fit. Nothing here understands DNS answers.

Every server is untrusted: a datagram counts only when it comes from the address and port that was asked
(the socket is connected) and carries the id and the question of the query (RFC 5452 §4).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import time
from typing import Literal, NamedTuple

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

#: Fits every path that is not broken (DNS flag day 2020).
PAYLOAD = 1232
_TCP_MOST = 65535
_UNREACHABLE = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNRESET, errno.EADDRNOTAVAIL}
_random = random.SystemRandom()


class Target(NamedTuple):
    """A server's address."""

    address: str
    port: int = 53


class Reply(NamedTuple):
    """What came back.

    `message` is set when it could be read; `wire` whenever bytes came back that claim to be the answer.
    """

    status: Literal["answered", "timeout", "unreachable", "malformed"]
    transport: Literal["udp", "tcp"]
    message: dns.message.Message | None = None
    wire: bytes | None = None
    latency: float | None = None
    """Seconds between question and answer of the last exchange."""


def query(name: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, recursive: bool) -> dns.message.QueryMessage:
    """A query with DO and a request for the name server's identifier (RFC 5001)."""
    message = dns.message.make_query(
        name,
        rdtype,
        use_edns=0,
        want_dnssec=True,
        payload=PAYLOAD,
        options=[dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")],
        id=_random.randrange(65536),
    )
    if not recursive:
        message.flags &= ~dns.flags.RD
    return message


async def exchange(
    message: dns.message.QueryMessage, target: Target, timeout: float, transport: Literal["udp", "tcp"] = "udp"
) -> Reply:
    """Ask one server. The whole exchange, a second try over TCP included, takes at most `timeout` seconds."""
    deadline = time.monotonic() + timeout
    if transport == "udp":
        reply = await _bounded(_udp(message, target), deadline, "udp")
        truncated = reply.message is not None and reply.message.flags & dns.flags.TC
        if not truncated:
            return reply
    return await _bounded(_tcp(message, target), deadline, "tcp")


async def _bounded(work: object, deadline: float, transport: Literal["udp", "tcp"]) -> Reply:
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await work  # type: ignore[misc, no-any-return]
    except TimeoutError:
        return Reply("timeout", transport)
    except (asyncio.IncompleteReadError, ConnectionError):
        return Reply("unreachable", transport)
    except OSError as error:
        if error.errno in _UNREACHABLE:
            return Reply("unreachable", transport)
        raise


async def _udp(message: dns.message.QueryMessage, target: Target) -> Reply:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        # Connected: other senders' datagrams never arrive, ICMP errors do, and each query has a new port.
        sock.connect((target.address, target.port))
        started = time.monotonic()
        await loop.sock_sendall(sock, message.to_wire())
        while True:
            wire = await loop.sock_recv(sock, _TCP_MOST)
            reply = _read(message, wire, "udp", time.monotonic() - started)
            if reply is not None:
                return reply


async def _tcp(message: dns.message.QueryMessage, target: Target) -> Reply:
    reader, writer = await asyncio.open_connection(target.address, target.port, limit=_TCP_MOST + 2)
    try:
        wire = message.to_wire()
        started = time.monotonic()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        length = int.from_bytes(await reader.readexactly(2), "big")
        answer = await reader.readexactly(length)
        reply = _read(message, answer, "tcp", time.monotonic() - started)
        return reply or Reply("malformed", "tcp", wire=answer, latency=time.monotonic() - started)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _read(
    asked: dns.message.QueryMessage, wire: bytes, transport: Literal["udp", "tcp"], latency: float
) -> Reply | None:
    """The reply in these bytes; ``None`` when they answer something else."""
    if len(wire) < 2 or int.from_bytes(wire[:2], "big") != asked.id:
        return None
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError, IndexError):
        return Reply("malformed", transport, wire=wire, latency=latency)
    if not message.flags & dns.flags.QR:
        return None
    # An error may come without the question (RFC 1035 §4.1.1 allows it to FORMERR); an answer may not.
    if message.question and message.question[0] != asked.question[0]:
        return None
    # Nothing but class IN was asked for, and signatures are checked as of class IN.
    if any(rrset.rdclass != dns.rdataclass.IN for rrset in (*message.answer, *message.authority)):
        return Reply("malformed", transport, wire=wire, latency=latency)
    return Reply("answered", transport, message, wire, latency)

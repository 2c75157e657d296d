"""One DNS message out, one back, over any transport. Nothing here understands DNS answers.

Every server is untrusted: an answer counts only when it carries the id and the question of the query
(RFC 5452 §4) and comes over the connection, or from the address and port, that was asked.
"""

from __future__ import annotations

import asyncio
import errno
import random
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

from .errors import TransportError
from .transports import udp
from .transports.pool import Pool
from .transports.tls import explain

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from dns_events import Transport

    from .question import Target

#: Fits every path that is not broken (DNS flag day 2020).
PAYLOAD = 1232
#: Option code of RFC 9660.
ZONEVERSION = dns.edns.OptionType.make(19)
_UNREACHABLE = {
    errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ECONNRESET, errno.EADDRNOTAVAIL, errno.EPIPE,
}  # fmt: skip
_random = random.SystemRandom()


class Reply(NamedTuple):
    """What came back.

    `message` is set when it could be read; `wire` whenever bytes came back that claim to be the answer.
    """

    status: Literal["answered", "timeout", "unreachable", "malformed"]
    transport: Transport
    message: dns.message.Message | None = None
    wire: bytes | None = None
    latency: float | None = None
    """Seconds between question and answer of the last exchange."""
    detail: str | None = None
    """Why there is no answer, in words."""


def query(
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType,
    *,
    recursive: bool,
    payload: int = PAYLOAD,
    dnssec: bool = True,
) -> dns.message.QueryMessage:
    """A query with DO and a request for the name server's identifier (RFC 5001).

    To an authoritative server it asks for the zone's version as well (RFC 9660).
    """
    options = [dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")]
    if not recursive:
        options.append(dns.edns.GenericOption(ZONEVERSION, b""))
    message = dns.message.make_query(
        name,
        rdtype,
        use_edns=0,
        want_dnssec=dnssec,
        payload=payload,
        options=list(options),
        id=_random.randrange(65536),
    )
    if not recursive:
        message.flags &= ~dns.flags.RD
    return message


async def exchange(
    message: dns.message.QueryMessage,
    target: Target,
    timeout: float,
    transport: Transport = "udp",
    pool: Pool | None = None,
    *,
    retry_truncated: bool = True,
) -> Reply:
    """Ask one server. The whole exchange, a second try over TCP included, takes at most `timeout` seconds.

    Args:
        message: the query.
        target: whom.
        timeout: seconds.
        transport: over what.
        pool: connections to reuse; without it, one is made and closed.
        retry_truncated: whether a truncated answer over UDP is asked for again over TCP (RFC 7766 §5).
    """
    deadline = time.monotonic() + timeout
    if transport == "udp":
        reply = await _bounded(_udp(message, target), deadline, target, "udp")
        truncated = reply.message is not None and reply.message.flags & dns.flags.TC
        if not truncated or not retry_truncated:
            return reply
        transport = "tcp"
    if pool is not None:
        return await _bounded(_connected(message, target, transport, pool), deadline, target, transport)
    async with Pool() as own:
        return await _bounded(_connected(message, target, transport, own), deadline, target, transport)


def reply_in(
    question: tuple[dns.name.Name, dns.rdatatype.RdataType],
    wire: bytes,
    transport: Transport,
    latency: float,
) -> Reply | None:
    """The reply in these bytes, whose id is right; ``None`` when they answer something else."""
    try:
        message = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError, IndexError):
        return Reply("malformed", transport, wire=wire, latency=latency)
    if not message.flags & dns.flags.QR:
        return None
    # An error may come without the question (RFC 1035 §4.1.1 allows it to FORMERR); an answer may not.
    if message.question and (message.question[0].name, message.question[0].rdtype) != question:
        return None
    # Nothing but class IN was asked for, and signatures are checked as of class IN.
    if any(rrset.rdclass != dns.rdataclass.IN for rrset in (*message.answer, *message.authority)):
        return Reply("malformed", transport, wire=wire, latency=latency)
    return Reply("answered", transport, message, wire, latency)


async def _bounded(work: Awaitable[Reply], deadline: float, target: Target, transport: Transport) -> Reply:
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await work
    except TimeoutError:
        return Reply("timeout", transport)
    except TransportError as error:
        return Reply(error.outcome, transport, detail=str(error), latency=error.latency)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        return Reply("unreachable", transport, detail=f"{type(error).__name__}: {error}")
    except OSError as error:
        if error.errno in _UNREACHABLE:
            return Reply("unreachable", transport, detail=error.strerror)
        if target.tls is not None or transport in {"dot", "doh", "doq"}:
            return Reply("unreachable", transport, detail=explain(error, _expected(target)))
        raise


async def _udp(message: dns.message.QueryMessage, target: Target) -> Reply:
    asked = (message.question[0].name, message.question[0].rdtype)
    own = message.id.to_bytes(2, "big")
    async with udp.connected(target.address, target.port) as sock:
        started = time.monotonic()
        await sock.send(message.to_wire())
        while True:
            wire = await sock.receive()
            if wire[:2] == own and (reply := reply_in(asked, wire, "udp", time.monotonic() - started)) is not None:
                return reply


async def _connected(message: dns.message.QueryMessage, target: Target, transport: Transport, pool: Pool) -> Reply:
    answered = await pool.ask(message.to_wire(), target, transport)
    asked = (message.question[0].name, message.question[0].rdtype)
    reply = reply_in(asked, answered.wire, transport, answered.latency)
    if reply is not None and reply.status == "malformed":
        return reply._replace(detail="what came back is no DNS message")
    return reply or Reply(
        "malformed", transport, wire=answered.wire, latency=answered.latency, detail="the answer is to another question"
    )


def _expected(target: Target) -> str:
    return (target.tls.name if target.tls is not None else None) or target.address

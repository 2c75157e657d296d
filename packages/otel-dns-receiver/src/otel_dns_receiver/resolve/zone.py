"""One zone as it is delegated now: its servers, its keys, and a `Delegation` event about both."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns_events import Delegation, Probe, from_dns, new_id
from dns_events.names import parse

from otel_dns_receiver import read
from otel_dns_receiver.errors import DiscoveryError
from otel_dns_receiver.exchange import Reply, Target, exchange, query

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_dns_receiver.dnssec.chain import Chain

    from .walk import Walker


class Server(NamedTuple):
    """One authoritative server address."""

    name: str
    target: Target


class ZoneView(NamedTuple):
    """What one discovery found."""

    servers: tuple[Server, ...]
    chain: Chain
    event: Delegation


async def look(
    zone: dns.name.Name, walker: Walker, probe: Probe, timeout: float, reachable: Callable[[str], bool]
) -> ZoneView:
    """Find a zone's delegation and ask each of its servers for NS, SOA and DNSKEY.

    Servers of the parent's and of the child's NS set are both taken, so that one that only one of them
    names is watched too.

    Raises:
        DiscoveryError: the delegation cannot be found.
    """
    cut = await walker.find(zone)
    servers = {(from_dns(name), target) for name, target in cut.addresses if reachable(target.address)}
    targets = sorted({target for _, target in servers})
    replies = await asyncio.gather(*(_ask(zone, rdtype, target, timeout) for target in targets for rdtype in _ASKED))
    by_type = {
        rdtype: dict(zip(targets, replies[index :: len(_ASKED)], strict=True)) for index, rdtype in enumerate(_ASKED)
    }
    child_ns = _names(by_type[dns.rdatatype.NS], zone)
    for name in child_ns or ():
        if name not in {n for n, _ in servers}:
            for target in await _find(walker, name):
                if reachable(target.address):
                    servers.add((name, target))
    event = Delegation(
        id=new_id(),
        time=dt.datetime.now(dt.UTC),
        probe=probe,
        zone=from_dns(zone),
        parent_ns=tuple(sorted(from_dns(name) for name in cut.ns)) if cut.from_parent else None,
        child_ns=child_ns,
        ds=cut.ds,
        dnskey=_keys(by_type[dns.rdatatype.DNSKEY], zone),
        serials={
            target.address: serial
            for target, reply in by_type[dns.rdatatype.SOA].items()
            if reply.message is not None
            and _with_authority(reply)
            and (serial := read.serial(reply.message)) is not None
        },
        lame=tuple(
            target.address
            for target, reply in by_type[dns.rdatatype.SOA].items()
            # Silence is no lameness; an answer without authority is.
            if reply.status == "answered" and not _with_authority(reply)
        ),
    )
    return ZoneView(tuple(Server(name, target) for name, target in sorted(servers)), cut.chain, event)


_ASKED = (dns.rdatatype.NS, dns.rdatatype.SOA, dns.rdatatype.DNSKEY)


async def _ask(zone: dns.name.Name, rdtype: dns.rdatatype.RdataType, target: Target, timeout: float) -> Reply:
    return await exchange(query(zone, rdtype, recursive=False), target, timeout)


async def _find(walker: Walker, name: str) -> list[Target]:
    try:
        return await walker.addresses(parse(name))
    except DiscoveryError:
        return []


def _with_authority(reply: Reply) -> bool:
    return (
        reply.message is not None
        and bool(reply.message.flags & dns.flags.AA)
        and reply.message.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
    )


def _names(replies: dict[Target, Reply], zone: dns.name.Name) -> tuple[str, ...] | None:
    """The child's NS set, all servers taken together; ``None`` where none gave it."""
    found = {
        from_dns(rdata.target)
        for reply in replies.values()
        if reply.message is not None and _with_authority(reply)
        for rrset in reply.message.answer
        if rrset.rdtype == dns.rdatatype.NS and rrset.name == zone
        for rdata in rrset
    }
    return tuple(sorted(found)) or None


def _keys(replies: dict[Target, Reply], zone: dns.name.Name) -> tuple[str, ...] | None:
    """``flags protocol algorithm tag`` of each key, all servers taken together; ``None`` where none answered."""
    answered = [reply.message for reply in replies.values() if reply.message is not None and _with_authority(reply)]
    if not answered:
        return None
    found = {
        f"{rdata.flags} {rdata.protocol} {int(rdata.algorithm)} {dns.dnssec.key_id(rdata)}"
        for message in answered
        for rrset in message.answer
        if rrset.rdtype == dns.rdatatype.DNSKEY and rrset.name == zone
        for rdata in rrset
    }
    return tuple(sorted(found))

"""How one authoritative server answers for one zone: its records, and its ways with EDNS and TCP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import dns.flags
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from otel_dns_receiver.exchange import exchange, query

if TYPE_CHECKING:
    from dns_events import EdnsBehaviour

    from otel_dns_receiver.exchange import Reply
    from otel_dns_receiver.question import Target

#: What every server is asked for at the apex.
ASKED = (dns.rdatatype.SOA, dns.rdatatype.NS, dns.rdatatype.DNSKEY, dns.rdatatype.CDS, dns.rdatatype.CDNSKEY)


class Checked(NamedTuple):
    """One server's answers at the apex."""

    replies: dict[dns.rdatatype.RdataType, Reply]
    tcp: bool | None
    edns: EdnsBehaviour | None

    @property
    def soa(self) -> Reply:
        """Its answer to the question for the SOA."""
        return self.replies[dns.rdatatype.SOA]

    def with_authority(self, rdtype: dns.rdatatype.RdataType) -> bool:
        """Whether it answered for this type, with authority."""
        message = self.replies[rdtype].message
        return (
            message is not None
            and bool(message.flags & dns.flags.AA)
            and message.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}
        )

    def rrsets(self, rdtype: dns.rdatatype.RdataType, zone: dns.name.Name) -> list[dns.rrset.RRset]:
        """Sets of a type at the apex, of answers with authority; of RRSIG those over every type asked."""
        asked = ASKED if rdtype == dns.rdatatype.RRSIG else (rdtype,)
        return [
            rrset
            for one in asked
            if self.with_authority(one) and (message := self.replies[one].message) is not None
            for rrset in message.answer
            if rrset.rdtype == rdtype and rrset.name == zone
        ]


async def check(zone: dns.name.Name, target: Target, timeout: float) -> Checked:
    """Ask one server everything about a zone."""
    tcp_work = exchange(query(zone, dns.rdatatype.SOA, recursive=False), target, timeout, "tcp")
    *replies, tcp = await asyncio.gather(
        *(exchange(query(zone, rdtype, recursive=False), target, timeout) for rdtype in ASKED), tcp_work
    )
    by_type = dict(zip(ASKED, replies, strict=True))
    alive = any(reply.status == "answered" for reply in (*replies, tcp))
    return Checked(
        by_type,
        # A server that says nothing at all is down, which is not TCP's fault.
        (tcp.status == "answered") if alive else None,
        await _edns(zone, target, timeout, by_type[dns.rdatatype.SOA]),
    )


async def _edns(zone: dns.name.Name, target: Target, timeout: float, soa: Reply) -> EdnsBehaviour | None:
    """What becomes of a query with EDNS (RFC 6891); asked again without where it failed."""
    if soa.message is not None and soa.message.rcode() not in {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS}:
        return "supported" if soa.message.edns >= 0 else "ignored"
    plain = query(zone, dns.rdatatype.SOA, recursive=False)
    plain.use_edns(-1)
    again = await exchange(plain, target, timeout)
    if again.message is None or again.message.rcode() != dns.rcode.NOERROR:
        return None
    return "refused" if soa.message is not None else "dropped"

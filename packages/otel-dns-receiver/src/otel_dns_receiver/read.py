"""A response into the fields of an observation. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
from dns_events import Ede, Record, from_dns

if TYPE_CHECKING:
    from dns_events import Outcome, Role

_FLAGS = (
    ("aa", dns.flags.AA), ("tc", dns.flags.TC), ("rd", dns.flags.RD), ("ra", dns.flags.RA), ("ad", dns.flags.AD),
    ("cd", dns.flags.CD),
)  # fmt: skip
#: Beyond this an answer is an attack or a mistake; nothing that people publish comes near.
MAX_RECORDS = 256
_MAX_CHAIN = 16


def outcome(message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, role: Role) -> Outcome:
    """What a response means for the question that was asked.

    A CNAME chain that ends in data is an answer; from an authoritative server also one that leads out of
    what it serves. An authoritative server that answers without authority and points elsewhere is a referral:
    where it was delegated to, it is lame.
    """
    rcode = message.rcode()
    if rcode == dns.rcode.NXDOMAIN:
        return "nxdomain"
    if rcode == dns.rcode.SERVFAIL:
        return "servfail"
    if rcode == dns.rcode.REFUSED:
        return "refused"
    if rcode != dns.rcode.NOERROR:
        return "error"
    target = name
    for _ in range(_MAX_CHAIN):
        if _find(message, target, rdtype):
            return "answer"
        alias = _find(message, target, dns.rdatatype.CNAME)
        if alias is None:
            break
        target = alias
        if role == "authoritative" and _find(message, target, dns.rdatatype.CNAME) is None:
            served = _find(message, target, rdtype) is not None
            return "answer" if served or not _denied(message, target) else "nodata"
    if role == "authoritative" and not message.flags & dns.flags.AA and _points_elsewhere(message):
        return "referral"
    return "nodata"


def records(message: dns.message.Message) -> tuple[Record, ...]:
    """The answer section without signatures, in the order of the wire."""
    found = []
    for rrset in message.answer:
        if rrset.rdtype == dns.rdatatype.RRSIG:
            continue
        owner = from_dns(rrset.name)
        rdtype = dns.rdatatype.to_text(rrset.rdtype)
        for rdata in rrset:
            found.append(Record(name=owner, type=rdtype, ttl=rrset.ttl, data=rdata.to_text()))
            if len(found) >= MAX_RECORDS:
                return tuple(found)
    return tuple(found)


def flags(message: dns.message.Message) -> tuple[str, ...]:
    """Header flags in the order of the wire."""
    return tuple(name for name, bit in _FLAGS if message.flags & bit)


def serial(message: dns.message.Message) -> int | None:
    """The zone's serial: from the ZONEVERSION option, the answer, or the authority section of a negative answer."""
    version = zoneversion(message)
    if version is not None:
        return version
    for section in (message.answer, message.authority):
        for rrset in section:
            if rrset.rdtype == dns.rdatatype.SOA and len(rrset):
                return int(rrset[0].serial)
    return None


def apex(message: dns.message.Message) -> str | None:
    """The owner of the SOA, wherever it stands: the zone that the answer comes from."""
    for section in (message.answer, message.authority):
        for rrset in section:
            if rrset.rdtype == dns.rdatatype.SOA:
                return from_dns(rrset.name)
    return None


def edes(message: dns.message.Message) -> tuple[Ede, ...]:
    """Extended DNS Errors (RFC 8914), all of them."""
    return tuple(
        Ede(code=int(option.code), text=option.text or "")
        for option in message.options
        if isinstance(option, dns.edns.EDEOption)
    )


def nsid(message: dns.message.Message) -> str | None:
    """The name server's identifier: text where it is printable ASCII, else hex digits."""
    for option in message.options:
        if option.otype == dns.edns.OptionType.NSID:
            data = getattr(option, "nsid", None) or getattr(option, "data", b"")
            if not data:
                return None
            printable = all(0x20 <= byte < 0x7F for byte in data)
            return str(data.decode("ascii") if printable else data.hex())
    return None


def zoneversion(message: dns.message.Message) -> int | None:
    """The SOA serial in the ZONEVERSION option (RFC 9660 §2): label count, type 0, four octets."""
    for option in message.options:
        if int(option.otype) == 19:
            data = getattr(option, "data", b"")
            if len(data) == 6 and data[1] == 0:
                return int.from_bytes(data[2:], "big")
    return None


def _find(message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.name.Name | None:
    """The name itself where the answer has such an RRset; for a CNAME, where it leads."""
    for rrset in message.answer:
        if rrset.rdtype == rdtype and rrset.name == name:
            return rrset[0].target if rdtype == dns.rdatatype.CNAME else name
    return None


def _denied(message: dns.message.Message, target: dns.name.Name) -> bool:
    """Whether the response says, with its SOA, that the end of a chain has no such data."""
    return any(rrset.rdtype == dns.rdatatype.SOA and target.is_subdomain(rrset.name) for rrset in message.authority)


def _points_elsewhere(message: dns.message.Message) -> bool:
    return any(rrset.rdtype == dns.rdatatype.NS for rrset in message.authority) or not message.authority

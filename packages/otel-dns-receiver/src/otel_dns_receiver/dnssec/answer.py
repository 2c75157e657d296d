"""A response against the keys of its zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns_events import Dnssec

from .denial import opted_out, proves_expansion, proves_no_data, proves_no_name, too_many_iterations
from .verify import verify

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from dns.rdtypes.ANY.RRSIG import RRSIG
    from dns_events import DnssecCause

    from .chain import Chain
    from .trust import Trust

_PROOFS = {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}
#: No honest response has more.
_MOST_RRSETS = 64


def validate(  # noqa: PLR0912 - the order is the RFC's
    message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, trust: Trust, now: float
) -> Dnssec:
    """What validation says of a NOERROR or NXDOMAIN response (RFC 4035 §5).

    An alias may lead through several zones; each part is held against the keys of its own zone, and the whole is
    as good as its weakest part. Parts in zones whose keys are not known yet say nothing.

    Args:
        message: the response, asked for with DO.
        name: the name in the question.
        rdtype: the type in the question.
        trust: the zone's keys, and those of zones that its aliases lead to.
        now: seconds since 1970.
    """
    if trust.chain.status != "secure":
        return Dnssec(status=trust.chain.status, cause=trust.chain.cause)
    answers = [r for r in message.answer[:_MOST_RRSETS] if r.rdtype != dns.rdatatype.RRSIG]
    authority = [r for r in message.authority[:_MOST_RRSETS] if r.rdtype != dns.rdatatype.RRSIG]
    expiries: list[dt.datetime] = [trust.chain.expires] if trust.chain.expires is not None else []
    expanded: list[tuple[dns.name.Name, int, Chain]] = []
    weaker: list[Dnssec] = []
    target = name
    for rrset in answers:
        if _synthesized(rrset, answers):
            target = rrset[0].target if rrset.name == target else target
            continue
        chain = trust.of(_zone_side(rrset.name, rrset.rdtype, trust.chain.zone))
        if chain is not None and chain.status != "secure":
            weaker.append(Dnssec(status=chain.status, cause=chain.cause))
        elif chain is not None:
            verdict = verify(rrset, _signatures(message.answer, rrset.name), chain.zone, chain.keys, now)
            if verdict.cause is not None:
                return _bogus(verdict.cause)
            assert verdict.expires is not None
            assert verdict.labels is not None
            expiries.append(verdict.expires)
            if verdict.labels < len(rrset.name.labels) - 1 and not rrset.name.is_wild():
                expanded.append((rrset.name, verdict.labels, chain))
        if rrset.rdtype == dns.rdatatype.CNAME and rrset.name == target and rdtype != dns.rdatatype.CNAME:
            target = rrset[0].target
    if too_many_iterations(authority):
        # RFC 9276 §3.2: such proofs are not computed, and what they would prove is insecure.
        return Dnssec(status="insecure")
    end = trust.of(_zone_side(target, rdtype, trust.chain.zone))
    proofs: dict[dns.name.Name, list[dns.rrset.RRset]] = {}
    for chain in {id(c): c for c in (trust.chain, end, *(c for _, _, c in expanded)) if c is not None}.values():
        if chain.status == "secure":
            proofs[chain.zone], cause = _proofs(message, authority, chain, now, expiries)
            if cause is not None:
                return _bogus(cause)
    for owner, labels, chain in expanded:
        if not proves_expansion(proofs[chain.zone], owner, labels, chain.zone):
            return _bogus("nsec_missing")
    answered = any(rrset.name == target and rrset.rdtype == rdtype for rrset in answers)
    if not answered and _leads_away(message, target, trust.chain.zone):
        end = None
    if not answered and end is not None and end.status == "secure" and not _at_cut(message, target, end.zone):
        denied = (
            proves_no_name(proofs[end.zone], target, end.zone)
            if message.rcode() == dns.rcode.NXDOMAIN
            else proves_no_data(proofs[end.zone], target, rdtype, end.zone)
        )
        if denied and message.rcode() == dns.rcode.NXDOMAIN and opted_out(proofs[end.zone], target, end.zone):
            weaker.append(Dnssec(status="insecure"))
        if not denied:
            return _bogus("nsec_missing" if _any_signature(message) else "rrsig_missing")
    elif not answered and end is not None and end.status != "secure":
        weaker.append(Dnssec(status=end.status, cause=end.cause))
    weakest = min(weaker, key=lambda part: _WEAKNESS.index(part.status), default=None)
    return weakest or Dnssec(status="secure", expires=min(expiries, default=None))


#: The weakest first.
_WEAKNESS = ("bogus", "indeterminate", "insecure", "secure")


def _leads_away(message: dns.message.Message, target: dns.name.Name, zone: dns.name.Name) -> bool:
    """Whether an authoritative server left the end of an alias to others, so that there is nothing to prove."""
    return (
        bool(message.flags & dns.flags.AA)
        and not target.is_subdomain(zone)
        and not any(r.rdtype == dns.rdatatype.SOA and target.is_subdomain(r.name) for r in message.authority)
    )


def _zone_side(name: dns.name.Name, rdtype: dns.rdatatype.RdataType, zone: dns.name.Name) -> dns.name.Name:
    """The name by which to find the signing zone: the DS of an apex stands in the zone above (RFC 4035 §2.4)."""
    return name.parent() if rdtype == dns.rdatatype.DS and name == zone and name != dns.name.root else name


def _proofs(
    message: dns.message.Message,
    authority: Sequence[dns.rrset.RRset],
    chain: Chain,
    now: float,
    expiries: list[dt.datetime],
) -> tuple[list[dns.rrset.RRset], DnssecCause | None]:
    """The verified NSEC and NSEC3 RRsets; the cause when one is not signed as it must be."""
    proofs = []
    for rrset in authority:
        if rrset.rdtype not in _PROOFS or not rrset.name.is_subdomain(chain.zone):
            continue
        verdict = verify(rrset, _signatures(message.authority, rrset.name), chain.zone, chain.keys, now)
        if verdict.cause is not None:
            return [], verdict.cause
        assert verdict.expires is not None
        expiries.append(verdict.expires)
        proofs.append(rrset)
    return proofs, None


def _signatures(section: Sequence[dns.rrset.RRset], owner: dns.name.Name) -> list[RRSIG]:
    return [
        rdata for rrset in section if rrset.rdtype == dns.rdatatype.RRSIG and rrset.name == owner for rdata in rrset
    ]


def _synthesized(rrset: dns.rrset.RRset, answers: Sequence[dns.rrset.RRset]) -> bool:
    """Whether a CNAME was made from a DNAME beside it, which is signed in its place (RFC 6672 §5.3.1)."""
    return rrset.rdtype == dns.rdatatype.CNAME and any(
        other.rdtype == dns.rdatatype.DNAME
        and rrset.name != other.name
        and rrset.name.is_subdomain(other.name)
        and rrset[0].target == rrset.name.relativize(other.name).derelativize(other[0].target)
        for other in answers
    )


def _any_signature(message: dns.message.Message) -> bool:
    return any(r.rdtype == dns.rdatatype.RRSIG for section in (message.answer, message.authority) for r in section)


def _at_cut(message: dns.message.Message, target: dns.name.Name, zone: dns.name.Name) -> bool:
    """Whether the end of a CNAME chain lies in a zone below, which this zone's keys say nothing of."""
    return any(
        rrset.rdtype == dns.rdatatype.SOA and rrset.name != zone and target.is_subdomain(rrset.name)
        for rrset in message.authority
    )


def _bogus(cause: DnssecCause) -> Dnssec:
    return Dnssec(status="bogus", cause=cause)

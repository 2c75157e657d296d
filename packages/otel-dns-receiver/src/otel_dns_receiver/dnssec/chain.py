"""From one zone's trusted keys to the next zone's: DS at the parent, DNSKEY at the child (RFC 4035 §5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import DSDigest

from .denial import proves_no_data
from .verify import SUPPORTED, verify

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from dns.rdtypes.ANY.DNSKEY import DNSKEY
    from dns.rdtypes.ANY.DS import DS
    from dns_events import DnssecCause

_DIGESTS = frozenset({DSDigest.SHA1, DSDigest.SHA256, DSDigest.SHA384})
_ZONE_KEY = 0x0100
_REVOKED = 0x0080
_MOST_KEYS = 32


class Chain(NamedTuple):
    """How far a zone's keys are trusted."""

    zone: dns.name.Name
    status: Literal["secure", "insecure", "bogus", "indeterminate"]
    cause: DnssecCause | None = None
    keys: dict[int, list[DNSKEY]] = {}  # noqa: RUF012 - never written to
    expires: dt.datetime | None = None


class Delegated(NamedTuple):
    """What the parent says of a child's DS."""

    status: Literal["secure", "insecure", "bogus"]
    ds: tuple[DS, ...] = ()
    cause: DnssecCause | None = None
    expires: dt.datetime | None = None


def delegated(message: dns.message.Message, child: dns.name.Name, parent: Chain, now: float) -> Delegated:
    """Read the parent's response to a question for the child's DS.

    Args:
        message: the parent's response.
        child: the child's apex.
        parent: the parent's keys; must be secure.
        now: seconds since 1970.
    """
    found = next((r for r in message.answer if r.rdtype == dns.rdatatype.DS and r.name == child), None)
    section = message.answer if found is not None else message.authority
    signatures = [rdata for r in section if r.rdtype == dns.rdatatype.RRSIG and r.name == child for rdata in r]
    if found is not None:
        verdict = verify(found, signatures, parent.zone, parent.keys, now)
        if verdict.cause is not None:
            return Delegated("bogus", cause=verdict.cause)
        usable = tuple(ds for ds in found if ds.algorithm in SUPPORTED and ds.digest_type in _DIGESTS)
        if not usable:
            return Delegated("insecure", tuple(found), "algorithm_unsupported")
        return Delegated("secure", usable, expires=verdict.expires)
    proofs = []
    for rrset in message.authority[:_MOST_KEYS]:
        if rrset.rdtype in {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}:
            own = [x for r in message.authority if r.rdtype == dns.rdatatype.RRSIG and r.name == rrset.name for x in r]
            verdict = verify(rrset, own, parent.zone, parent.keys, now)
            if verdict.cause is not None:
                return Delegated("bogus", cause=verdict.cause)
            proofs.append(rrset)
    if proves_no_data(proofs, child, dns.rdatatype.DS, parent.zone):
        return Delegated("insecure")
    return Delegated("bogus", cause="nsec_missing")


def entrusted(message: dns.message.Message, zone: dns.name.Name, anchors: Sequence[DS | DNSKEY], now: float) -> Chain:
    """Read a zone's response to a question for its DNSKEY, given what its parent or an anchor vouches for."""
    found = next((r for r in message.answer if r.rdtype == dns.rdatatype.DNSKEY and r.name == zone), None)
    if found is None:
        return Chain(zone, "bogus", "dnskey_missing")
    keys = by_tag(found)
    entries = {
        tag: matching
        for tag, candidates in keys.items()
        if (matching := [key for key in candidates if any(_vouches(anchor, key, zone) for anchor in anchors)])
    }
    if not entries:
        return Chain(zone, "bogus", "ds_mismatch")
    signatures = [r for s in message.answer if s.rdtype == dns.rdatatype.RRSIG and s.name == zone for r in s]
    verdict = verify(found, signatures, zone, entries, now)
    if verdict.cause is not None:
        return Chain(zone, "bogus", verdict.cause)
    return Chain(zone, "secure", None, keys, verdict.expires)


def by_tag(rrset: Iterable[DNSKEY]) -> dict[int, list[DNSKEY]]:
    """Zone keys by their tag (RFC 4034 appendix B); revoked ones (RFC 5011) are none."""
    keys: dict[int, list[DNSKEY]] = {}
    for key in list(rrset)[:_MOST_KEYS]:
        if key.flags & _ZONE_KEY and not key.flags & _REVOKED and key.protocol == 3:
            keys.setdefault(dns.dnssec.key_id(key), []).append(key)
    return keys


def _vouches(anchor: DS | DNSKEY, key: DNSKEY, zone: dns.name.Name) -> bool:
    if anchor.rdtype == dns.rdatatype.DNSKEY:
        return bool(anchor == key)
    if anchor.algorithm != key.algorithm or anchor.key_tag != dns.dnssec.key_id(key):  # type: ignore[union-attr]
        return False
    try:
        # Validating, so that a SHA-1 digest that is still published is understood.
        made = dns.dnssec.make_ds(zone, key, anchor.digest_type, validating=True)  # type: ignore[union-attr]
    except (dns.exception.DNSException, ValueError):
        return False
    return bool(made == anchor)

"""Proofs that something does not exist: NSEC (RFC 4035 §5.4) and NSEC3 (RFC 5155 §8)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns.rdtypes.ANY.NSEC3 import NSEC3

#: More iterations are not computed (RFC 9276 §3.2): the answer then counts as insecure, here as unproven.
_MOST_ITERATIONS = 150


def proves_no_data(
    proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, rdtype: dns.rdatatype.RdataType, zone: dns.name.Name
) -> bool:
    """Whether verified NSEC or NSEC3 RRsets prove that the name has no such type."""
    for rrset in proofs:
        if rrset.rdtype == dns.rdatatype.NSEC and not _from_above(rrset, name, rdtype):
            if rrset.name == name:
                return not _has(rrset[0].windows, rdtype) and not _has(rrset[0].windows, dns.rdatatype.CNAME)
            # An empty non-terminal has no NSEC of its own: the next name stands below it.
            if _covers(rrset, name) and rrset[0].next.is_subdomain(name):
                return True
    matched = _nsec3_match(proofs, name, zone)
    if matched is not None:
        if _is_cut(matched.windows) and rdtype != dns.rdatatype.DS:
            return False
        return not _has(matched.windows, rdtype) and not _has(matched.windows, dns.rdatatype.CNAME)
    # A wildcard that lacks the type (RFC 4035 §5.4, RFC 5155 §8.7), or an opt-out span for DS (§8.6).
    encloser = closest_encloser(proofs, name, zone)
    if encloser is None:
        return False
    if _nsec3(proofs) and rdtype == dns.rdatatype.DS and _opt_out_covers(proofs, name, encloser, zone):
        return True
    wildcard = dns.name.Name((b"*", *encloser.labels))
    for rrset in proofs:
        if rrset.rdtype == dns.rdatatype.NSEC and rrset.name == wildcard:
            return not _has(rrset[0].windows, rdtype)
    star = _nsec3_match(proofs, wildcard, zone)
    return star is not None and not _has(star.windows, rdtype)


def too_many_iterations(authority: Sequence[dns.rrset.RRset]) -> bool:
    """Whether the proofs need more hashing than validators do (RFC 9276 §3.2)."""
    return any(rrset.rdtype == dns.rdatatype.NSEC3 and rrset[0].iterations > _MOST_ITERATIONS for rrset in authority)


def proves_no_name(proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, zone: dns.name.Name) -> bool:
    """Whether verified RRsets prove that neither the name nor a wildcard for it exists."""
    encloser = closest_encloser(proofs, name, zone)
    if encloser is None:
        return False
    wildcard = dns.name.Name((b"*", *encloser.labels))
    nsecs = [r for r in proofs if r.rdtype == dns.rdatatype.NSEC and not _from_above(r, name, dns.rdatatype.NONE)]
    if nsecs:
        return any(_covers(r, name) for r in nsecs) and any(_covers(r, wildcard) for r in nsecs)
    return _nsec3_covers(proofs, wildcard, zone)


def opted_out(proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, zone: dns.name.Name) -> bool:
    """Whether the proof that a name does not exist spans unsigned delegations (RFC 5155 §9.2): it may be one."""
    encloser = closest_encloser(proofs, name, zone)
    return encloser is not None and bool(_nsec3(proofs)) and _opt_out_covers(proofs, name, encloser, zone)


def proves_expansion(proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, labels: int, zone: dns.name.Name) -> bool:
    """Whether a wildcard could be expanded for this name: the name itself, and what is nearer, must not exist."""
    if any(rrset.rdtype == dns.rdatatype.NSEC and _covers(rrset, name) for rrset in proofs):
        return True
    next_closer = dns.name.Name(name.labels[-(labels + 2) :])
    return _nsec3_covers(proofs, next_closer, zone)


def closest_encloser(
    proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, zone: dns.name.Name
) -> dns.name.Name | None:
    """The longest existing ancestor of a name that the proofs show not to exist."""
    for rrset in proofs:
        if rrset.rdtype == dns.rdatatype.NSEC and _covers(rrset, name):
            # Both ends of the gap exist; the name shares its encloser with one of them.
            return max((_common(name, rrset.name), _common(name, rrset[0].next)), key=len)
    candidate = name
    while candidate != zone and candidate.is_subdomain(zone):
        above = candidate.parent()
        if _nsec3_match(proofs, above, zone) is not None:
            return above if _nsec3_covers(proofs, candidate, zone) else None
        candidate = above
    return None


def _is_cut(windows: Sequence[tuple[int, bytes]]) -> bool:
    """A delegation as its parent sees it: NS without SOA."""
    return _has(windows, dns.rdatatype.NS) and not _has(windows, dns.rdatatype.SOA)


def _from_above(rrset: dns.rrset.RRset, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> bool:
    """Whether an NSEC is an ancestor's at a cut or a DNAME, which says nothing of what is below (RFC 6840 §4.1)."""
    windows = rrset[0].windows
    if rrset.name == name:
        return _is_cut(windows) and rdtype != dns.rdatatype.DS
    return name.is_subdomain(rrset.name) and (_is_cut(windows) or _has(windows, dns.rdatatype.DNAME))


def _common(left: dns.name.Name, right: dns.name.Name) -> dns.name.Name:
    _, _, labels = left.fullcompare(right)
    return dns.name.Name(left.labels[-labels:])


def _has(windows: Sequence[tuple[int, bytes]], rdtype: dns.rdatatype.RdataType) -> bool:
    window, offset = divmod(int(rdtype), 256)
    for number, bitmap in windows:
        if number == window:
            return offset // 8 < len(bitmap) and bool(bitmap[offset // 8] & 0x80 >> offset % 8)
    return False


def _covers(rrset: dns.rrset.RRset, name: dns.name.Name) -> bool:
    """Whether the name falls into the gap after an NSEC's owner (canonical order, RFC 4034 §6.1)."""
    owner, following = rrset.name, rrset[0].next
    if owner < following:
        return bool(owner < name < following)
    return bool(name > owner or name < following)  # the last NSEC wraps around to the apex


def _nsec3(proofs: Sequence[dns.rrset.RRset]) -> list[tuple[dns.name.Name, NSEC3]]:
    return [
        (rrset.name, rrset[0])
        for rrset in proofs
        if rrset.rdtype == dns.rdatatype.NSEC3 and rrset[0].iterations <= _MOST_ITERATIONS
    ]


def _hash(name: dns.name.Name, record: NSEC3) -> str:
    return dns.dnssec.nsec3_hash(name, record.salt, record.iterations, record.algorithm).lower()


def _nsec3_match(proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, zone: dns.name.Name) -> NSEC3 | None:
    for owner, record in _nsec3(proofs):
        if owner.parent() == zone and owner.labels[0].decode("ascii", "replace").lower() == _hash(name, record):
            return record
    return None


def _nsec3_covers(proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, zone: dns.name.Name) -> bool:
    return _covering(proofs, name, zone) is not None


def _covering(proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, zone: dns.name.Name) -> NSEC3 | None:
    for owner, record in _nsec3(proofs):
        if owner.parent() != zone:
            continue
        start, hashed = owner.labels[0].decode("ascii", "replace").lower(), _hash(name, record)
        end = base64.b32hexencode(record.next).decode("ascii").lower()
        inside = start < hashed < end if start < end else hashed > start or hashed < end
        if inside:
            return record
    return None


def _opt_out_covers(
    proofs: Sequence[dns.rrset.RRset], name: dns.name.Name, encloser: dns.name.Name, zone: dns.name.Name
) -> bool:
    next_closer = dns.name.Name(name.labels[-(len(encloser.labels) + 1) :])
    record = _covering(proofs, next_closer, zone)
    return record is not None and bool(record.flags & 1)

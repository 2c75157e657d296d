"""One RRset against the keys of its zone (RFC 4035 §5.3), with the cause when it fails."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import dns.dnssec
import dns.exception
import dns.name
import dns.rdatatype
import dns.rrset
from dns.dnssectypes import Algorithm
from dns.rdata import from_wire
from dns.rdataclass import IN
from dns.rdataset import from_rdata_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns.rdtypes.ANY.DNSKEY import DNSKEY
    from dns.rdtypes.ANY.RRSIG import RRSIG
    from dns_events import DnssecCause

#: Algorithms that can be checked (RFC 8624 leaves out the rest for validators).
SUPPORTED = frozenset(
    {
        Algorithm.RSASHA1, Algorithm.RSASHA1NSEC3SHA1, Algorithm.RSASHA256, Algorithm.RSASHA512,
        Algorithm.ECDSAP256SHA256, Algorithm.ECDSAP384SHA384, Algorithm.ED25519, Algorithm.ED448,
    }
)  # fmt: skip
#: So many signatures are tried at most, whatever a server sends (CVE-2023-50387).
_MOST_TRIES = 8


class Verdict(NamedTuple):
    """Whether an RRset is signed by its zone."""

    cause: DnssecCause | None
    """``None`` when it is."""
    expires: dt.datetime | None = None
    labels: int | None = None
    """Labels of the signature that fits: fewer than the owner's say that a wildcard was expanded."""


def verify(
    rrset: dns.rrset.RRset, signatures: Iterable[RRSIG], zone: dns.name.Name, keys: dict[int, list[DNSKEY]], now: float
) -> Verdict:
    """Look for one signature that is in time, by a key of the zone, and right.

    Args:
        rrset: the RRset.
        signatures: RRSIGs of its owner; others than of its type are passed over.
        zone: the zone that must have signed.
        keys: its DNSKEYs by key tag.
        now: seconds since 1970.
    """
    causes: list[DnssecCause] = []
    ours = [s for s in signatures if s.type_covered == rrset.rdtype and s.signer == zone]
    for signature in ours[:_MOST_TRIES]:
        if signature.algorithm not in SUPPORTED:
            causes.append("algorithm_unsupported")
            continue
        candidates = [k for k in keys.get(signature.key_tag, []) if k.algorithm == signature.algorithm]
        if not candidates:
            causes.append("dnskey_missing")
        elif now > signature.expiration:
            causes.append("rrsig_expired")
        elif now < signature.inception:
            causes.append("rrsig_not_yet_valid")
        elif any(_fits(rrset, signature, zone, key) for key in candidates[:2]):
            return Verdict(None, dt.datetime.fromtimestamp(signature.expiration, dt.UTC), signature.labels)
        else:
            causes.append("signature_invalid")
    return Verdict(_gravest(causes))


def _gravest(causes: list[DnssecCause]) -> DnssecCause:
    """What to tell of several: the one that came nearest to fitting."""
    order: tuple[DnssecCause, ...] = (
        "signature_invalid", "rrsig_expired", "rrsig_not_yet_valid", "dnskey_missing", "algorithm_unsupported",
    )  # fmt: skip
    return next((cause for cause in order if cause in causes), "rrsig_missing")


class _Case(NamedTuple):
    owner: str
    rdtype: int
    data: frozenset[bytes]
    signature: bytes
    zone: str
    key: bytes


@lru_cache(maxsize=20_000)
def _checked(case: _Case) -> bool:
    """The cryptography, once for each different answer. Times are no part of it."""
    owner, zone = dns.name.from_text(case.owner), dns.name.from_text(case.zone)
    rdatas = [
        from_wire(IN, dns.rdatatype.RdataType.make(case.rdtype), data, 0, len(data)) for data in sorted(case.data)
    ]
    signature = from_wire(IN, dns.rdatatype.RRSIG, case.signature, 0, len(case.signature))
    key = from_wire(IN, dns.rdatatype.DNSKEY, case.key, 0, len(case.key))
    try:
        dns.dnssec.validate_rrsig(
            (owner, from_rdata_list(0, rdatas)),
            signature,  # type: ignore[arg-type]  # read back as the RRSIG that it was
            {zone: from_rdata_list(0, [key])},
            now=signature.inception,  # type: ignore[attr-defined]  # times are checked by the caller
        )
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def _fits(rrset: dns.rrset.RRset, signature: RRSIG, zone: dns.name.Name, key: DNSKEY) -> bool:
    data = frozenset(rdata.to_digestable() for rdata in rrset)
    return _checked(
        _Case(
            rrset.name.canonicalize().to_text(),
            int(rrset.rdtype),
            data,
            signature.to_wire() or b"",
            zone.to_text(),
            key.to_wire() or b"",
        )
    )

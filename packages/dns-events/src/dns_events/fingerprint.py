"""A short fingerprint of RRsets: the same data gives the same text, whatever its order, case or TTL."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .events import Record

#: Signatures change at every re-signing while the data they cover does not.
_UNCOUNTED = frozenset({"RRSIG"})


def fingerprint(records: Iterable[Record]) -> str:
    """Sixteen hex digits over the owner names, types and canonical rdata (RFC 4034 §6.2).

    RRSIGs are left out, duplicates count once. No records give the fingerprint of the empty set, so
    "answered with nothing" compares like any other answer.
    """
    lines = {
        f"{record.name} {record.type} ".encode() + _canonical(record.type, record.data)
        for record in records
        if record.type not in _UNCOUNTED
    }
    digest = hashlib.blake2b(digest_size=8)
    for line in sorted(lines):
        digest.update(len(line).to_bytes(4, "big"))
        digest.update(line)
    return digest.hexdigest()


@lru_cache(maxsize=65536)
def _canonical(rdtype: str, data: str) -> bytes:
    try:
        return dns.rdata.from_text("IN", rdtype, data).to_digestable()
    except (dns.exception.DNSException, ValueError):
        # Data of an unknown type, or written by a foreign source: compared as text.
        return data.strip().lower().encode()

"""Two states of a zone, compared. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import dns.exception
import dns.name
import dns.node
import dns.rdatatype
import dns.tokenizer
import dns.zone
from dns_events import Record, from_dns

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What every signing changes and nobody edits.
_MACHINERY = frozenset({"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "ZONEMD", "TYPE65534"})
#: An event lists so many records of each side at most; the rest is in the count.
MOST_LISTED = 500


class ZoneError(ValueError):
    """Text that is no zone."""


class Difference(NamedTuple):
    """What came and what went, SOA left out."""

    added: tuple[Record, ...]
    removed: tuple[Record, ...]
    more: int
    """Records that are not listed for their number."""

    @property
    def nothing(self) -> bool:
        """Whether the zone is the same but for its serial."""
        return not (self.added or self.removed)


class Contents(NamedTuple):
    """One state of a zone."""

    serial: int
    records: frozenset[Record]


def contents(zone: dns.zone.Zone) -> Contents:
    """A zone's serial and records, without what signing makes.

    Raises:
        ZoneError: no SOA.
    """
    serial = None
    found = set()
    for name, rdataset in zone.iterate_rdatasets():
        owner = from_dns(name.derelativize(zone.origin) if zone.origin is not None else name)
        rdtype = dns.rdatatype.to_text(rdataset.rdtype)
        if rdataset.rdtype == dns.rdatatype.SOA:
            serial = int(rdataset[0].serial)
        elif rdtype not in _MACHINERY:
            found |= {
                Record(
                    name=owner, type=rdtype, ttl=rdataset.ttl, data=rdata.to_text(origin=zone.origin, relativize=False)
                )
                for rdata in rdataset
            }
    if serial is None:
        raise ZoneError("no SOA")
    return Contents(serial, frozenset(found))


def from_text(text: str, origin: str) -> Contents:
    """A zone file (RFC 1035 §5). ``$INCLUDE`` is refused: a file of another's choice would be read.

    Raises:
        ZoneError: it cannot be read, perhaps because it is just being written.
    """
    try:
        zone = dns.zone.from_text(
            text, origin=dns.name.from_text(origin), relativize=False, check_origin=True, allow_include=False
        )
    except (dns.exception.DNSException, ValueError, KeyError) as error:
        raise ZoneError(str(error) or type(error).__name__) from error
    return contents(zone)


def difference(before: Contents, after: Contents) -> Difference:
    """What an edit changed; a record whose TTL changed has gone and come."""
    added, removed = _sorted(after.records - before.records), _sorted(before.records - after.records)
    more = max(0, len(added) - MOST_LISTED) + max(0, len(removed) - MOST_LISTED)
    return Difference(added[:MOST_LISTED], removed[:MOST_LISTED], more)


def newer(serial: int, than: int) -> bool:
    """Whether a serial is after another (RFC 1982 §3.2)."""
    return serial != than and (serial - than) % 2**32 < 2**31


def _sorted(records: frozenset[Record]) -> tuple[Record, ...]:
    return tuple(sorted(records, key=_order))


def _order(record: Record) -> tuple[str, str, str, int]:
    return record.name, record.type, record.data, record.ttl


def lines(records: frozenset[Record]) -> Iterator[str]:
    """Records as zone file lines, for the copy on disk."""
    for record in _sorted(records):
        yield f"{record.name}{'' if record.name == '.' else '.'} {record.ttl} IN {record.type} {record.data}"

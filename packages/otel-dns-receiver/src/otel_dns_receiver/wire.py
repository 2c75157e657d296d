"""Where things stand in a DNS message's bytes (RFC 1035 §4), without reading the rest. Pure."""

from __future__ import annotations

import struct
from typing import NamedTuple

_HEADER = struct.Struct("!6H")
_FIXED = struct.Struct("!HHIH")
_TTL = struct.Struct("!I")
_OPT = 41
#: A message of the largest size holds no more records than this.
_MOST_RECORDS = 4096


class WireError(ValueError):
    """Bytes that are no DNS message."""


class RecordAt(NamedTuple):
    """One resource record's place."""

    section: int
    """0 answer, 1 authority, 2 additional."""
    name: int
    """Offset of its owner name."""
    rdtype: int
    ttl: int
    """Offset of its TTL."""
    data: int
    """Offset of its rdata."""
    length: int
    """Octets of its rdata."""


def question_end(wire: bytes) -> int:
    """Offset just after the question section.

    Raises:
        WireError: the bytes end before that.
    """
    at = 12
    try:
        for _ in range(_HEADER.unpack_from(wire)[2]):
            at = skip_name(wire, at) + 4
    except struct.error:
        raise WireError("no header") from None
    if at > len(wire):
        raise WireError("ends within the question")
    return at


def records(wire: bytes) -> list[RecordAt]:
    """Every record's place, in the order of the wire.

    Raises:
        WireError: the bytes are no whole message.
    """
    at = question_end(wire)
    _, _, _, *counts = _HEADER.unpack_from(wire)
    if sum(counts) > _MOST_RECORDS:
        raise WireError("more records than fit")
    found = []
    try:
        for section, count in enumerate(counts):
            for _ in range(count):
                name = at
                at = skip_name(wire, at)
                rdtype, _, _, length = _FIXED.unpack_from(wire, at)
                found.append(RecordAt(section, name, rdtype, at + 4, at + 10, length))
                at += 10 + length
    except struct.error:
        raise WireError("ends within a record") from None
    if at > len(wire):
        raise WireError("ends within a record")
    return found


def skip_name(wire: bytes, at: int) -> int:
    """Offset just after a name, compressed or not.

    Raises:
        WireError: the bytes end before that, or a label's type is unknown (RFC 1035 §4.1.4).
    """
    try:
        while True:
            length = wire[at]
            if length == 0:
                return at + 1
            if length >= 0xC0:
                return at + 2
            if length > 63:
                raise WireError("a label of unknown type")
            at += length + 1
    except IndexError:
        raise WireError("ends within a name") from None


def ttl_places(found: list[RecordAt]) -> tuple[int, ...]:
    """Offsets of the TTLs; OPT has flags in that place (RFC 6891 §6.1.3)."""
    return tuple(record.ttl for record in found if record.rdtype != _OPT)


def without_ttls(wire: bytes, places: tuple[int, ...]) -> bytes:
    """The message after its id, with every TTL zero: equal for equal answers, however long they were cached."""
    blank = bytearray(wire)
    for place in places:
        blank[place : place + 4] = b"\0\0\0\0"
    return bytes(memoryview(blank)[2:])


def ttl_at(wire: bytes, place: int) -> int:
    """One TTL in seconds; with the top bit set it counts as 0 (RFC 2181 §8)."""
    (ttl,) = _TTL.unpack_from(wire, place)
    return 0 if ttl > 0x7FFFFFFF else int(ttl)

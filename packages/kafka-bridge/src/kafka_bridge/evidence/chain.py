"""The chain: each record's digest, and a hash over it, its number and the hash before. Pure.

    digest = SHA-256(JSON of [kind, zone, time, recorded, source, body])
    hash   = SHA-256(hash before || number as 8 bytes, big-endian || digest)

Times are microseconds since 1970; the JSON is without spaces, in UTF-8. Before the first record stand 32 zero bytes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GENESIS = bytes(32)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class Record(NamedTuple):
    """One link. `body` is ``None`` where it is withheld: the digest stands for it."""

    seq: int
    recorded: dt.datetime
    kind: str
    zone: str | None
    time: dt.datetime
    source: tuple[str, ...]
    body: str | None
    digest: bytes
    previous: bytes
    hash: bytes


class Fault(NamedTuple):
    """What is wrong, and at which record."""

    seq: int
    what: str


def digest_of(
    kind: str, zone: str | None, time: dt.datetime, recorded: dt.datetime, source: Iterable[str], body: str
) -> bytes:
    """The digest of a record."""
    times = [(moment - _EPOCH) // _MICROSECOND for moment in (time, recorded)]
    return hashlib.sha256(msgspec.json.encode([kind, zone, *times, list(source), body])).digest()


def link(previous: bytes, seq: int, digest: bytes) -> bytes:
    """The hash of a record behind another."""
    return hashlib.sha256(previous + seq.to_bytes(8, "big") + digest).digest()


def verify(
    records: Iterable[Record], *, seq: int = 1, previous: bytes | None = GENESIS, head: bytes | None = None
) -> Iterator[Fault]:
    """Everything that is wrong with a stretch of the chain, in its order.

    Args:
        records: in the order of their numbers.
        seq: the number of the first.
        previous: the hash before the first; ``None``: unknown, as in the middle of a chain.
        head: a hash that was kept elsewhere; it has to be among these.
    """
    expected, before = seq, previous
    seen = head is None
    last = seq - 1
    for record in records:
        if record.seq > expected:
            gone = f"{expected}" if record.seq == expected + 1 else f"{expected} to {record.seq - 1}"
            yield Fault(expected, f"removed: {gone}")
        elif record.seq < expected:
            yield Fault(record.seq, f"reordered: it stands where {expected} belongs")
        elif before is not None and record.previous != before:
            yield Fault(record.seq, "does not follow the record before: reordered, inserted, or that one was replaced")
        if record.body is not None and record.digest != digest_of(
            record.kind, record.zone, record.time, record.recorded, record.source, record.body
        ):
            yield Fault(record.seq, "altered: its content does not have its digest")
        if record.hash != link(record.previous, record.seq, record.digest):
            yield Fault(record.seq, "altered: its hash is not that of its digest and the hash before")
        seen = seen or record.hash == head
        expected, before, last = record.seq + 1, record.hash, record.seq
    if not seen:
        yield Fault(last, "the head that was kept elsewhere is not in the chain: its end is missing, or was made anew")

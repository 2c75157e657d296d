"""Responses in recorded observations: their bytes, when they were seen, and what was said of them then."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, NamedTuple

from dns_events import Observation, ndjson
from dns_events.errors import DnsEventsError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from .chain import Record

#: No DNS message is longer (RFC 1035 §4.2.2).
_MOST_BYTES = 65_535


class Response(NamedTuple):
    """One response as it came."""

    seq: int
    """Of its record."""
    time: dt.datetime
    zone: str
    name: str
    qtype: str
    wire: bytes
    status: str | None
    """What validation said when it was seen; ``None``: nobody validated it."""
    cause: str | None


def responses(records: Iterable[Record]) -> Iterator[Response]:
    """The responses among records. What is withheld, no observation, or without its bytes is passed over."""
    for record in records:
        if record.kind != "observation" or record.body is None:
            continue
        try:
            event = ndjson.decode(record.body)
        except DnsEventsError:
            continue  # its digest says whether it was so from the beginning
        if not isinstance(event, Observation) or event.wire is None:
            continue
        try:
            wire = base64.b64decode(event.wire, validate=True)
        except (binascii.Error, ValueError):
            continue
        if len(wire) <= _MOST_BYTES:
            verdict = event.dnssec
            yield Response(
                record.seq, event.time, event.zone, event.name, event.qtype, wire,
                None if verdict is None else verdict.status, None if verdict is None else verdict.cause,
            )  # fmt: skip

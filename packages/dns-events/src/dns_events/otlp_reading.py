"""Observations out of OTLP log records, fast where they repeat but for id, times and latency.

The counterpart of `otlp.BulkEncoder`. A record's bytes are cut where the id, the times and the latency stand.
What is left is the record's *frame*: two records of one frame are one event with other values in those places.
That is never assumed: before a frame is used, a record of it is read with other values in the cuts, and it must
come to the same event with those values. Whatever does not fit is read by `otlp.from_proto`.
"""

from __future__ import annotations

import datetime as dt
import struct
from typing import TYPE_CHECKING, NamedTuple

from msgspec import structs

from . import otlp, semconv
from .errors import DnsEventsError
from .events import Observation

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from .events import Event

#: Longer records are not remembered.
MOST_BYTES = 4096

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_TIME = struct.Struct("<Q")
_DOUBLE = struct.Struct("<d")
_ID_OCTETS = 36
# How protobuf writes it: fields in the order of their numbers, `time_unix_nano` (1, fixed64) first,
# `observed_time_unix_nano` (11, fixed64) and `event_name` (12, text) last.
_TIME_TAG, _TIME_END = 0x09, 9
_OBSERVED_TAG, _OBSERVED_SIZE = 0x59, 9
_NAME = (semconv.EVENT_PREFIX + "observation").encode()
_NAME = b"\x62" + otlp.varint(len(_NAME)) + _NAME


def _mark(key: str, tag: bytes, octets: int) -> bytes:
    """An attribute (1: key, 2: value) up to where the value's octets follow."""
    name = key.encode()
    return b"\x0a" + otlp.varint(len(name)) + name + b"\x12" + otlp.varint(len(tag) + octets) + tag


_ID_MARK = _mark(semconv.EVENT_ID, b"\x0a" + otlp.varint(_ID_OCTETS), _ID_OCTETS)
_LATENCY_MARK = _mark(semconv.LATENCY, b"\x21", _DOUBLE.size)

_OTHER_ID = "00000000-0000-7000-8000-00000000000"
_HOUR = 3_600_000_000_000


class _Cut(NamedTuple):
    """A record in parts. The frame is the first three."""

    head: bytes
    middle: bytes | None
    """Between id and latency; ``None`` without a latency."""
    tail: bytes
    observed: bool
    """Whether a time of observation was cut out of the end."""
    time: int
    id: str
    latency: float | None

    def joined(self) -> bytes:
        """The parts as a record."""
        latency = b"" if self.middle is None or self.latency is None else self.middle + _DOUBLE.pack(self.latency)
        observed = bytes([_OBSERVED_TAG]) + _TIME.pack(self.time) + _NAME if self.observed else b""
        return (
            bytes([_TIME_TAG]) + _TIME.pack(self.time) + self.head + self.id.encode() + latency + self.tail + observed
        )


class BulkDecoder:
    """Reads events from OTLP protobuf log records.

    Args:
        most: frames that are remembered, before all are forgotten and learnt anew.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        # A frame is learnt when it comes again, for learning costs three readings.
        self._once: set[int] = set()
        self._known: dict[tuple[bytes, bytes | None, bytes, bool], Observation | None] = {}

    def decode(self, record: LogRecord) -> Event:
        """Read an event.

        Raises:
            DecodeError: as `otlp.from_proto`.
        """
        cut = _cut(record.SerializeToString())
        if cut is None:
            return otlp.from_proto(record)
        frame = cut[:4]
        known = self._known.get(frame)
        if known is None:
            event = otlp.from_proto(record)
            self._learn(cut, frame, event)
            return event
        try:
            time = _EPOCH + dt.timedelta(microseconds=cut.time // 1000)
            if cut.middle is None:
                return structs.replace(known, id=cut.id, time=time)
            return structs.replace(known, id=cut.id, time=time, latency=cut.latency)
        except DnsEventsError:
            return otlp.from_proto(record)  # which says it as of any other record

    def _learn(self, cut: _Cut, frame: tuple[bytes, bytes | None, bytes, bool], event: Event) -> None:
        if frame in self._known or not isinstance(event, Observation):
            return
        mark = hash(frame)
        if mark not in self._once:
            if len(self._once) >= self._most:
                self._once.clear()
            self._once.add(mark)
            return
        if len(self._known) >= self._most:
            self._known.clear()
        self._known[frame] = event if _holds(cut, event) else None


def _cut(wire: bytes) -> _Cut | None:
    """The parts of a record; ``None`` where they are not where our encoders and Collectors put them."""
    at = wire.find(_ID_MARK)
    if at < 0 or wire[0] != _TIME_TAG or len(wire) > MOST_BYTES:
        return None
    at += len(_ID_MARK)
    end = at + _ID_OCTETS
    try:
        id_ = wire[at:end].decode("ascii")
    except UnicodeDecodeError:
        return None
    middle: bytes | None = None
    latency: float | None = None
    beyond = wire.find(_LATENCY_MARK, end)
    rest = end
    if beyond >= 0:
        beyond += len(_LATENCY_MARK)
        rest = beyond + _DOUBLE.size
        if rest > len(wire):
            return None
        middle = wire[end:beyond]
        (latency,) = _DOUBLE.unpack_from(wire, beyond)
    stop = len(wire) - len(_NAME) - _OBSERVED_SIZE
    observed = stop >= rest and wire[stop] == _OBSERVED_TAG and wire.endswith(_NAME)
    (time,) = _TIME.unpack_from(wire, 1)
    return _Cut(wire[_TIME_END:at], middle, wire[rest:stop] if observed else wire[rest:], observed, time, id_, latency)


def _holds(cut: _Cut, event: Observation) -> bool:
    """Whether the record with other values in the cuts is the event with those values."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - an extra
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord  # noqa: PLC0415 - an extra

    time = cut.time + _HOUR
    id_ = _OTHER_ID + ("1" if cut.id.endswith("0") else "0")
    latency = None if cut.latency is None else cut.latency / 2 + 1
    try:
        other = otlp.from_proto(LogRecord.FromString(cut._replace(time=time, id=id_, latency=latency).joined()))
        expected = structs.replace(
            event,
            id=id_,
            time=_EPOCH + dt.timedelta(microseconds=time // 1000),
            latency=event.latency if cut.middle is None else latency,
        )
    except (DecodeError, DnsEventsError, struct.error):
        return False
    return other == expected

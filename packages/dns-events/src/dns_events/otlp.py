"""Events as OpenTelemetry log records.

A record's `event_name` is ``dns.<type>``; scalar fields are attributes under the names of `semconv`; the
nested ones (answers, errors, counts) stand in the body as one JSON object, because that costs a tenth
of nested attribute values and every log store can parse it. Severity follows the outcome.

`encode` and `decode` speak plain Python values and need nothing of OpenTelemetry, so an SDK, a Collector
or a test can stand on the other side; `to_proto` and `from_proto` are the protobuf form (extra ``otlp``).
"""

from __future__ import annotations

import datetime as dt
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from . import semconv
from .errors import DecodeError
from .events import TYPES, Delegation, Event, Observation, Registration, type_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

Attribute = str | bool | int | float | tuple[str, ...]

SEVERITY = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)

# Attribute by path into the event. What is not listed stands in the body.
_COMMON: dict[tuple[str, ...], str] = {
    ("id",): semconv.EVENT_ID,
    ("zone",): semconv.ZONE,
    ("probe", "id"): semconv.PROBE_ID,
    ("probe", "region"): semconv.PROBE_REGION,
    ("probe", "network"): semconv.PROBE_NETWORK,
    ("probe", "clock_age"): semconv.PROBE_CLOCK_AGE,
    ("probe", "clock_skew"): semconv.PROBE_CLOCK_SKEW,
    ("probe", "reach"): semconv.PROBE_REACH,
}
_SERVER: dict[tuple[str, ...], str] = {
    ("server", "address"): semconv.SERVER_ADDRESS,
    ("server", "port"): semconv.SERVER_PORT,
    ("server", "name"): semconv.SERVER_NAME,
    ("server", "role"): semconv.SERVER_ROLE,
    ("server", "nsid"): semconv.SERVER_NSID,
}


def _own(*fields: str) -> dict[tuple[str, ...], str]:
    return {(field,): semconv.FIELD_PREFIX + field for field in fields}


_PATHS: dict[str, dict[tuple[str, ...], str]] = {
    "observation": {
        **_COMMON,
        **_SERVER,
        ("source",): semconv.SOURCE,
        ("name",): semconv.DNS_QUESTION_NAME,
        ("qtype",): semconv.QTYPE,
        ("transport",): semconv.TRANSPORT,
        ("outcome",): semconv.OUTCOME,
        ("rcode",): semconv.RCODE,
        ("flags",): semconv.FLAGS,
        ("ttl",): semconv.TTL,
        ("serial",): semconv.SERIAL,
        ("latency",): semconv.LATENCY,
        ("dnssec", "status"): semconv.DNSSEC_STATUS,
        ("dnssec", "cause"): semconv.DNSSEC_CAUSE,
    },
    "delegation": {
        **_COMMON,
        **_own("parent_ns", "child_ns", "ds", "dnskey", "lame", "unresolved", "cds", "soa_expire"),
    },
    "registration": {**_COMMON, **_own("registrar", "statuses", "nameservers", "registrant", "transfer")},
    "zone_change": {**_COMMON, **_own("actor", "serial_from", "serial_to")},
    "traffic": {**_COMMON, **_SERVER, **_own("window", "queries", "clients")},
}
# OTLP knows one 64-bit integer and one double; these attributes are doubles.
_DOUBLES = frozenset(
    {semconv.PROBE_CLOCK_AGE, semconv.PROBE_CLOCK_SKEW, semconv.LATENCY, semconv.FIELD_PREFIX + "window"}
)


class LogFields(NamedTuple):
    """A log record in plain values."""

    event_name: str
    time_unix_nano: int
    severity_text: str
    severity_number: int
    attributes: dict[str, Attribute]
    body: str | None


def encode(event: Event) -> LogFields:
    """The event as the fields of a log record."""
    kind = type_of(event)
    tree: dict[str, Any] = msgspec.to_builtins(event)
    del tree["type"], tree["time"]
    attributes: dict[str, Attribute] = {}
    for path, attribute in _PATHS[kind].items():
        value = _take(tree, path)
        if value is not None:
            if isinstance(value, list):
                attributes[attribute] = tuple(value)
            else:
                attributes[attribute] = float(value) if attribute in _DOUBLES else value
    if isinstance(event, Observation):
        attributes[semconv.NETWORK_PROTOCOL_NAME] = "dns"
        attributes[semconv.NETWORK_TRANSPORT] = "udp" if event.transport in {"udp", "doq"} else "tcp"
        if (error := error_type(event)) is not None:
            attributes[semconv.ERROR_TYPE] = error
    rest = {key: value for key, value in tree.items() if value not in (None, {}, [])}
    text = _severity(event)
    return LogFields(
        event_name=semconv.EVENT_PREFIX + kind,
        time_unix_nano=(event.time - _EPOCH) // _MICROSECOND * 1000,
        severity_text=text,
        severity_number=SEVERITY[text],
        attributes=attributes,
        body=msgspec.json.encode(rest).decode() if rest else None,
    )


def decode(event_name: str, time_unix_nano: int, attributes: Mapping[str, Any], body: str | bytes | None) -> Event:
    """Read an event from the fields of a log record; other attributes are passed over.

    Raises:
        DecodeError: a foreign event name, a body that is not a JSON object, or an invalid event.
    """
    kind = event_name.removeprefix(semconv.EVENT_PREFIX)
    if kind == event_name or kind not in TYPES:
        msg = f"event name {event_name!r}; known are {', '.join(semconv.EVENT_PREFIX + k for k in TYPES)}"
        raise DecodeError(msg)
    try:
        tree = msgspec.json.decode(body, type=dict[str, Any]) if body else {}
        for path, attribute in _PATHS[kind].items():
            if attribute in attributes:
                if len(path) == 1:
                    tree[path[0]] = attributes[attribute]
                else:
                    _put(tree, path[0], path[1], attributes[attribute])
        tree["type"] = kind
        tree["time"] = _EPOCH + dt.timedelta(microseconds=time_unix_nano // 1000)
        event: Event = msgspec.convert(tree, Event)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, TypeError, RecursionError) as error:
        msg = f"{event_name}: {error}"
        raise DecodeError(msg) from error
    return event


def error_type(event: Observation) -> str | None:
    """The value of ``error.type``: the outcome when the lookup failed, else ``None``.

    NXDOMAIN and NODATA are answers, not errors.
    """
    answered = event.outcome in {"answer", "nodata", "nxdomain", "referral"}
    return None if answered else event.outcome


def to_proto(event: Event) -> LogRecord:
    """The event as an OTLP protobuf log record."""
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue  # noqa: PLC0415 - an extra
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord  # noqa: PLC0415 - an extra

    fields = encode(event)
    return LogRecord(
        event_name=fields.event_name,
        time_unix_nano=fields.time_unix_nano,
        severity_number=fields.severity_number,  # type: ignore[arg-type]  # the stub wants its own enum
        severity_text=fields.severity_text,
        attributes=key_values(fields.attributes),
        body=None if fields.body is None else AnyValue(string_value=fields.body),
    )


def key_values(attributes: Mapping[str, Any]) -> list[KeyValue]:
    """Attributes as OTLP protobuf."""
    from opentelemetry.proto.common.v1.common_pb2 import (  # noqa: PLC0415 - an extra
        AnyValue,
        ArrayValue,
        KeyValue,
    )

    def any_value(value: Any) -> AnyValue:
        if isinstance(value, bool):
            return AnyValue(bool_value=value)
        if isinstance(value, str):
            return AnyValue(string_value=value)
        if isinstance(value, int):
            return AnyValue(int_value=value)
        if isinstance(value, float):
            return AnyValue(double_value=value)
        return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))

    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


def sameness(event: Observation) -> tuple[object, ...]:
    """What tells an observation apart from others but for its id, time and latency.

    Parts go in by identity, so it is cheap, and it holds only while they are kept alive; equal keys of live
    events mean equal events, and unequal ones mean nothing.
    """
    return (
        event.name, event.qtype, event.outcome, id(event.server), id(event.answers), id(event.probe), id(event.dnssec),
        id(event.flags), id(event.ede), id(event.violations), event.ttl, event.serial, event.transport, event.zone,
        event.source, event.rcode, event.latency is None, id(event.extra),
    )  # fmt: skip


class BulkEncoder:
    """Log records as protobuf bytes, fast for observations that repeat but for id, time and latency.

    What repeats is encoded once. Ten thousand different observations are remembered.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._known: dict[tuple[object, ...], _Frame] = {}

    def encode(self, event: Event, observed_time_unix_nano: int) -> bytes:
        """One `log_records` entry of a ``ScopeLogs`` message, tag and length included; entries may be joined."""
        # What is hardly ever said twice is not worth remembering.
        if (
            type(event) is not Observation
            or event.wire is not None
            or event.detail is not None
            or event.extra is not None
        ):
            record = to_proto(event)
            record.observed_time_unix_nano = observed_time_unix_nano
            return _entry(record.SerializeToString())
        key = sameness(event)
        frame = self._known.get(key)
        if frame is None:
            if len(self._known) >= self._most:
                self._known.clear()
            frame = self._known[key] = _Frame(event)
        latency = event.latency
        made = (
            frame.head
            + _TIMES.pack(0x09, round(event.time.timestamp() * 1e6) * 1000, 0x59, observed_time_unix_nano)
            + frame.rest
            + event.id.encode()
        )
        return made if latency is None else made + frame.latency + _DOUBLE.pack(latency)


#: `time_unix_nano` (field 1) and `observed_time_unix_nano` (field 11), each fixed64 with its tag before it.
_TIMES = struct.Struct("<BQBQ")
_DOUBLE = struct.Struct("<d")
_ID_OCTETS = 36


class _Frame:
    """The bytes of a log record around its times, id and latency."""

    __slots__ = ("_event", "head", "latency", "rest")

    def __init__(self, event: Observation) -> None:
        self._event = event  # keeps alive what `sameness` tells apart by identity
        record = to_proto(event)
        record.time_unix_nano = 0
        own = {semconv.EVENT_ID, semconv.LATENCY}
        kept = [attribute for attribute in record.attributes if attribute.key not in own]
        del record.attributes[:]
        record.attributes.extend(kept)
        # KeyValue {1: key, 2: AnyValue {1: string}} with the id's 36 octets to follow; likewise {4: double}.
        self.rest = record.SerializeToString() + _attribute(semconv.EVENT_ID, b"\x0a\x24", _ID_OCTETS)
        self.latency = b"" if event.latency is None else _attribute(semconv.LATENCY, b"\x21", _DOUBLE.size)
        length = _TIMES.size + len(self.rest) + _ID_OCTETS
        if event.latency is not None:
            length += len(self.latency) + _DOUBLE.size
        self.head = b"\x12" + varint(length)


def _attribute(key: str, tag: bytes, size: int) -> bytes:
    """An `attributes` entry up to where `size` octets of its value follow."""
    name = key.encode()
    value = len(tag) + size
    inner = b"\x0a" + varint(len(name)) + name + b"\x12" + varint(value) + tag
    return b"\x32" + varint(len(inner) + size) + inner


def _entry(record: bytes) -> bytes:
    return b"\x12" + varint(len(record)) + record


def varint(number: int) -> bytes:
    """A base-128 varint as protobuf writes lengths."""
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def from_proto(record: LogRecord) -> Event:
    """Read an event from an OTLP protobuf log record.

    Raises:
        DecodeError: as `decode`.
    """
    attributes = {item.key: plain(item.value) for item in record.attributes}
    body = plain(record.body)
    if body is not None and not isinstance(body, str):
        msg = f"{record.event_name}: the body is {type(body).__name__}; a JSON object as text is needed"
        raise DecodeError(msg)
    # A record without `event_name` may carry it as an attribute, as older Collectors write it.
    name = record.event_name or str(attributes.get("event.name", ""))
    return decode(name, record.time_unix_nano, attributes, body)


def plain(value: AnyValue) -> Any:
    """An attribute's value or a body in plain Python values."""
    kind = value.WhichOneof("value")
    if kind == "string_value":  # nearly all are
        return value.string_value
    if kind is None:
        return None
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: plain(item.value) for item in value.kvlist_value.values}
    return getattr(value, kind)


def _severity(event: Event) -> str:
    match event:
        case Observation(outcome="answer" | "nodata" | "nxdomain" | "referral"):
            bogus = event.dnssec is not None and event.dnssec.status == "bogus"
            return "ERROR" if bogus or event.violations else "INFO"
        case Observation(outcome="timeout" | "unreachable" | "refused"):
            return "WARN"
        case Observation():
            return "ERROR"
        case Delegation(lame=lame) if lame:
            return "WARN"
        case Registration(error=error) if error is not None:
            return "WARN"
        case _:
            return "INFO"


def _take(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    """Remove and return the value at a path; a struct that is emptied by it goes too."""
    if len(path) == 1:
        return tree.pop(path[0], None)
    inner = tree.get(path[0])
    if inner is None:
        return None
    value = inner.pop(path[1], None)
    if not any(item is not None for item in inner.values()):
        del tree[path[0]]
    return value


def _put(tree: dict[str, Any], outer: str, field: str, value: Any) -> None:
    inner = tree.setdefault(outer, {})
    if not isinstance(inner, dict):
        msg = f"body.{outer} is not an object"
        raise DecodeError(msg)
    inner[field] = value

"""Metrics of the OpenTelemetry Collector's dns_check receiver, as OTLP protobuf or JSON."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from dns_events.errors import DecodeError
from dns_events.otlp import plain

from . import answers, codes
from .building import Reading, asked, beside, literal_of, observation, server, tried
from .fields import Fields
from .framing import MAX_MESSAGE_BYTES, records
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

    from dns_events.events import Event, Observation, Outcome

_STATUS, _DURATION, _ERROR = "dnscheck.status", "dnscheck.duration", "dnscheck.error"
_DOMAIN, _TYPE, _SERVER = "dns.domain", "dns.record.type", "dns.server"
_RCODE, _IPS, _IP, _MESSAGE = "dns.rcode", "dns.resolved.all.ips", "dns.resolved.ip", "error.message"
#: The Collector's own instance id is a new one at each start, so it comes last.
_IDENTITY = ("host.name", "service.name", "service.instance.id")
_UNREACHABLE = ("refused", "no route", "unreachable", "no such host", "reset by peer", "broken pipe")
_MALFORMED = ("dns: ", "id mismatch")


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """Points of one question, server and time, over all metrics of a request, are one observation."""
    if data[:1] != b"{" and (request := _protobuf(data)) is not None:
        yield from _request(request, reading)
        return
    for found in records(data):
        if isinstance(found, DecodeError):
            yield found if data.lstrip()[:1] in {b"{", b"["} else DecodeError("neither OTLP metrics nor JSON")
            continue
        try:
            parsed = _json(found.tree)
        except DecodeError as error:
            yield error
            continue
        yield from _request(parsed, reading)


def _protobuf(data: bytes) -> ExportMetricsServiceRequest | None:
    from google.protobuf.message import DecodeError as ProtobufError  # noqa: PLC0415 - an extra
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (  # noqa: PLC0415 - an extra
        ExportMetricsServiceRequest,
    )

    if not data or len(data) > MAX_MESSAGE_BYTES:
        return None
    try:
        return ExportMetricsServiceRequest.FromString(data)
    except ProtobufError:
        return None


def _json(tree: dict[str, Any]) -> ExportMetricsServiceRequest:
    from google.protobuf.json_format import ParseDict, ParseError  # noqa: PLC0415 - an extra
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (  # noqa: PLC0415 - an extra
        ExportMetricsServiceRequest,
    )

    if "resourceMetrics" not in tree and "resource_metrics" not in tree:
        raise DecodeError("no resourceMetrics: not OTLP metrics")
    try:
        return ParseDict(tree, ExportMetricsServiceRequest(), ignore_unknown_fields=True)
    # ParseDict takes the shape it expects for granted.
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DecodeError(f"not OTLP metrics: {str(error)[:200]}") from error


class _Check:
    """What is told of one question, by all metrics."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes
        self.status: float | None = None
        self.milliseconds: float | None = None


def _request(request: ExportMetricsServiceRequest, reading: Reading) -> Iterator[Event | DecodeError]:
    checks: dict[tuple[str, str, str, str, int], _Check] = {}
    seen = False
    for resource in request.resource_metrics:
        above = _attributes(resource.resource.attributes)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if metric.name not in {_STATUS, _DURATION, _ERROR}:
                    continue
                for point in (*metric.gauge.data_points, *metric.sum.data_points):
                    seen = True
                    _add(checks, metric.name, point, above)
    if not seen:
        yield DecodeError(f"OTLP metrics without a point of {_STATUS} or {_DURATION}")
    for key, check in checks.items():
        yield tried(partial(_one, key, check, reading))


def _add(
    checks: dict[tuple[str, str, str, str, int], _Check], metric: str, point: NumberDataPoint, above: dict[str, Any]
) -> None:
    attributes = above | _attributes(point.attributes)
    words = [str(attributes.get(key, "")) for key in (_SERVER, _DOMAIN, _TYPE)]
    identity = next((str(attributes[key]) for key in _IDENTITY if attributes.get(key)), "")
    key = (identity, words[0], words[1], words[2], point.time_unix_nano)
    check = checks.setdefault(key, _Check({}))
    check.attributes |= attributes
    value = point.as_double if point.WhichOneof("value") == "as_double" else point.as_int
    if metric == _STATUS:
        check.status = value
    elif metric == _DURATION:
        check.milliseconds = value


def _one(key: tuple[str, str, str, str, int], check: _Check, reading: Reading) -> Observation:
    if check.status is None:
        raise DecodeError(f"a point without its {_STATUS}: no outcome is known; let one batch hold both metrics")
    fields = Fields(check.attributes)
    name, qtype = asked(fields.text(_DOMAIN)), codes.qtype(fields.text(_TYPE) or "")
    code = fields.text(_RCODE)
    # Only an answer of NOERROR has status 1; no code is no reply.
    rcode = codes.rcode(code) if code is not None else ("NOERROR" if check.status == 1 else None)
    fields.take(_IP)
    listed = [text.strip() for text in (fields.text(_IPS) or "").split(",") if text.strip()]
    found = answers.chained(name, qtype, [(None, address, None) for address in listed if literal_of(address)])
    message = fields.text(_MESSAGE)
    outcome: Outcome
    if rcode is None:
        outcome = _silence(message or "")
    elif rcode == "NOERROR" and qtype not in {"A", "AAAA"}:
        outcome = "answer"  # of other types it does not say whether there was data
    else:
        outcome = answers.outcome(rcode, qtype, found, role="recursive")
    identity = fields.text(*_IDENTITY)
    address, port = _endpoint(fields.text(_SERVER))
    return observation(
        reading,
        msgspec.json.encode(key),
        time=moment("time_unix_nano", key[-1], "ns"),
        identity=identity,
        name=name,
        qtype=qtype,
        server=server(reading, address, "recursive", port=port),
        outcome=outcome,
        source="probe",
        transport="udp",
        rcode=rcode,
        answers=found,
        latency=None if check.milliseconds is None or rcode is None else check.milliseconds / 1000,
        detail=message,
        extra=beside(fields, reading, ()),
    )


def _silence(message: str) -> Outcome:
    """What an error of Go's ``net`` or of its DNS library says."""
    text = message.lower()
    if any(word in text for word in _UNREACHABLE):
        return "unreachable"
    return "malformed" if any(word in text for word in _MALFORMED) and "timeout" not in text else "timeout"


def _endpoint(text: str | None) -> tuple[str | None, int | None]:
    """``192.0.2.53``, ``192.0.2.53:53``, ``[2001:db8::53]:53`` or ``2001:db8::53``."""
    if text is None or literal_of(text):
        return text, None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        return text, None
    return host.removeprefix("[").removesuffix("]"), int(port)


def _attributes(pairs: Any) -> dict[str, Any]:
    listed: list[KeyValue] = list(pairs)
    return {item.key: plain(item.value) for item in listed}

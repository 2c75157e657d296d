"""A raw OTLP request into events and what could not be read."""

from __future__ import annotations

import base64
import datetime as dt
import logging
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from dns_events import DnsEventsError
from dns_events.otlp_reading import BulkDecoder
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs, ScopeLogs

if TYPE_CHECKING:
    from dns_events import Event
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

log = logging.getLogger(__name__)

#: An event from further ahead would make all the others look late.
MAX_AHEAD = dt.timedelta(seconds=60)

#: Remembers how records look, and nothing of what they say.
_DECODER = BulkDecoder()


class Dead(NamedTuple):
    """A record that is no event, with the reason."""

    reason: str
    payload: bytes


class Decoded(NamedTuple):
    """What a request came to."""

    events: list[Event]
    dead: list[Dead]
    traces: dict[str, str]
    """W3C ``traceparent`` by event id, of records that carry a span."""


def decode(payload: bytes, now: dt.datetime) -> Decoded:
    """Read all records of a request, protobuf or JSON; a bad one does not keep the others back."""
    decoded = Decoded([], [], {})
    try:
        request = _request(payload)
    except (DecodeError, ParseError, ValueError, AttributeError, TypeError, RecursionError) as error:
        decoded.dead.append(Dead(f"not an OTLP logs request: {error}", payload))
        return decoded
    latest = now + MAX_AHEAD
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                try:
                    event = _DECODER.decode(record)
                except DnsEventsError as error:
                    decoded.dead.append(Dead(str(error), _alone(record)))
                    continue
                except Exception as error:  # noqa: BLE001 - see fault
                    decoded.dead.append(Dead(fault(error), _alone(record)))
                    continue
                if event.time > latest:
                    ahead = (event.time - now).total_seconds()
                    reason = (
                        f"clock ahead: the event's time is {ahead:.0f} s ahead of the bridge's clock; "
                        f"check the clock of probe {event.probe.id}"
                    )
                    decoded.dead.append(Dead(reason, _alone(record)))
                    continue
                decoded.events.append(event)
                if record.span_id:
                    decoded.traces[event.id] = (
                        f"00-{record.trace_id.hex():0>32}-{record.span_id.hex():0>16}-{record.flags & 0xFF:02x}"
                    )
    return decoded


def fault(error: Exception) -> str:
    """The reason of a dead letter for an error that nobody thought of: it must not stop what comes behind it."""
    log.error("a record cannot be read, and that is a fault of kafka-bridge", exc_info=error)
    return f"a fault of kafka-bridge: {type(error).__name__}: {error}"


def _alone(record: LogRecord) -> bytes:
    """The record as a request of its own, so that a dead letter can be sent again as it is."""
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=[record])])]
    ).SerializeToString()


def _request(payload: bytes) -> ExportLogsServiceRequest:
    if payload[:1] != b"{":
        try:
            return ExportLogsServiceRequest.FromString(payload)
        except DecodeError:
            # Protobuf begins with a line feed, as JSON may: only what is not the one can be the other.
            if payload.lstrip()[:1] != b"{":
                raise
    tree = msgspec.json.decode(payload)
    # OTLP's JSON writes ids in hex where protobuf's own takes base64.
    for resource in tree.get("resourceLogs", ()):
        for scope in resource.get("scopeLogs", ()):
            for record in scope.get("logRecords", ()):
                for key in ("traceId", "spanId"):
                    if record.get(key):
                        record[key] = base64.b64encode(bytes.fromhex(record[key])).decode()
    return ParseDict(tree, ExportLogsServiceRequest(), ignore_unknown_fields=True)

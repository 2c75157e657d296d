"""What a request's events claim of who looked and when, against what was proved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import semconv

from kafka_bridge.pipeline.decode import MAX_AHEAD

from .refusal import RefusedError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    from kafka_bridge.probes.roster import Roster
    from kafka_bridge.probes.settings import Entry

_IDENTITY_OCTETS = semconv.IDENTITY.encode()
_WHO = frozenset({semconv.PROBE_ID, semconv.PROBE_REGION})
_AHEAD = int(MAX_AHEAD.total_seconds() * 1e9)
_MOST_SHOWN = 100


def check(
    request: ExportLogsServiceRequest, roster: Roster, sender: Entry, now: dt.datetime, max_age: dt.timedelta
) -> None:
    """Whether all of a request's events are such as this sender may send now.

    Raises:
        RefusedError: `forged` or `stale`; one event refuses all, because a client that forges one is not believed.
    """
    now_ns = int(now.timestamp() * 1e9)
    oldest = now_ns - int(max_age.total_seconds() * 1e9)
    fine: set[tuple[str | None, str | None]] = set()
    for record in _records(request):
        claim = claimed(record)
        if claim not in fine:
            objection = roster.objection(sender, *claim)
            if objection is not None:
                raise RefusedError("forged", objection)
            fine.add(claim)
        if not _is_event(record, claim):
            continue
        time = record.time_unix_nano
        if time < oldest:
            msg = (
                f"an event is {(now_ns - time) / 3.6e12:.0f} h old, more than {max_age}; a replay, or a spool that was "
                "left behind (`otlp.max_age` in bridge.yaml)"
            )
            raise RefusedError("stale", msg)
        if time > now_ns + _AHEAD:
            msg = (
                f"clock ahead: an event's time is {(time - now_ns) / 1e9:.0f} s ahead of the bridge's clock; "
                f"check the clock of probe {claim[0]}"
            )
            raise RefusedError("stale", msg)


def stamp(payload: bytes, request: ExportLogsServiceRequest, sender: Entry) -> bytes:
    """The request with the proved identity, and no other, on each of its resources."""
    if _IDENTITY_OCTETS in payload:
        _strip(request)
    full = [item for item in request.resource_logs if any(scope.log_records for scope in item.scope_logs)]
    made = type(request)()
    for item in full:
        item.resource.attributes.add(key=semconv.IDENTITY).value.string_value = sender.id
    made.resource_logs.extend(full)
    return made.SerializeToString()


def unproved(payload: bytes, request: ExportLogsServiceRequest) -> bytes:
    """The request as it came; without the identity that it claims, should it claim one."""
    if _IDENTITY_OCTETS not in payload:
        return payload
    _strip(request)
    return request.SerializeToString()


def claimed(record: LogRecord) -> tuple[str | None, str | None]:
    """Probe id and region of a record, found as `dns_events.otlp` finds them.

    The last of equal attributes counts, and the body where there is no attribute.
    """
    found: dict[str, str | None] = {}
    for item in record.attributes:
        key = item.key
        if key in _WHO:
            found[key] = _text(item.value)
    if len(found) < 2 and record.body.string_value:
        try:
            probe = msgspec.json.decode(record.body.string_value, type=dict[str, Any]).get("probe")
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            probe = None  # nor can the pipeline read it: it becomes a dead letter
        if isinstance(probe, dict):
            for name, key in (("id", semconv.PROBE_ID), ("region", semconv.PROBE_REGION)):
                value = probe.get(name)
                if value is not None:
                    found.setdefault(key, value if isinstance(value, str) else f"({type(value).__name__})")
    return _short(found.get(semconv.PROBE_ID)), _short(found.get(semconv.PROBE_REGION))


def _text(value: AnyValue) -> str | None:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    return value.string_value if kind == "string_value" else f"({kind})"


def _short(text: str | None) -> str | None:
    # No probe has a name that long, so a long claim stays wrong when it is cut.
    return text if text is None or len(text) <= 2 * _MOST_SHOWN else text[: 2 * _MOST_SHOWN] + "…"


def _is_event(record: LogRecord, claim: tuple[str | None, str | None]) -> bool:
    # Older Collectors write the event's name as an attribute; then who looked tells that it is one.
    name = record.event_name
    return name.startswith(semconv.EVENT_PREFIX) if name else claim[0] is not None


def _records(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    for item in request.resource_logs:
        for scope in item.scope_logs:
            yield from scope.log_records


def _strip(request: ExportLogsServiceRequest) -> None:
    """Take away what a client wrote where only the bridge writes."""
    for item in request.resource_logs:
        _drop(item.resource.attributes)
        for scope in item.scope_logs:
            _drop(scope.scope.attributes)
    for record in _records(request):
        _drop(record.attributes)


def _drop(attributes: RepeatedCompositeFieldContainer[KeyValue]) -> None:
    kept = [item for item in attributes if item.key != semconv.IDENTITY]
    if len(kept) < len(attributes):
        del attributes[:]
        attributes.extend(kept)

"""Message headers: CloudEvents in binary mode (Kafka protocol binding 1.0.2 §3.2), and W3C trace context."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from dns_events import semconv, type_of

if TYPE_CHECKING:
    from confluent_kafka import Message
    from dns_events import Event

Headers = list[tuple[str, str | bytes | None]]

_VERSION = ("ce_specversion", b"1.0")
_JSON = b"application/json"
#: Writes times in RFC 3339, as JSON has them in quotes.
_TIMES = msgspec.json.Encoder()


def of_event(event: Event, traceparent: str | None = None, content: bytes = _JSON) -> Headers:
    """Headers of a message whose value is an event."""
    made: Headers = [
        ("ce_id", event.id.encode()),
        ("ce_time", _TIMES.encode(event.time)[1:-1]),
        *_repeated(event.probe.id, type_of(event), event.zone, content),
    ]
    if traceparent is not None:
        made.append(("traceparent", traceparent.encode()))
    return made


@lru_cache(maxsize=8192)
def _repeated(probe: str, kind: str, zone: str, content: bytes) -> Headers:
    """What the events of a probe and zone have alike."""
    return [
        _VERSION,
        ("ce_source", f"/probes/{probe}".encode()),
        ("ce_type", (semconv.EVENT_PREFIX + kind).encode()),
        ("ce_subject", zone.encode()),
        ("content-type", content),
    ]


def of_judgement(kind: str, key: str) -> Headers:
    """Headers of a message whose value is a finding or an incident as JSON."""
    return [
        _VERSION,
        ("ce_id", key.encode()),
        ("ce_source", b"/dns-rules"),
        ("ce_type", f"dnstower.{kind}".encode()),
        ("content-type", _JSON),
    ]


def get(message: Message, name: str) -> str | None:
    """The first header of this name, as text."""
    found = message.headers() or []
    for key, value in found.items() if isinstance(found, dict) else found:
        if key == name and value is not None:
            return value if isinstance(value, str) else value.decode(errors="replace")
    return None

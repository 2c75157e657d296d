"""A raw OTLP request into events and what could not be read."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from dns_events import DnsEventsError, otlp
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

if TYPE_CHECKING:
    from dns_events import Event

#: An event from further ahead would make all the others look late.
MAX_AHEAD = dt.timedelta(seconds=60)


class Dead(NamedTuple):
    """A record that is no event, with the reason."""

    reason: str
    payload: bytes


def decode(payload: bytes, now: dt.datetime) -> tuple[list[Event], list[Dead]]:
    """Read all records of a request; a bad one does not keep the others back."""
    try:
        request = ExportLogsServiceRequest.FromString(payload)
    except DecodeError as error:
        return [], [Dead(f"not an OTLP logs request: {error}", payload)]
    events: list[Event] = []
    dead: list[Dead] = []
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                try:
                    event = otlp.from_proto(record)
                except DnsEventsError as error:
                    dead.append(Dead(str(error), record.SerializeToString()))
                    continue
                if event.time > now + MAX_AHEAD:
                    ahead = (event.time - now).total_seconds()
                    dead.append(
                        Dead(
                            f"clock ahead: the event's time is {ahead:.0f} s ahead of the bridge's clock; "
                            f"check the clock of probe {event.probe.id}",
                            record.SerializeToString(),
                        )
                    )
                    continue
                events.append(event)
    return events, dead

"""One signal's way out: encode, keep, deliver."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from dns_events import otlp, semconv
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from otel_dns_receiver.version import __version__

from .sender import Sender
from .spool import Block, Spool

if TYPE_CHECKING:
    from pathlib import Path

    from dns_events import Event
    from opentelemetry.sdk.resources import Resource

    from otel_dns_receiver.telemetry import Telemetry

    from .endpoint import Endpoint

#: A block is written at the latest when it has so many events.
_MOST_EVENTS = 500


class Logs:
    """Events as OTLP log records.

    What one turn of the event loop brings is one block: it is on disk before the loop waits again.
    """

    def __init__(self, folder: Path, most_bytes: int, most_age: float, endpoint: Endpoint, resource: Resource) -> None:
        self.spool = Spool(folder, most_bytes, most_age)
        self._encoder = otlp.BulkEncoder()
        self._waiting: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        head, scope = _prefixes(resource)

        def wrap(records: bytes) -> bytes:
            inner = scope + records
            logs = head + b"\x12" + otlp.varint(len(inner)) + inner
            return b"\x0a" + otlp.varint(len(logs)) + logs

        self.sender = Sender(self.spool, endpoint, wrap)

    def put(self, event: Event) -> None:
        """Take one event. Never blocks on the network."""
        self._waiting.append(self._encoder.encode(event, time.time_ns()))
        count = len(self._waiting)
        if count == 1:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:  # not on an event loop
                self.flush()
        elif count >= _MOST_EVENTS:
            self.flush()

    def flush(self) -> None:
        """Hand what waits in memory to the disk."""
        if self._waiting:
            records, self._waiting = self._waiting, []
            self.spool.append(Block(b"".join(records), len(records), time.time()))

    def close(self, patience: float) -> None:
        """Deliver for so many seconds; what is left stays for the next start."""
        self.flush()
        self.sender.stop(patience)
        self.spool.close()


class Metrics:
    """Metrics as whole OTLP export requests, one a block."""

    def __init__(self, folder: Path, most_bytes: int, most_age: float, endpoint: Endpoint) -> None:
        self.spool = Spool(folder, most_bytes, most_age)
        # Repeated fields of joined messages are joined (protobuf encoding), so requests need no wrapping.
        self.sender = Sender(self.spool, endpoint)

    def put(self, request: bytes, points: int) -> None:
        """Take one export request."""
        self.spool.append(Block(request, points, time.time()))

    def close(self, patience: float) -> None:
        """As of `Logs`."""
        self.sender.stop(patience)
        self.spool.close()


def report(telemetry: Telemetry, signal: str, spool: Spool, sender: Sender, said: dict[str, int]) -> None:
    """Bring the metrics about a queue up to date.

    Args:
        telemetry: where they stand.
        signal: ``logs`` or ``metrics``.
        spool: the queue.
        sender: its sender.
        said: what was added so far; kept by the caller.
    """
    attributes = {semconv.SIGNAL: signal}
    telemetry.set(semconv.DELIVERY_QUEUE_SIZE, spool.octets, attributes)
    oldest = spool.oldest()
    telemetry.set(semconv.DELIVERY_QUEUE_AGE, 0.0 if oldest is None else max(0.0, time.time() - oldest), attributes)
    states = {"delivered": sender.sent}
    states |= {f"dropped_{reason}": number for reason, number in spool.dropped.items()}
    states |= {f"rejected_{reason}": number for reason, number in sender.rejected.items()}
    for state, number in states.items():
        if number > said.get(state, 0):
            telemetry.add(
                semconv.DELIVERY_EVENTS, number - said.get(state, 0), {**attributes, semconv.DELIVERY_STATE: state}
            )
            said[state] = number


def _prefixes(resource: Resource) -> tuple[bytes, bytes]:
    """A ``ResourceLogs`` up to its scope, and a ``ScopeLogs`` up to its records."""
    request = ExportLogsServiceRequest()
    logs = request.resource_logs.add()
    logs.resource.attributes.extend(otlp.key_values(resource.attributes))
    head = logs.SerializeToString()
    scope = logs.scope_logs.add()
    scope.scope.name, scope.scope.version = semconv.SCOPE, __version__
    return head, scope.SerializeToString()

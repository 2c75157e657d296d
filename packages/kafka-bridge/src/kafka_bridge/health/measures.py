"""What is measured as it happens: events, commits, delays and errors, on OpenTelemetry's metrics API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_events import semconv
from opentelemetry.metrics import NoOpMeterProvider

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from dns_events import Event
    from opentelemetry.metrics import MeterProvider

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Measures:
    """Instruments of one bridge. Without an SDK they cost next to nothing.

    Args:
        meters: where they are made.
    """

    def __init__(self, meters: MeterProvider | None = None) -> None:
        self.meter = (meters or NoOpMeterProvider()).get_meter(semconv.SCOPE)
        self._events = self.meter.create_counter(
            semconv.BRIDGE_EVENTS, "{event}", "Events that were committed, seen before, or unreadable."
        )
        self._commit = self.meter.create_histogram(
            semconv.BRIDGE_COMMIT_DURATION, "s", "From a batch's first statement to its commit.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._delay = self.meter.create_histogram(
            semconv.BRIDGE_EVENT_DELAY, "s", "From the time of the oldest and newest event of a batch to its commit.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._errors = self.meter.create_counter(
            semconv.BRIDGE_ERRORS, "{error}", "Batches and turns that were rolled back and taken again."
        )

    def committed(self, new: Sequence[Event], duplicates: int, dead: int, seconds: float, now: dt.datetime) -> None:
        """One batch is in the store."""
        for state, count in (("judged", len(new)), ("duplicate", duplicates), ("dead", dead)):
            if count:
                self._events.add(count, {semconv.EVENT_STATE: state})
        self._commit.record(seconds)
        if new:
            times = [event.time for event in new]
            for time in {min(times), max(times)}:
                self._delay.record(max(0.0, (now - time).total_seconds()))

    def failed(self, part: str) -> None:
        """A batch or a turn was rolled back."""
        self._errors.add(1, {semconv.PART: part})

"""Events as OpenTelemetry metrics and log records. Needs the API only; the application brings the SDK."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from dns_events import Delegation, Event, Observation, fingerprint, otlp, semconv
from opentelemetry import metrics
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger
from opentelemetry.metrics import CallbackOptions
from opentelemetry.metrics import Observation as Point

from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.util.types import AttributeValue

    Attributes = dict[str, AttributeValue]

#: Series of one gauge; the least recently seen go first.
MAX_SERIES = 20_000


class _Latest:
    """The newest value of each series of a gauge, bounded."""

    def __init__(self) -> None:
        self._values: OrderedDict[tuple[tuple[str, AttributeValue], ...], float] = OrderedDict()

    def set(self, value: float, attributes: Attributes) -> None:
        key = tuple(sorted(attributes.items()))
        self._values[key] = value
        self._values.move_to_end(key)
        if len(self._values) > MAX_SERIES:
            self._values.popitem(last=False)

    def __call__(self, _options: CallbackOptions) -> Iterable[Point]:
        return [Point(value, dict(key)) for key, value in list(self._values.items())]


class Telemetry:
    """Records events on a meter and a logger.

    Args:
        meter_provider: the global one, where left out.
        logger_provider: likewise.
    """

    def __init__(
        self, meter_provider: MeterProvider | None = None, logger_provider: LoggerProvider | None = None
    ) -> None:
        meter = metrics.get_meter(semconv.SCOPE, __version__, meter_provider)
        self._logger = get_logger(semconv.SCOPE, __version__, logger_provider)
        self._duration = meter.create_histogram(
            semconv.LOOKUP_DURATION,
            unit="s",
            description="Time to look up a name; questions without an answer are in the observations only.",
            explicit_bucket_boundaries_advisory=semconv.LOOKUP_DURATION_BUCKETS,
        )
        self._observations = meter.create_counter(
            semconv.OBSERVATIONS, unit="{observation}", description="Questions asked, by outcome."
        )
        self._in_flight = meter.create_up_down_counter(
            semconv.IN_FLIGHT, unit="{question}", description="Questions that wait for an answer."
        )
        self._items = meter.create_counter(
            semconv.SOURCE_ITEMS, unit="{item}", description="What each source received, by what became of it."
        )
        self._expiry, self._serial, self._ttl = _Latest(), _Latest(), _Latest()
        self._answers, self._clock, self._servers = _Latest(), _Latest(), _Latest()
        for name, unit, what, gauge in (
            (
                semconv.DNSSEC_EXPIRY,
                "s",
                "Seconds since 1970 at which the first signature in use expires.",
                self._expiry,
            ),
            (semconv.ZONE_SERIAL, "{serial}", "SOA serial by server.", self._serial),
            (semconv.ANSWER_TTL, "s", "Smallest TTL of the newest answer.", self._ttl),
            (semconv.ANSWER_SET, "{answer}", "The newest answer as a number made of its fingerprint.", self._answers),
            (semconv.CLOCK_AGE, "s", "Seconds since the clock was known to be synchronized.", self._clock),
            (semconv.ZONE_SERVERS, "{server}", "Authoritative server addresses in the delegation.", self._servers),
        ):
            meter.create_observable_gauge(name, [gauge], unit=unit, description=what)

    def counted(self, source: str, state: str, number: int) -> None:
        """Items of a source came to a state."""
        self._items.add(number, {semconv.SOURCE_NAME: source, semconv.ITEM_STATE: state})

    def asked(self) -> None:
        """A question went out."""
        self._in_flight.add(1)

    def done(self) -> None:
        """Its answer, or its timeout, came."""
        self._in_flight.add(-1)

    def record(self, event: Event) -> None:
        """Record one event: its log record, and the metrics that follow from it."""
        fields = otlp.encode(event)
        self._logger.emit(
            LogRecord(
                timestamp=fields.time_unix_nano,
                observed_timestamp=time.time_ns(),
                severity_text=fields.severity_text,
                severity_number=SeverityNumber(fields.severity_number),
                body=fields.body,
                attributes=fields.attributes,
                event_name=fields.event_name,
            )
        )
        if event.probe.clock_age is not None:
            self._clock.set(event.probe.clock_age, {semconv.PROBE_ID: event.probe.id})
        if isinstance(event, Observation):
            self._observation(event)
        elif isinstance(event, Delegation):
            region = event.probe.region or event.probe.id
            self._servers.set(len(event.serials), {semconv.ZONE: event.zone, semconv.PROBE_REGION: region})
            for address, serial in event.serials.items():
                self._serial.set(
                    serial,
                    {semconv.ZONE: event.zone, semconv.SERVER_ADDRESS: address, semconv.PROBE_REGION: region},
                )

    def _observation(self, event: Observation) -> None:
        attributes: Attributes = {
            semconv.DNS_QUESTION_NAME: event.name,
            semconv.QTYPE: event.qtype,
            semconv.ZONE: event.zone,
            semconv.SERVER_ADDRESS: event.server.address,
            semconv.SERVER_ROLE: event.server.role,
            semconv.PROBE_REGION: event.probe.region or event.probe.id,
        }
        failure = otlp.error_type(event)
        if event.latency is not None:
            self._duration.record(
                event.latency, attributes if failure is None else attributes | {semconv.ERROR_TYPE: failure}
            )
        outcome: Attributes = attributes | {semconv.OUTCOME: event.outcome}
        if event.dnssec is not None:
            outcome[semconv.DNSSEC_STATUS] = event.dnssec.status
            if event.dnssec.expires is not None:
                self._expiry.set(
                    event.dnssec.expires.timestamp(),
                    {semconv.ZONE: event.zone, semconv.SERVER_ADDRESS: event.server.address},
                )
        self._observations.add(1, outcome)
        if event.ttl is not None:
            self._ttl.set(event.ttl, attributes)
        if event.outcome in {"answer", "nodata", "nxdomain"}:
            # 52 bits: exact in the double that a metric is.
            self._answers.set(int(fingerprint(event.answers)[:13], 16), attributes)

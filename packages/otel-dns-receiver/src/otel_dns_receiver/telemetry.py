"""Events as OpenTelemetry metrics and log records. Needs the API only; the application brings the SDK."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dns_events import Delegation, Observation, Registration, Traffic, fingerprint, otlp, semconv
from opentelemetry import metrics
from opentelemetry._logs import LogRecord, SeverityNumber, get_logger

from .measures import Bins, Gauge, Series, Sum
from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dns_events import Event, Probe
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider

    from .measures import Attributes, Cell

LOOKUP_DURATION_DESCRIPTION = "Time to look up a name; questions without an answer are in the observations only."
_MOST_KNOWN = 10_000

#: Instrument, unit and description of every gauge and sum.
_GAUGES = {
    semconv.DNSSEC_EXPIRY: ("s", "Seconds since 1970 at which the first signature in use expires."),
    semconv.ZONE_SERIAL: ("{serial}", "SOA serial by server."),
    semconv.ANSWER_TTL: ("s", "Smallest TTL of the newest answer."),
    semconv.ANSWER_SET: ("{answer}", "The newest answer as a number made of its fingerprint."),
    semconv.CLOCK_AGE: ("s", "Seconds since the clock was known to be synchronized."),
    semconv.CLOCK_SKEW: ("s", "How far this clock is ahead of the reference."),
    semconv.ZONE_SERVERS: ("{server}", "Authoritative server addresses in the delegation that give a serial."),
    semconv.SIGNATURE_MARGIN: (
        "s",
        "Signature lifetime left beyond the SOA's EXPIRE; below 0 a secondary that is cut off serves expired ones.",
    ),
    semconv.SERVER_CHECK: ("1", "Whether an authoritative server passes a check."),
    semconv.REGISTRATION_EXPIRY: ("s", "Seconds since 1970 at which the registration expires."),
    semconv.PROBE_CONTROL: ("1", "Whether a resolver answers for the control name."),
    semconv.PROBE_BLIND: ("1", "Whether this probe can see nothing, so that its silence means nothing."),
    semconv.DELIVERY_QUEUE_SIZE: ("By", "Octets that wait for the OTLP endpoint."),
    semconv.DELIVERY_QUEUE_AGE: ("s", "Age of the oldest that waits."),
    semconv.CONFIG_CURRENT: ("1", "Whether the configuration on disk is the one in force."),
}
_SUMS = {
    semconv.OBSERVATIONS: ("{observation}", "Questions asked, by outcome."),
    semconv.VIOLATIONS: ("{violation}", "Expectations that answers did not meet."),
    semconv.QUESTIONS: ("{question}", "Questions by what became of them: sent = answered + timed out + failed."),
    semconv.SOURCE_ITEMS: ("{item}", "What each source received, by what became of it."),
    semconv.TRAFFIC_QUERIES: ("{query}", "Queries seen in traffic, by outcome."),
    semconv.DELIVERY_EVENTS: ("{event}", "Events by what became of them on the way to the OTLP endpoint."),
    semconv.CONFIG_RELOADS: ("{reload}", "Attempts to reload the configuration."),
}
_DATA = frozenset({"answer", "nodata", "nxdomain"})


class Telemetry:
    """Records events on a meter and a logger.

    Args:
        meter_provider: the global one, where left out.
        logger_provider: likewise.
        log: takes each event in place of the logger.
        durations: whether `dns.lookup.duration` is recorded on the meter; an application that reads `durations`
            itself when it exports saves that cost.
    """

    def __init__(
        self,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
        *,
        log: Callable[[Event], None] | None = None,
        durations: bool = True,
    ) -> None:
        meter = metrics.get_meter(semconv.SCOPE, __version__, meter_provider)
        self._logger = get_logger(semconv.SCOPE, __version__, logger_provider)
        self._log = log or self._emit
        self._histogram = (
            meter.create_histogram(
                semconv.LOOKUP_DURATION,
                unit="s",
                description=LOOKUP_DURATION_DESCRIPTION,
                explicit_bucket_boundaries_advisory=semconv.LOOKUP_DURATION_BUCKETS,
            )
            if durations
            else None
        )
        self.durations = Series[Bins](lambda: Bins(semconv.LOOKUP_DURATION_BUCKETS))
        """Lookup durations in seconds, by attributes."""
        self._gauges = {name: Gauge() for name in _GAUGES}
        self._sums = {name: Sum() for name in _SUMS}
        for name, (unit, what) in _GAUGES.items():
            meter.create_observable_gauge(name, [self._gauges[name]], unit=unit, description=what)
        for name, (unit, what) in _SUMS.items():
            meter.create_observable_counter(name, [self._sums[name]], unit=unit, description=what)
        self._known: dict[tuple[object, ...], _Known] = {}
        self._newest = Series[_Newest](_Newest)

    def set(self, name: str, value: float, attributes: Attributes) -> None:
        """Set a gauge, named by `semconv`."""
        self._gauges[name].set(value, attributes)

    def add(self, name: str, number: int, attributes: Attributes) -> None:
        """Add to a sum, named by `semconv`."""
        self._sums[name].add(number, attributes)

    def of_probe(self, probe: Probe, *, blind: bool, controls: Mapping[str, bool]) -> None:
        """What a probe says of itself.

        Args:
            probe: with the lead of its clock, where that is compared.
            blind: whether it can see nothing.
            controls: whether each resolver answered for the control name, by resolver.
        """
        own = _labels(probe)
        self.set(semconv.PROBE_BLIND, int(blind), own)
        if probe.clock_skew is not None:
            self.set(semconv.CLOCK_SKEW, probe.clock_skew, own)
        for resolver, fine in controls.items():
            self.set(semconv.PROBE_CONTROL, int(fine), {**own, semconv.SERVER_NAME: resolver})

    def counted(self, source: str, state: str, number: int) -> None:
        """Items of a source came to a state."""
        self.add(semconv.SOURCE_ITEMS, number, {semconv.SOURCE_NAME: source, semconv.ITEM_STATE: state})

    def record(self, event: Event) -> None:
        """Record one event: its log record, and the metrics that follow from it."""
        self._log(event)
        if type(event) is Observation:
            key = otlp.sameness(event)
            known = self._known.get(key)
            if known is None:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                known = self._known[key] = self._first(event)
            if known.series.newest is not known:
                self._renew(known)
            known.count.value += 1
            for cell in known.violations:
                cell.value += 1
            if event.latency is not None:
                known.bins.add(event.latency)
                if self._histogram is not None:
                    self._histogram.record(event.latency, known.attributes)
        else:
            self._other(event)

    def _emit(self, event: Event) -> None:
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

    def _first(self, event: Observation) -> _Known:
        """Find what this observation, and each one like it, adds to and sets."""
        where = {semconv.ZONE: event.zone, semconv.PROBE_REGION: event.probe.region or event.probe.id}
        attributes = where | {semconv.SERVER_ADDRESS: event.server.address, semconv.SERVER_ROLE: event.server.role}
        # Names that others choose (traffic, applications) would make any number of series.
        if event.source == "probe":
            attributes |= {semconv.DNS_QUESTION_NAME: event.name, semconv.QTYPE: event.qtype}
        failure = otlp.error_type(event)
        timed = attributes if failure is None else attributes | {semconv.ERROR_TYPE: failure}
        outcome = attributes | {semconv.OUTCOME: event.outcome}
        if event.dnssec is not None:
            outcome[semconv.DNSSEC_STATUS] = event.dnssec.status
        violations = [
            self._sums[semconv.VIOLATIONS].cell(attributes | {semconv.EXPECTATION: v.expectation})
            for v in event.violations
        ]
        return _Known(
            event,
            self._sums[semconv.OBSERVATIONS].cell(outcome),
            self.durations.cell(timed),
            timed,
            violations,
            self._newest.cell(attributes),
            attributes,
        )

    def _renew(self, known: _Known) -> None:
        """Set what the newest observation of a series sets; like ones after it change nothing there."""
        known.series.newest = known
        event, attributes = known.event, known.labels
        if event.probe.clock_age is not None:
            self.set(semconv.CLOCK_AGE, event.probe.clock_age, _labels(event.probe))
        if event.dnssec is not None and event.dnssec.expires is not None:
            server = {semconv.ZONE: event.zone, semconv.SERVER_ADDRESS: event.server.address}
            self.set(semconv.DNSSEC_EXPIRY, event.dnssec.expires.timestamp(), server)
        if event.source == "probe":
            if event.ttl is not None:
                self.set(semconv.ANSWER_TTL, event.ttl, attributes)
            if event.outcome in _DATA:
                # 52 bits: exact in the double that a metric is.
                self.set(semconv.ANSWER_SET, int(fingerprint(event.answers)[:13], 16), attributes)

    def _other(self, event: Event) -> None:
        region = event.probe.region or event.probe.id
        zone: Attributes = {semconv.ZONE: event.zone, semconv.PROBE_REGION: region}
        if isinstance(event, Delegation):
            self._delegation(event, zone)
        elif isinstance(event, Registration):
            if event.expires is not None:
                self.set(semconv.REGISTRATION_EXPIRY, event.expires.timestamp(), {semconv.ZONE: event.zone})
        elif isinstance(event, Traffic):
            server = {} if event.server is None else {semconv.SERVER_ADDRESS: event.server.address}
            for outcome, number in event.outcomes.items():
                self.add(semconv.TRAFFIC_QUERIES, number, {**zone, **server, semconv.OUTCOME: outcome})

    def _delegation(self, event: Delegation, zone: Attributes) -> None:
        self.set(semconv.ZONE_SERVERS, len(event.serials), zone)
        for address, serial in event.serials.items():
            self.set(semconv.ZONE_SERIAL, serial, {**zone, semconv.SERVER_ADDRESS: address})
        if event.signatures_expire is not None and event.soa_expire is not None:
            left = event.signatures_expire.timestamp() - event.time.timestamp()
            self.set(semconv.SIGNATURE_MARGIN, left - event.soa_expire, zone)
        for view in event.servers:
            passed = {
                "authority": not view.lame,
                "tcp": view.tcp,
                "edns": None if view.edns is None else view.edns == "supported",
                "dnssec": None if view.dnssec is None else view.dnssec.status != "bogus",
            }
            for check, fine in passed.items():
                if fine is not None:
                    server = {**zone, semconv.SERVER_ADDRESS: view.address, semconv.CHECK: check}
                    self.set(semconv.SERVER_CHECK, int(fine), server)


class _Newest:
    """What was seen last in one series."""

    __slots__ = ("newest",)

    def __init__(self) -> None:
        self.newest: _Known | None = None


class _Known:
    """Where an observation, and each one like it, is counted."""

    __slots__ = ("attributes", "bins", "count", "event", "labels", "series", "violations")

    def __init__(
        self,
        event: Observation,
        count: Cell,
        bins: Bins,
        attributes: Attributes,
        violations: list[Cell],
        series: _Newest,
        labels: Attributes,
    ) -> None:
        self.event = event  # keeps alive what `sameness` tells apart by identity
        self.count = count
        self.bins = bins
        self.attributes = attributes
        self.violations = violations
        self.series = series
        self.labels = labels


def _labels(probe: Probe) -> dict[str, str]:
    return {semconv.PROBE_ID: probe.id, semconv.PROBE_REGION: probe.region or probe.id}

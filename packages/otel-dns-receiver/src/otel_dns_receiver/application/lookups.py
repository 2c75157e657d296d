"""One lookup of an application as a span, a duration and, where it failed, an event."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import os
import socket
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Literal

from dns_events import DnsEventsError, Observation, Probe, Server, new_id, normalize, semconv
from opentelemetry import metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from otel_dns_receiver.telemetry import LOOKUP_DURATION_DESCRIPTION, Telemetry
from otel_dns_receiver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dns_events import Outcome, Record, Transport
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

log = logging.getLogger(__name__)

_nested: ContextVar[bool] = ContextVar("dnstower_lookup", default=False)
_ANSWERS = frozenset({"answer", "nodata", "nxdomain", "referral"})
SPAN = "dns.lookup"


class Lookup:
    """What is known of one lookup. The instrumented function fills it in."""

    def __init__(self, span: Span, name: str, qtype: str) -> None:
        self.span = span
        self.name = name
        self.qtype = qtype
        self.outcome: Outcome | None = None
        self.error: str | None = None
        """Value of ``error.type``."""
        self.rcode: str | None = None
        self.server: str | None = None
        self.port = 53
        self.transport: Transport = "udp"
        self.answers: tuple[Record, ...] = ()
        self.detail: str | None = None
        self.blame = True
        """Whether the failure says something of the domain, or may be this machine's."""


class Lookups:
    """Records lookups.

    Args:
        tracer_provider, meter_provider, logger_provider: the global ones, where left out.
        request_hook: called with the span, the name and the type before each lookup.
        response_hook: called with the span and the result, or the exception.
        zones: the zones that names are told under; a name outside them is under its last two labels.
        events: ``failures``, ``all`` or ``none``: which lookups become log events.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        logger_provider: LoggerProvider | None = None,
        *,
        request_hook: Callable[[Span, str, str], None] | None = None,
        response_hook: Callable[[Span, Any], None] | None = None,
        zones: tuple[str, ...] = (),
        events: Literal["failures", "all", "none"] = "failures",
    ) -> None:
        self._tracer = trace.get_tracer(semconv.SCOPE, __version__, tracer_provider)
        meter = metrics.get_meter(semconv.SCOPE, __version__, meter_provider)
        self._duration = meter.create_histogram(
            semconv.LOOKUP_DURATION,
            unit="s",
            description=LOOKUP_DURATION_DESCRIPTION,
            explicit_bucket_boundaries_advisory=semconv.LOOKUP_DURATION_BUCKETS,
        )
        self._events = events
        self._telemetry = Telemetry(meter_provider, logger_provider, durations=False)
        self._request_hook, self._response_hook = request_hook, response_hook
        self._zones = tuple(sorted((normalize(zone) for zone in zones), key=len, reverse=True))
        self._probe = Probe(id=os.environ.get("OTEL_SERVICE_NAME") or socket.gethostname() or "application")
        self._said: set[str] = set()

    @contextmanager
    def lookup(self, name: str, qtype: str) -> Iterator[Lookup]:
        """Around one lookup. Whatever fails in here, the application does not notice."""
        outermost = not _nested.get()
        token = _nested.set(True)
        started = time.monotonic()
        asked = dt.datetime.now(dt.UTC)
        attributes = {semconv.DNS_QUESTION_NAME: name, semconv.QTYPE: qtype}
        # The name of the span is the same for all: a name for each domain would be any number of names.
        with self._tracer.start_as_current_span(
            SPAN, kind=SpanKind.CLIENT, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            found = Lookup(span, name, qtype)
            self._safely("request_hook", self._request_hook, span, name, qtype)
            try:
                yield found
            finally:
                _nested.reset(token)
                self._safely("telemetry", self._end, found, asked, time.monotonic() - started, outermost)

    def responded(self, found: Lookup, result: Any) -> None:
        """Call the hook with a result or an exception."""
        self._safely("response_hook", self._response_hook, found.span, result)

    def _end(self, found: Lookup, asked: dt.datetime, seconds: float, outermost: bool) -> None:
        failed = found.error is not None or (found.outcome is not None and found.outcome not in _ANSWERS)
        span = found.span
        if found.server is not None:
            span.set_attribute(semconv.SERVER_ADDRESS, found.server)
            span.set_attribute(semconv.SERVER_PORT, found.port)
        if found.outcome is not None:
            span.set_attribute(semconv.OUTCOME, found.outcome)
        error = found.error or found.outcome or "error"
        if failed:
            span.set_attribute(semconv.ERROR_TYPE, error)
            span.set_status(Status(StatusCode.ERROR, found.detail))
        if not outermost:
            return
        measured = {semconv.DNS_QUESTION_NAME: found.name} | ({semconv.ERROR_TYPE: error} if failed else {})
        self._duration.record(seconds, measured)
        if self._events == "all" or (failed and self._events == "failures"):
            self._event(found, asked, seconds)

    def _event(self, found: Lookup, asked: dt.datetime, seconds: float) -> None:
        if found.server is None or found.outcome is None or not _is_address(found.server):
            return  # an event says whom it asked; the span and the duration are there all the same
        try:
            name = normalize(found.name)
        except DnsEventsError:
            return
        silent = found.outcome in {"timeout", "unreachable"}
        self._telemetry.record(
            Observation(
                id=new_id(),
                time=asked,
                probe=self._probe,
                zone=self._zone(name),
                source="application",
                name=name,
                qtype=found.qtype,
                server=Server(address=found.server, port=found.port, role="recursive"),
                transport=found.transport,
                outcome=found.outcome,
                rcode=None if silent else found.rcode,
                answers=found.answers,
                ttl=min((record.ttl for record in found.answers), default=None),
                latency=None if silent else seconds,
                detail=found.detail,
            )
        )

    def _zone(self, name: str) -> str:
        for zone in self._zones:
            if name == zone or name.endswith(f".{zone}"):
                return zone
        return ".".join(name.split(".")[-2:])

    def _safely(self, what: str, function: Callable[..., Any] | None, *arguments: Any) -> None:
        """Call; what it raises is logged once, and the application goes on."""
        if function is None:
            return
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 - telemetry must never break its host
            if what not in self._said:
                self._said.add(what)
                log.warning("%s failed; it is not told again: %r", what, error)


def options_of(options: dict[str, Any]) -> dict[str, Any]:
    """The options that `Lookups` has; auto-instrumentation passes others along."""
    names = ("tracer_provider", "meter_provider", "logger_provider", "request_hook", "response_hook", "events")
    found = {name: options[name] for name in names if options.get(name) is not None}
    return found | {"zones": tuple(options.get("zones", ()))}


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

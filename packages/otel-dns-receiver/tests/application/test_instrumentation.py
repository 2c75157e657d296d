"""Applications' lookups: what is told, that the host notices nothing, and that everything is put back."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import contextlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.resolver
import pytest
from dns_events import otlp, semconv
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from otel_dns_receiver.application.client import Client, ResolvConf, parse
from otel_dns_receiver.application.dnspython import DnspythonInstrumentor
from otel_dns_receiver.application.getaddrinfo import GetaddrinfoInstrumentor
from udp_server import says, serving

FUNCTIONS = ("udp", "udp_with_fallback", "tcp", "tls", "https", "quic")
PATCHED = [
    *[(module, name) for module in (dns.query, dns.asyncquery) for name in FUNCTIONS],
    (dns.resolver.Resolver, "resolve"),
    (dns.asyncresolver.Resolver, "resolve"),
    (socket, "getaddrinfo"),
    (socket, "gethostbyname"),
    (socket, "gethostbyname_ex"),
    (asyncio.base_events.BaseEventLoop, "getaddrinfo"),
]  # fmt: skip


class Told:
    """An SDK in memory, and the instrumentors on it."""

    def __init__(self):
        self._spans, self._reader, self._logs = (
            InMemorySpanExporter(),
            InMemoryMetricReader(),
            InMemoryLogRecordExporter(),
        )
        self.tracers, self.meters, self.loggers = TracerProvider(), MeterProvider([self._reader]), LoggerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self.loggers.add_log_record_processor(SimpleLogRecordProcessor(self._logs))

    def instrument(self, **options):
        providers = {"tracer_provider": self.tracers, "meter_provider": self.meters, "logger_provider": self.loggers}
        for instrumentor in (DnspythonInstrumentor(), GetaddrinfoInstrumentor()):
            instrumentor.instrument(**providers, **options)

    @property
    def spans(self):
        return self._spans.get_finished_spans()

    @property
    def events(self):
        found = []
        for item in self._logs.get_finished_logs():
            record = item.log_record
            found.append((otlp.decode(record.event_name, record.timestamp, record.attributes, record.body), record))
        return found

    @property
    def durations(self):
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == semconv.LOOKUP_DURATION
            for point in metric.data.data_points
        ]


@pytest.fixture
def told():
    made = Told()
    yield made
    for instrumentor in (DnspythonInstrumentor(), GetaddrinfoInstrumentor()):
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()
    for provider in (made.tracers, made.meters, made.loggers):
        provider.shutdown()


def with_server(work, answer=None):
    """Run `work(port)` in a thread beside a name server."""

    async def go():
        async with serving(answer or says(("A", "192.0.2.1"))) as port:
            return await asyncio.to_thread(work, port)

    return asyncio.run(go())


def query(name="www.tower.test"):
    return dns.message.make_query(name, "A")


def resolver(port, asynchronous=False):
    made = (dns.asyncresolver if asynchronous else dns.resolver).Resolver(configure=False)
    made.nameservers, made.port = ["127.0.0.1"], port
    made.timeout = made.lifetime = 0.5
    return made


def nx(message):
    response = says()(message)
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response


def servfail(message):
    response = says()(message)
    response.set_rcode(dns.rcode.SERVFAIL)
    return response


@pytest.mark.parametrize("times", [1, 2])
def test_everything_is_put_back_exactly(told, times):
    before = [(vars(owner).get(name), name in vars(owner)) for owner, name in PATCHED]
    for _ in range(times):
        told.instrument()
    during = [vars(owner).get(name) for owner, name in PATCHED]
    assert all(new is not old for new, (old, _) in zip(during, before, strict=True))
    for _ in range(times):
        DnspythonInstrumentor().uninstrument()
        GetaddrinfoInstrumentor().uninstrument()
    after = [(vars(owner).get(name), name in vars(owner)) for owner, name in PATCHED]
    assert all(new[0] is old[0] and new[1] == old[1] for new, old in zip(after, before, strict=True))


def test_a_query_is_a_span_and_a_duration_and_no_event(told):
    told.instrument()
    with_server(lambda port: dns.query.udp(query(), "127.0.0.1", port=port, timeout=2))
    (span,) = told.spans
    assert (span.name, span.attributes[semconv.DNS_QUESTION_NAME]) == ("dns.lookup", "www.tower.test")
    assert span.attributes[semconv.OUTCOME] == "answer"
    assert span.attributes[semconv.SERVER_ADDRESS] == "127.0.0.1"
    assert span.status.is_ok or span.status.is_unset
    (point,) = told.durations
    assert point.count == 1
    assert tuple(point.explicit_bounds) == semconv.LOOKUP_DURATION_BUCKETS
    assert told.events == []


def test_a_resolver_is_one_lookup_with_its_queries_below(told):
    told.instrument()
    with_server(lambda port: resolver(port).resolve("www.tower.test", "A"))
    outer = next(span for span in told.spans if span.parent is None)
    inner = [span for span in told.spans if span.parent is not None]
    assert {span.parent.span_id for span in inner} == {outer.context.span_id}
    assert sum(point.count for point in told.durations) == 1


def test_asynchronously_too(told):
    told.instrument()

    async def go():
        async with serving(says(("A", "192.0.2.1"))) as port:
            await dns.asyncquery.udp(query(), "127.0.0.1", port=port, timeout=2)
            await resolver(port, asynchronous=True).resolve("www.tower.test", "A")

    asyncio.run(go())
    assert sum(span.parent is None for span in told.spans) == 2
    assert sum(point.count for point in told.durations) == 2


@pytest.mark.parametrize(
    ("answer", "raises", "outcome", "failed"),
    [
        (nx, dns.resolver.NXDOMAIN, "nxdomain", False),
        (says(), dns.resolver.NoAnswer, "nodata", False),
        (servfail, dns.resolver.NoNameservers, "servfail", True),
        (lambda _: None, dns.resolver.LifetimeTimeout, "timeout", True),
    ],
    ids=["NXDOMAIN", "NODATA", "SERVFAIL", "silence"],
)
def test_a_failure_is_told_and_raised_as_it_was(told, answer, raises, outcome, failed):
    told.instrument(zones=["tower.test"])

    def work(port):
        with pytest.raises(raises):
            resolver(port).resolve("www.tower.test", "A")

    with_server(work, answer)
    outer = next(span for span in told.spans if span.parent is None)
    assert outer.attributes[semconv.OUTCOME] == outcome
    assert (semconv.ERROR_TYPE in outer.attributes) is failed
    assert len(told.events) == failed
    if failed:
        event, record = told.events[0]
        assert (event.source, event.outcome, event.zone, event.server.address) == (
            "application", outcome, "tower.test", "127.0.0.1",
        )  # fmt: skip
        assert record.span_id == outer.context.span_id  # the failure is found from the trace


def test_the_hosts_errors_are_its_own_objects(told):
    error = RuntimeError("of the host")

    class Odd(dns.message.QueryMessage):
        def to_wire(self, *_, **__):
            raise error

    told.instrument()
    odd = Odd()
    odd.question = query().question
    with pytest.raises(RuntimeError) as caught:
        dns.query.udp(odd, "127.0.0.1", timeout=0.1)
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert told.spans[0].attributes[semconv.ERROR_TYPE] == "RuntimeError"


def test_hooks_are_called_and_a_broken_one_breaks_nothing(told, caplog):
    seen = []

    def request(span, name, qtype):
        seen.append((name, qtype))
        span.set_attribute("mine", 1)
        raise RuntimeError("hook")

    told.instrument(request_hook=request, response_hook=lambda _, result: seen.append(type(result).__name__))
    for _ in range(3):
        with_server(lambda port: dns.query.udp(query(), "127.0.0.1", port=port, timeout=2))
    assert seen[:2] == [("www.tower.test", "A"), "QueryMessage"]
    assert told.spans[0].attributes["mine"] == 1
    assert caplog.text.count("request_hook failed") == 1


def test_suppression_is_honoured(told):
    told.instrument()
    with suppress_instrumentation():
        with_server(lambda port: dns.query.udp(query(), "127.0.0.1", port=port, timeout=2))
        socket.getaddrinfo("localhost", 80)
    assert told.spans == ()


def test_without_an_sdk_nothing_changes():
    for instrumentor in (DnspythonInstrumentor(), GetaddrinfoInstrumentor()):
        instrumentor.instrument()
    try:
        with_server(lambda port: resolver(port).resolve("www.tower.test", "A"))
        assert socket.getaddrinfo("localhost", 80)
    finally:
        for instrumentor in (DnspythonInstrumentor(), GetaddrinfoInstrumentor()):
            instrumentor.uninstrument()


class TestGetaddrinfo:
    @pytest.fixture
    def broken(self, monkeypatch):
        """A C library that fails as it is told; what it does for real depends on the machine's network."""

        def fail_with(code, text="Temporary failure in name resolution"):
            def getaddrinfo(*_args, **_kwargs):
                time.sleep(0.01)
                raise error

            error = socket.gaierror(code, text)
            monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
            monkeypatch.setattr(
                ResolvConf, "read", lambda _: Client(("192.0.2.53", "192.0.2.54"), ("svc.cluster.local",), ("ndots:5",))
            )
            return error

        return fail_with

    def test_a_name(self, told):
        told.instrument()
        assert socket.getaddrinfo("localhost", 80)
        socket.gethostbyname("localhost")
        assert [span.attributes[semconv.DNS_QUESTION_NAME] for span in told.spans] == ["localhost", "localhost"]

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1%1", None, "", b"127.0.0.1"])
    def test_what_is_no_lookup(self, told, host):
        told.instrument()
        with contextlib.suppress(OSError):
            socket.getaddrinfo(host, 80)
        assert told.spans == ()

    def test_a_temporary_failure_is_not_blamed_on_the_domain(self, broken, told):
        error = broken(socket.EAI_AGAIN)
        told.instrument()
        with pytest.raises(socket.gaierror) as caught:
            socket.getaddrinfo("www.tower.test", 443)
        assert caught.value is error
        (span,) = told.spans
        assert span.attributes[semconv.ERROR_TYPE] == "EAI_AGAIN"
        assert span.attributes[semconv.CLIENT_NAMESERVERS] == ("192.0.2.53", "192.0.2.54")
        assert span.attributes[semconv.CLIENT_SEARCH] == ("svc.cluster.local",)
        ((event, _),) = told.events
        assert (event.outcome, event.rcode) == ("error", None)
        assert "this machine's" in event.detail
        assert "192.0.2.54" in event.detail

    def test_no_name_does_not_pretend_to_know_which(self, broken, told):
        broken(socket.EAI_NONAME)
        told.instrument()
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo("nope.tower.test", 443)
        ((event, _),) = told.events
        assert event.outcome == "error"
        assert "NXDOMAIN or NODATA" in event.detail

    def test_from_asyncio_it_is_measured_once_in_the_callers_trace(self, broken, told):
        broken(socket.EAI_AGAIN)
        told.instrument()
        tracer = told.tracers.get_tracer("host")

        async def go():
            with tracer.start_as_current_span("request") as outer:
                with pytest.raises(socket.gaierror):
                    await asyncio.get_running_loop().getaddrinfo("www.tower.test", 443)
                return outer.get_span_context().span_id

        parent = asyncio.run(go())
        lookups = [span for span in told.spans if span.name == "dns.lookup"]
        assert [span.parent.span_id for span in lookups] == [parent]
        assert lookups[0].attributes[semconv.CLIENT_WAIT] >= 0
        assert sum(point.count for point in told.durations) == 1

    def test_a_connection_looks_up(self, told):
        told.instrument()

        async def go():
            server = await asyncio.start_server(lambda _, writer: writer.close(), "localhost", 0)
            port = server.sockets[0].getsockname()[1]
            _, writer = await asyncio.open_connection("localhost", port)
            writer.close()
            await writer.wait_closed()
            server.close()

        asyncio.run(go())
        assert {span.attributes[semconv.DNS_QUESTION_NAME] for span in told.spans} == {"localhost"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "# x\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nsearch a.test b.test\noptions ndots:5 rotate\n",
            Client(("192.0.2.1", "fe80::1"), ("a.test", "b.test"), ("ndots:5", "rotate")),
        ),
        ("domain a.test ; old\n\nnameserver", Client((), ("a.test",), ())),
        ("", Client((), (), ())),
    ],
)
def test_resolv_conf(text, expected):
    assert parse(text) == expected


def test_auto_instrumentation_finds_both(tmp_path):
    """As users run it: the agent's own command in front of their program."""
    program = tmp_path / "app.py"
    program.write_text(
        "import socket, dns.message, dns.query, dns.exception\n"
        "socket.getaddrinfo('localhost', 80)\n"
        "try:\n    dns.query.udp(dns.message.make_query('www.tower.test', 'A'), '127.0.0.1', port=9, timeout=0.3)\n"
        "except (OSError, dns.exception.DNSException) as error:\n    print('host saw', type(error).__name__)\n"
    )
    command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable, str(program)]
    environment = {
        "PATH": str(Path(sys.executable).parent), "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none", "OTEL_SERVICE_NAME": "shop",
    }  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "host saw" in done.stdout
    assert '"dns.question.name": "localhost"' in done.stdout
    assert '"dns.question.name": "www.tower.test"' in done.stdout

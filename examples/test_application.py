"""The application of ``application/``: its lookups are told, and it prints what it prints without."""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
import threading
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PLACE = Path(__file__).parent / "application"
REQUESTS = {
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
}
RCODES = {"broken.example.": dns.rcode.SERVFAIL, "gone.example.": dns.rcode.NXDOMAIN}


class NameServer(socketserver.BaseRequestHandler):
    def handle(self):
        wire, socket = self.request
        response = dns.message.make_response(dns.message.from_wire(wire))
        response.flags |= dns.flags.RA
        name = response.question[0].name.to_text()
        response.set_rcode(RCODES.get(name, dns.rcode.NOERROR))
        if name not in RCODES:
            response.answer.append(dns.rrset.from_text(name, 300, "IN", "MX", f"10 mail.{name}"))
        socket.sendto(response.to_wire(), self.client_address)


class Sink(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got[self.path].append(REQUESTS[self.path].FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def started(instrumented: bool, resolver: int, endpoint: int) -> str:
    """What the application prints, its name server and its endpoint being these ports of loopback."""
    # The application asks the system's resolver, which a test cannot set; so its port and address are set here.
    shim = (
        "import runpy, sys, dns.resolver; Real = dns.resolver.Resolver\n"
        "def local():\n"
        f"    made = Real(configure=False); made.nameservers, made.port = ['127.0.0.1'], {resolver}; return made\n"
        "dns.resolver.Resolver = local; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    environment = dict(line.split("=", 1) for line in (PLACE / "otel.env").read_text().split())
    environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{endpoint}"
    wrapper = [str(Path(sys.executable).with_name("opentelemetry-instrument"))] if instrumented else []
    addresses = ["alice@example.com", "bob@broken.example", "carol@gone.example"]
    done = subprocess.run(
        [*wrapper, sys.executable, "-c", shim, "signup.py", *addresses], cwd=PLACE, env=os.environ | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def attributes(item) -> dict[str, object]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in item.attributes}


def test_an_applications_lookups_are_told_and_it_notices_nothing():
    with ExitStack() as stack:
        name_server = stack.enter_context(serving(socketserver.ThreadingUDPServer(("127.0.0.1", 0), NameServer)))
        sink = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
        sink.got = defaultdict(list)
        stack.enter_context(serving(sink))
        ports = name_server.server_address[1], sink.server_port
        printed = started(True, *ports)
        assert printed == started(False, *ports)
    assert all(f"    {line}" in (PLACE / "README.md").read_text() for line in printed.splitlines())

    spans = [
        span
        for request in sink.got["/v1/traces"]
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    lookups = {attributes(span)["dns.question.name"]: span for span in spans if not span.parent_span_id}
    assert {*lookups} == {"example.com", "broken.example", "gone.example"}
    assert {span.name for span in spans} == {"dns.lookup"}
    assert {span.parent_span_id for span in spans} - {b""} == {span.span_id for span in lookups.values()}

    events = [
        record
        for request in sink.got["/v1/logs"]
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]
    told = {(record.event_name, attributes(record)["dnstower.outcome"], record.trace_id) for record in events}
    assert told == {("dns.observation", "servfail", lookups["broken.example"].trace_id)}
    assert {attributes(record)["dnstower.source"] for record in events} == {"application"}

    points = [
        point
        for request in sink.got["/v1/metrics"]
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "dns.lookup.duration"
        for point in metric.histogram.data_points
    ]
    failed = {attributes(point).get("dns.question.name"): attributes(point).get("error.type") for point in points}
    assert {name for name, error in failed.items() if error} == {"broken.example"}

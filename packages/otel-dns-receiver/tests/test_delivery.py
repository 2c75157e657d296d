"""From an event to an OTLP endpoint that may be away, refuse, rotate its certificate or ask for patience."""

from __future__ import annotations

import time

import grpc
import pytest
from dns_events import Observation, Probe, Record, Server, Traffic, new_id, semconv
from otel_dns_receiver.config import Delivery
from otel_dns_receiver.delivery import sender as sender_module
from otel_dns_receiver.delivery.endpoint import endpoint
from otel_dns_receiver.errors import ReceiverError
from otel_dns_receiver.providers import Providers
from signed import NOW
from sink import GrpcSink, HttpSink

from tests.certificates import Authority

PROBE = Probe(id="t-1", region="test")
SERVER = Server(address="192.0.2.53", role="authoritative")


def observation(number=0, **more):
    return Observation(
        id=new_id(), time=NOW, probe=PROBE, zone="example.com", name="www.example.com", qtype="A", server=SERVER,
        transport="udp", outcome="answer", rcode="NOERROR", latency=0.001 * (number % 100), ttl=300,
        answers=(Record(name="www.example.com", type="A", ttl=300, data="192.0.2.1"),), **more,
    )  # fmt: skip


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Try again at once: what is under test is what is tried again, not when."""
    monkeypatch.setattr(sender_module, "_FIRST_PAUSE", 0.02)
    monkeypatch.setattr(sender_module, "_LONGEST_PAUSE", 0.1)
    monkeypatch.setattr(sender_module, "_GATHER", 0.01)
    for name in ("OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def providers(tmp_path, monkeypatch):
    """Makes providers for an endpoint; every one is shut down in the end."""
    made = []

    def make(port, protocol="grpc", scheme="http", **delivery):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{scheme}://127.0.0.1:{port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
        made.append(Providers(Delivery(directory=str(tmp_path / "queue"), most_age=86400.0, **delivery), "t-1", None))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()


@pytest.fixture(params=["grpc", "http/protobuf"])
def peer(request):
    sink = (GrpcSink if request.param == "grpc" else HttpSink)().start()
    sink.protocol = request.param
    yield sink
    sink.stop()


def test_every_kind_of_event_arrives_as_it_was(peer, providers):
    out = providers(peer.port, peer.protocol)
    events = [observation(n) for n in range(50)]
    events.append(observation(wire="AAAA", detail="why"))
    events.append(Traffic(id=new_id(), time=NOW, probe=PROBE, zone="example.com", window=60.0, queries=3))
    for event in events:
        out.telemetry.record(event)
    assert until(lambda: len(peer.events) == len(events))
    assert sorted(peer.events, key=lambda e: e.id) == sorted(events, key=lambda e: e.id)


def test_metrics_arrive_with_durations_that_the_sdk_never_saw(peer, providers):
    out = providers(peer.port, peer.protocol)
    for n in range(100):
        out.telemetry.record(observation(n))
    out.meters.force_flush()
    assert until(lambda: semconv.LOOKUP_DURATION in peer.metrics)
    (point,) = peer.metrics[semconv.LOOKUP_DURATION].histogram.data_points
    assert point.count == 100
    assert tuple(point.explicit_bounds) == semconv.LOOKUP_DURATION_BUCKETS
    assert point.sum == pytest.approx(sum(0.001 * n for n in range(100)))
    assert peer.metrics[semconv.OBSERVATIONS].sum.data_points[0].as_int == 100


def test_an_endpoint_that_is_away_loses_nothing(tmp_path, providers):
    first = GrpcSink().start()
    out = providers(first.port)
    out.telemetry.record(observation())
    assert until(lambda: len(first.events) == 1)
    first.stop()
    events = [observation(n) for n in range(500)]
    for event in events:
        out.telemetry.record(event)
    assert until(lambda: out.logs.spool.events == 500, 2)
    second = GrpcSink().start(first.port)
    assert until(lambda: set(second.ids) == {event.id for event in events})
    second.stop()
    assert not out.logs.spool.dropped


def test_what_waits_outlives_the_process(tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("otel_dns_receiver.providers._PATIENCE", 0.1)
    delivery = Delivery(directory=str(tmp_path), most_age=86400.0)
    out = Providers(delivery, "t-1", None)
    events = [observation(n) for n in range(20)]
    for event in events:
        out.telemetry.record(event)
    out.shutdown()
    sink = GrpcSink().start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{sink.port}")
    again = Providers(delivery, "t-1", None)
    assert until(lambda: set(sink.ids) == {event.id for event in events})
    again.shutdown()
    sink.stop()


@pytest.mark.parametrize(
    ("kind", "say", "rejected"),
    [
        ("grpc", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED], 0),
        ("grpc", [grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED], 0),
        ("grpc", [grpc.StatusCode.INVALID_ARGUMENT], 1),
        ("http", [(503, {}), (429, {"retry-after": "0"}), (502, {})], 0),
        ("http", [(401, {}), (404, {})], 0),
        ("http", [(400, {})], 1),
    ],
    ids=["busy", "not let in", "refused", "busy over HTTP", "not let in over HTTP", "refused over HTTP"],
)
def test_only_data_that_is_refused_is_dropped_and_counted(kind, say, rejected, providers):
    sink = (GrpcSink if kind == "grpc" else HttpSink)()
    sink.say = list(say)
    sink.start()
    out = providers(sink.port, "grpc" if kind == "grpc" else "http/protobuf")
    out.telemetry.record(observation())
    assert until(lambda: len(sink.events) == 1 - rejected and not sink.say and not out.logs.spool.events)
    assert out.logs.sender.rejected["refused"] == rejected
    assert sink.requests == len(say) + 1 - rejected
    out.report()
    out.meters.force_flush()
    assert until(lambda: semconv.DELIVERY_EVENTS in sink.metrics)
    states = {
        attribute.value.string_value: point.as_int
        for point in sink.metrics[semconv.DELIVERY_EVENTS].sum.data_points
        for attribute in point.attributes
        if attribute.key == semconv.DELIVERY_STATE
    }
    assert states.get("rejected_refused", 0) == rejected
    sink.stop()


def test_a_request_that_is_too_large_is_sent_in_parts(providers):
    sink = HttpSink()
    sink.say = [(413, {}), (413, {})]
    sink.start()
    monkeypatched = providers(sink.port, "http/protobuf")
    for n in range(64):
        monkeypatched.telemetry.record(observation(n))
    assert until(lambda: len(sink.events) == 64)
    assert not monkeypatched.logs.sender.rejected["refused"]
    sink.stop()


def test_headers_are_read_again_when_their_file_changes(tmp_path, peer, providers, monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=a%20b")
    file = tmp_path / "headers"
    file.write_text("# rotated by the vault\nauthorization: Bearer one\n")
    out = providers(peer.port, peer.protocol, headers_file=str(file))
    out.telemetry.record(observation())
    assert until(lambda: peer.requests == 1)
    file.write_text("authorization: Bearer two\n")
    out.telemetry.record(observation())
    assert until(lambda: peer.requests == 2)
    assert [h["authorization"] for h in peer.headers] == ["Bearer one", "Bearer two"]
    assert {h["x-tenant"] for h in peer.headers} == {"a b"}


def test_mutual_tls_and_a_certificate_that_is_rotated(tmp_path, providers, monkeypatch, caplog):
    server_side, client_side = Authority(tmp_path), Authority(_made(tmp_path / "clients"))
    certificate, key = server_side.issue("127.0.0.1")
    credentials = grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())], client_side.file.read_bytes(), require_client_auth=True
    )
    sink = GrpcSink().start(credentials=credentials)
    wrong = Authority(_made(tmp_path / "wrong")).issue("probe-1")
    right = client_side.issue("probe-1")
    mine = tmp_path / "mine.pem", tmp_path / "mine.key"
    for source, target in zip(wrong, mine, strict=True):
        target.write_bytes(source.read_bytes())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(server_side.file))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", str(mine[0]))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CLIENT_KEY", str(mine[1]))
    out = providers(sink.port, scheme="https")
    out.telemetry.record(observation())
    assert until(lambda: "they are kept" in caplog.text)
    assert not sink.events
    for source, target in zip(right, mine, strict=True):
        target.write_bytes(source.read_bytes())
    assert until(lambda: len(sink.events) == 1)
    assert "PRIVATE KEY" not in caplog.text
    sink.stop()


def _made(folder):
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, "write grpc or http/protobuf"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://x"}, "not a URL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://me:hunter2@x"}, "OTEL_EXPORTER_OTLP_HEADERS"),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, "entry 1 is not key=value"),
        ({"OTEL_EXPORTER_OTLP_CERTIFICATE": "/nowhere"}, "no file /nowhere"),
        ({"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, "write for instance 10"),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, "write gzip or none"),
    ],
)
def test_an_environment_that_cannot_be_meant(environment, part):
    with pytest.raises(ReceiverError, match=part) as caught:
        endpoint("logs", environment)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "url", "insecure"),
    [
        ({}, "http://localhost:4317", True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "https://collector:4317", False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "c:1", "OTEL_EXPORTER_OTLP_INSECURE": "true"}, "http://c:1", True),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "http://localhost:4318/v1/logs", True),
        (
            {"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "https://c/mine"},
            "https://c/mine",
            False,
        ),
    ],
)
def test_where_it_goes(environment, url, insecure):
    found = endpoint("logs", environment)
    assert (found.url, found.insecure) == (url, insecure)

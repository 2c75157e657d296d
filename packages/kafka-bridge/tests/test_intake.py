"""The way in: what is taken, what is refused and how, and what an acknowledgement means."""

from __future__ import annotations

import gzip

import grpc
import httpx2
import pytest
from dns_events import otlp, semconv
from kafka_bridge.errors import BridgeError
from kafka_bridge.intake.grpc import GrpcServer
from kafka_bridge.intake.http import create_app
from kafka_bridge.intake.journal import Journal
from kafka_bridge.intake.payload import count, gunzip, parse
from kafka_bridge.intake.refusal import RefusedError
from kafka_bridge.intake.web import WebServer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from wire import client, outage, request

MOST = 1 << 20
PROTOBUF = {"content-type": "application/x-protobuf"}


@pytest.fixture
def journal(pool):
    opened = Journal(pool)
    yield opened
    opened.close()


@pytest.fixture
def web(journal):
    server = WebServer(create_app(journal, MOST), "127.0.0.1", 0, "otlp-http")
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.port}") as http:
        yield http
    server.stop()


def stored(pool):
    with pool.connection() as connection:
        return [bytes(row[0]) for row in connection.execute('select payload from bus_raw order by "offset"').fetchall()]


def test_grpc_acknowledges_what_is_stored_byte_for_byte(pool, journal):
    server = GrpcServer(journal, "127.0.0.1", 0, MOST)
    channel, export = client(server.port)
    payloads = [request(outage(1)[n : n + 3]) for n in range(5)]
    for payload in payloads:
        export(payload, timeout=10)
    channel.close()
    server.stop()
    assert stored(pool) == payloads


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"\xff" * 40, grpc.StatusCode.INVALID_ARGUMENT), (b"x" * (MOST + 1), grpc.StatusCode.RESOURCE_EXHAUSTED)],
    ids=["garbage", "too large"],
)
def test_grpc_refuses(pool, journal, payload, code):
    server = GrpcServer(journal, "127.0.0.1", 0, MOST)
    channel, export = client(server.port)
    with pytest.raises(grpc.RpcError) as caught:
        export(payload, timeout=10)
    channel.close()
    server.stop()
    assert caught.value.code() == code
    assert stored(pool) == []


def test_a_grpc_bomb_is_refused(pool, journal):
    server = GrpcServer(journal, "127.0.0.1", 0, MOST)
    channel, export = client(server.port)
    with pytest.raises(grpc.RpcError) as caught:
        export(bytes(MOST * 50), timeout=20, compression=grpc.Compression.Gzip)
    channel.close()
    server.stop()
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stored(pool) == []


def test_http_takes_protobuf_plain_and_gzip(pool, web):
    payload = request(outage(1)[:3])
    assert web.post("/v1/logs", content=payload, headers=PROTOBUF).status_code == 200
    packed = gzip.compress(payload)
    assert web.post("/v1/logs", content=packed, headers=PROTOBUF | {"content-encoding": "gzip"}).status_code == 200
    assert stored(pool) == [payload, payload]


@pytest.mark.parametrize(
    ("path", "content", "headers", "status", "text"),
    [
        ("/v1/logs", b"{}", {"content-type": "application/json"}, 415, "http/protobuf"),
        ("/v1/logs", b"", PROTOBUF | {"content-encoding": "br"}, 415, "gzip"),
        ("/v1/logs", b"\xff" * 40, PROTOBUF, 400, "not an OTLP logs request"),
        ("/v1/logs", b"x" * (MOST + 1), PROTOBUF, 413, "over"),
        ("/v1/logs", b"nothing packed", PROTOBUF | {"content-encoding": "gzip"}, 400, "not gzip"),
        ("/v1/logs", gzip.compress(bytes(MOST * 50)), PROTOBUF | {"content-encoding": "gzip"}, 413, "decompression"),
        ("/v1/logs", gzip.compress(b"abc" * 99)[:-9], PROTOBUF | {"content-encoding": "gzip"}, 400, "cut off"),
        ("/v1/metrics", b"", PROTOBUF, 404, "Collector or Prometheus"),
    ],
    ids=["json", "brotli", "no request", "too large", "no gzip", "a bomb", "cut off", "metrics"],
)
def test_http_refuses(pool, web, path, content, headers, status, text):
    response = web.post(path, content=content, headers=headers)
    assert response.status_code == status
    assert text in response.text
    assert stored(pool) == []


def test_a_store_that_is_away_keeps_nobody_waiting_and_acknowledges_nothing(server, pool, web):
    pool.close()
    response = web.post("/v1/logs", content=request(outage(1)[:1]), headers=PROTOBUF, timeout=30)
    assert response.status_code == 503
    assert response.headers["retry-after"]


def test_a_port_that_is_taken_is_named(journal):
    server = GrpcServer(journal, "127.0.0.1", 0, MOST)
    with pytest.raises(BridgeError, match="choose another port"):
        GrpcServer(journal, "127.0.0.1", server.port, MOST)
    server.stop()


def test_an_identity_that_a_client_writes_is_not_believed(pool, web):
    claiming = ExportLogsServiceRequest.FromString(request(outage(1)[:1]))
    for attributes in (
        claiming.resource_logs[0].resource.attributes,
        claiming.resource_logs[0].scope_logs[0].scope.attributes,
        claiming.resource_logs[0].scope_logs[0].log_records[0].attributes,
    ):
        attributes.extend(otlp.key_values({semconv.IDENTITY: "eu-1", "kept": "yes"}))
    assert web.post("/v1/logs", content=claiming.SerializeToString(), headers=PROTOBUF).status_code == 200
    (payload,) = stored(pool)
    assert semconv.IDENTITY.encode() not in payload
    assert payload.count(b"kept") == 3


def test_bounds():
    assert count(parse(request(outage(1)[:7]), MOST)) == 7
    assert count(parse(b"", MOST)) == 0
    assert gunzip(gzip.compress(bytes(5000)), 5000) == bytes(5000)


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (lambda: gunzip(gzip.compress(bytes(range(250)) * 20), 4999), "oversized"),
        (lambda: gunzip(gzip.compress(bytes(5_000_000)), 100_000), "bomb"),
        (lambda: gunzip(b"", 10), "malformed"),
        (lambda: gunzip(gzip.compress(b"abc")[:-9], 10), "malformed"),
        (lambda: gunzip(gzip.compress(b"abc") + gzip.compress(b"lost"), 10), "malformed"),
        (lambda: parse(b"\x0a\x00" * 300_000, MOST), "oversized"),
        (
            lambda: parse(
                ExportLogsServiceRequest(resource_logs=[{"scope_logs": [{}] * 300_000}]).SerializeToString(), MOST
            ),
            "oversized",
        ),
        (lambda: parse(bytes(MOST + 1), MOST), "oversized"),
        (lambda: parse(b"\xff" * 40, MOST), "malformed"),
    ],
    ids=["large", "bomb", "nothing", "cut off", "two members", "resources", "scopes", "long", "noise"],
)
def test_out_of_bounds(work, reason):
    with pytest.raises(RefusedError) as caught:
        work()
    assert caught.value.reason == reason

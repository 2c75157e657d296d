"""Hostile requests over both transports: refused, counted by name, nothing stored, and the next good one is taken."""

from __future__ import annotations

import gzip
import socket
import ssl
import sys
import threading
import time
from typing import NamedTuple

import grpc
import pytest
from dns_events import otlp, semconv
from kafka_bridge.bridge import Bridge
from kafka_bridge.config import load_config
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from senders import (
    METHOD,
    MOST,
    OTHER,
    PROBES,
    SLOW,
    TOKEN,
    Endpoint,
    batch,
    bomb,
    events_of,
    export,
    over_grpc,
    over_http,
    sha,
    watching_memory,
)
from wire import INVENTORY_YAML, request

from tests.certificates import DAY, Authority

HOUR = 3600.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder)


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("127.0.0.1")


@pytest.fixture
def endpoint(tmp_path, certificate):
    opened = Endpoint(tmp_path, PROBES, *certificate)
    yield opened
    opened.stop()


@pytest.fixture
def mutual(tmp_path, certificate, authority):
    text = "version: 1\nprobes:\n  - {id: eu-1, region: eu-west, certificate: eu-1.example}\n"
    opened = Endpoint(tmp_path, text, *certificate, authority.file)
    yield opened
    opened.stop()


def hidden_in_the_body(probe):
    """A record that says who looked in its body only, where the decoder looks for it last."""
    message = ExportLogsServiceRequest()
    record = message.resource_logs.add().scope_logs.add().log_records.add()
    record.CopyFrom(otlp.to_proto(events_of("eu-1", "eu-west", 1)[0]))
    kept = [item for item in record.attributes if item.key not in {semconv.PROBE_ID, semconv.PROBE_REGION}]
    del record.attributes[:]
    record.attributes.extend(kept)
    record.body.string_value = f'{{"\\u0070robe": {{"id": "{probe}", "region": "eu-west"}}}}'
    assert otlp.from_proto(record).probe.id == probe
    return message.SerializeToString()


class Case(NamedTuple):
    name: str
    message: object
    reason: str
    codes: tuple[str, int]
    says: str
    token: str | None = TOKEN
    gzip: bool = False
    probe: str = "eu-1"


FORGED = ("PERMISSION_DENIED", 403)
UNKNOWN = ("UNAUTHENTICATED", 401)
LARGE = ("RESOURCE_EXHAUSTED", 413)
INVALID = ("INVALID_ARGUMENT", 400)

CASES = [
    Case("a forged region", lambda: batch(region="us-east"), "forged", FORGED, "region 'us-east'"),
    Case("a forged id", lambda: batch("us-1", "us-east"), "forged", FORGED, "probe 'us-1'"),
    Case("an id nobody has", lambda: batch("мск"), "forged", FORGED, "proved is 'eu-1'"),
    Case("forged in the body", lambda: hidden_in_the_body("us-1"), "forged", FORGED, "'us-1'"),
    Case(
        "one of many",
        lambda: request(events_of("eu-1", "eu-west") + events_of("us-1", "us-east", 1)),
        "forged",
        FORGED,
        "'us-1'",
    ),
    Case("no credentials", batch, "unauthenticated", UNKNOWN, "Bearer", token=None, probe="unknown"),
    Case("a wrong token", batch, "unauthenticated", UNKNOWN, "no probe's", token=TOKEN + "x", probe="unknown"),
    Case("a hash for a token", batch, "unauthenticated", UNKNOWN, "no probe's", token=sha(TOKEN), probe="unknown"),
    Case("too much", lambda: bytes(MOST + 1), "oversized", LARGE, ""),
    Case("a bomb", bomb, "bomb", LARGE, "larger than max", gzip=True),
    Case("gzip cut off", lambda: gzip.compress(batch())[:-9], "malformed", INVALID, "cut off", gzip=True),
    Case("no gzip", lambda: b"\x1f" * 99, "malformed", INVALID, "not gzip", gzip=True),
    Case("noise", lambda: b"\xff" * 99, "malformed", INVALID, "not an OTLP logs request"),
    Case("too old", lambda: batch(age=49 * HOUR), "stale", INVALID, "49 h old"),
    Case("ahead", lambda: batch(age=-HOUR), "stale", INVALID, "check the clock of probe eu-1"),
]

each_transport = pytest.mark.parametrize("transport", ["grpc", "http"])
OK = {"grpc": "OK", "http": 200}


@each_transport
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refused(endpoint, authority, transport, case):
    code, said = export(transport, endpoint, authority.file, case.message(), token=case.token, gzip=case.gzip)
    assert code == case.codes[transport == "http"], said
    assert case.says in said["text"]
    assert endpoint.refused() == {(case.reason, case.probe): 1}
    assert endpoint.sink.payloads == []
    assert export(transport, endpoint, authority.file, batch(), token=TOKEN)[0] == OK[transport]
    assert len(endpoint.sink.payloads) == 1


@each_transport
@pytest.mark.parametrize("fault", ["expired", "another authority's", "unknown here", "none"])
def test_certificates_refused(mutual, authority, folder, tmp_path, transport, fault):
    if fault == "expired":
        shown = authority.issue("eu-1.example", start=-2 * DAY, end=-DAY)
    elif fault == "another authority's":
        (tmp_path / "other").mkdir()
        shown = Authority(tmp_path / "other").issue("eu-1.example")
    else:
        shown = authority.issue("us-1.example") if fault == "unknown here" else None
    code, said = export(transport, mutual, authority.file, batch(), certificate=shown)
    if fault == "unknown here":
        assert code == {"grpc": "UNAUTHENTICATED", "http": 401}[transport]
        assert "us-1.example" in said["text"]
    elif fault == "none" and transport == "http":
        assert code == 401
    else:
        assert code in {"UNAVAILABLE", "ReadError", "ConnectError", "RemoteProtocolError", "WriteError"}
    # gRPC does not tell of handshakes that failed.
    counted = transport == "http" or fault == "unknown here"
    assert mutual.refused() == ({("unauthenticated", "unknown"): 1} if counted else {})
    assert mutual.sink.payloads == []
    good = authority.issue("eu-1.example")
    assert export(transport, mutual, authority.file, batch(), certificate=good)[0] == OK[transport]
    assert len(mutual.sink.payloads) == 1


@each_transport
def test_too_fast(endpoint, authority, transport):
    def send(count):
        return export(transport, endpoint, authority.file, batch("slow-1", count=count), token=SLOW)

    assert send(10)[0] == OK[transport]
    code, said = send(4)
    assert code == {"grpc": "RESOURCE_EXHAUSTED", "http": 429}[transport]
    assert "come back in 4.0 s" in said["text"]
    if transport == "http":
        assert said["retry-after"] == "4"
    else:
        from google.rpc import error_details_pb2, status_pb2

        info = error_details_pb2.RetryInfo.FromString(said["google.rpc.retryinfo-bin"])
        assert info.retry_delay.seconds == 4
        (detail,) = status_pb2.Status.FromString(said["grpc-status-details-bin"]).details
        assert detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    assert endpoint.refused() == {("rate", "slow-1"): 1}
    assert export(transport, endpoint, authority.file, batch(), token=TOKEN)[0] == OK[transport], (
        "others are not slowed"
    )
    endpoint.clock.seconds += 4
    assert send(4)[0] == OK[transport]
    assert len(endpoint.sink.payloads) == 3


@each_transport
def test_the_same_request_again_is_acknowledged_and_not_stored(endpoint, authority, transport):
    payload = batch()
    for _ in range(3):
        assert export(transport, endpoint, authority.file, payload, token=TOKEN)[0] == OK[transport]
    assert len(endpoint.sink.payloads) == 1
    assert endpoint.refused() == {("replayed", "eu-1"): 2}
    assert endpoint.guard.counts.snapshot().accepted == {"eu-1": (1, 3, len(payload))}
    assert export(transport, endpoint, authority.file, payload, token=OTHER)[0] != OK[transport]


@each_transport
def test_what_was_not_stored_is_no_replay(endpoint, authority, transport):
    payload = batch("slow-1", count=10)
    endpoint.sink.away = True
    code, _ = export(transport, endpoint, authority.file, payload, token=SLOW)
    assert code == {"grpc": "UNAVAILABLE", "http": 503}[transport]
    assert endpoint.refused() == {("unavailable", "slow-1"): 1}
    endpoint.sink.away = False
    assert export(transport, endpoint, authority.file, payload, token=SLOW)[0] == OK[transport]
    assert len(endpoint.sink.payloads) == 1


@each_transport
def test_what_is_stored_carries_who_was_proved(endpoint, authority, transport):
    sent = ExportLogsServiceRequest.FromString(batch())
    sent.resource_logs[0].resource.attributes.extend(otlp.key_values({semconv.IDENTITY: "us-1", "service.name": "x"}))
    assert export(transport, endpoint, authority.file, sent.SerializeToString(), token=TOKEN)[0] == OK[transport]
    (payload,) = endpoint.sink.payloads
    (item,) = ExportLogsServiceRequest.FromString(payload).resource_logs
    assert [(a.key, a.value.string_value) for a in item.resource.attributes] == [
        ("service.name", "x"),
        (semconv.IDENTITY, "eu-1"),
    ]
    assert list(item.scope_logs) == list(sent.resource_logs[0].scope_logs)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@each_transport
def test_a_bomb_takes_no_memory(endpoint, authority, transport):
    packed = bomb(3)
    export(transport, endpoint, authority.file, batch(), token=TOKEN)  # what is imported late is there
    grown = watching_memory(lambda: export(transport, endpoint, authority.file, packed, token=TOKEN, gzip=True))
    assert grown < 64
    assert endpoint.refused() == {("bomb", "eu-1"): 1}


@each_transport
def test_tokens_are_exchanged_without_a_restart(endpoint, authority, transport, caplog):
    def send(token):
        return export(transport, endpoint, authority.file, batch(), token=token)[0] == OK[transport]

    both = PROBES.replace(f"token_sha256: {sha(TOKEN)}", f"token_sha256: [{sha(TOKEN)}, {sha('new')}]")
    endpoint.file.write_text(both)
    assert send(TOKEN)
    assert send("new")
    endpoint.file.write_text(PROBES.replace(sha(TOKEN), sha("new")))
    assert not send(TOKEN)
    assert send("new")
    endpoint.file.write_text("version: 1\nprobes:\n  - {id: eu-1, reggae: x}\n")
    assert send("new"), "the last good one stays in force"
    assert f"{endpoint.file}:3:16: unknown key 'reggae'" in caplog.text
    endpoint.file.write_text("version: 1\nprobes: []\n")
    assert not send("new")
    assert "dnstower_" not in caplog.text


@each_transport
def test_certificates_are_exchanged_without_a_restart(tmp_path, transport, caplog):
    old, new = (Authority(tmp_path / name) for name in ("old", "new") if not (tmp_path / name).mkdir())
    files = [tmp_path / name for name in ("server.pem", "server.key", "clients.pem")]

    def install(authority):
        for file, source in zip(files, (*authority.issue("127.0.0.1"), authority.file), strict=True):
            file.write_bytes(source.read_bytes())

    install(old)
    text = "version: 1\nprobes:\n  - {id: eu-1, region: eu-west, certificate: eu-1.example}\n"
    endpoint = Endpoint(tmp_path, text, *files)

    def send(server, client):
        shown = client.issue("eu-1.example")
        return export(transport, endpoint, server.file, batch(), certificate=shown)[0] == OK[transport]

    try:
        assert send(old, old)
        files[1].write_text("not a key")
        assert send(old, old), "the last good ones stay in force"
        assert "the certificates stay as they were" in caplog.text
        install(new)
        assert send(new, new)
        assert not send(old, new), "the server shows the new certificate"
        assert not send(new, old), "clients of the old authority are strangers"
        assert len(endpoint.sink.payloads) == 3
    finally:
        endpoint.stop()


@each_transport
def test_a_probe_with_letters_of_its_own(tmp_path, certificate, authority, transport):
    text = f"version: 1\nprobes:\n  - {{id: bücher-1, region: köln, token_sha256: {sha(TOKEN)}}}\n"
    endpoint = Endpoint(tmp_path, text, *certificate)
    try:
        code, said = export(transport, endpoint, authority.file, batch(), token=TOKEN)
        assert code in {"PERMISSION_DENIED", 403}
        assert "proved is 'bücher-1' of region 'köln'" in said["text"]
        assert export(transport, endpoint, authority.file, batch("bücher-1", "köln"), token=TOKEN)[0] == OK[transport]
        assert endpoint.refused() == {("forged", "bücher-1"): 1}
    finally:
        endpoint.stop()


@each_transport
def test_a_collector_speaks_for_those_it_is_given(tmp_path, certificate, authority, transport):
    text = PROBES + "  - {id: gw, certificate: gw.example, speaks_for: [eu-1, us-1]}\n"
    endpoint = Endpoint(tmp_path, text, *certificate, authority.file)
    shown = authority.issue("gw.example")

    def send(*events):
        return export(
            transport, endpoint, authority.file, request([e for many in events for e in many]), certificate=shown
        )

    try:
        assert send(events_of("eu-1", "eu-west"), events_of("us-1", "us-east"))[0] == OK[transport]
        assert "'slow-1'" in send(events_of("slow-1", "eu-west"))[1]["text"]
        assert "claims region 'us-east'" in send(events_of("eu-1", "us-east"))[1]["text"]
        assert endpoint.refused() == {("forged", "gw"): 2}
        assert b"gw" in endpoint.sink.payloads[0]
        assert len(endpoint.sink.payloads) == 1
    finally:
        endpoint.stop()


def test_refusals_are_logged_once_in_ten_seconds_with_their_peer_and_no_token(endpoint, authority, caplog):
    for _ in range(3):
        export("http", endpoint, authority.file, batch(), token="dnstower_wrong")
    (line,) = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert line.startswith("refused, unauthenticated, probe unknown, from http:127.0.0.1:")
    endpoint.clock.seconds += 10
    export("http", endpoint, authority.file, batch(), token="dnstower_wrong")
    assert "and 2 more like it" in caplog.text
    assert "dnstower_wrong" not in caplog.text


@each_transport
def test_a_sender_that_does_not_go_on_is_given_up(tmp_path, certificate, authority, transport, monkeypatch):
    monkeypatch.setattr(f"kafka_bridge.intake.{transport}._BODY_SECONDS", 0.1)
    endpoint = Endpoint(tmp_path, PROBES, *certificate)
    never = threading.Event()
    try:
        if transport == "grpc":
            credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
            with grpc.secure_channel(f"127.0.0.1:{endpoint.ports['grpc']}", credentials) as channel:
                waiting = iter(never.wait, True)
                call = channel.stream_unary(METHOD).future(waiting, metadata=[("authorization", f"Bearer {TOKEN}")])
                assert call.exception(timeout=20).code() == grpc.StatusCode.CANCELLED
                never.set()
        else:
            context = ssl.create_default_context(cafile=authority.file)
            with (
                socket.create_connection(("127.0.0.1", endpoint.ports["http"]), timeout=20) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
            ):
                head = (
                    "POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 9\r\n"
                )
                connection.sendall(f"{head}authorization: Bearer {TOKEN}\r\n\r\n".encode())
                assert connection.recv(4096).startswith(b"HTTP/1.1 400 ")
        until = time.monotonic() + 20
        while not endpoint.refused() and time.monotonic() < until:  # the client may hear of it first
            time.sleep(0.01)
        assert endpoint.refused() == {("malformed", "eu-1"): 1}
        assert export(transport, endpoint, authority.file, batch(), token=TOKEN)[0] == OK[transport]
    finally:
        never.set()
        endpoint.stop()


@each_transport
def test_a_probe_has_its_own_largest_request(tmp_path, certificate, authority, transport):
    text = f"version: 1\nprobes:\n  - {{id: eu-1, region: eu-west, token_sha256: {sha(TOKEN)}, max_bytes: 4096}}\n"
    endpoint = Endpoint(tmp_path, text, *certificate)
    large = batch(count=20)
    try:
        code, said = export(transport, endpoint, authority.file, large, token=TOKEN)
        assert code == LARGE[transport == "http"]
        assert "larger than max (4096 bytes)" in said["text"]
        packed = gzip.compress(large)
        assert export(transport, endpoint, authority.file, packed, token=TOKEN, gzip=True)[0] == code
        assert endpoint.refused() == {("oversized", "eu-1"): 2}
        assert export(transport, endpoint, authority.file, batch(), token=TOKEN)[0] == OK[transport]
        assert len(endpoint.sink.payloads) == 1
    finally:
        endpoint.stop()


def test_a_whole_bridge(server, pool, tmp_path, certificate, authority):
    """From bridge.yaml to the store: the forged request is not there, the other with who was proved."""
    (tmp_path / "probes.yaml").write_text(PROBES)
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    file = tmp_path / "bridge.yaml"
    file.write_text(f"""\
version: 1
inventory: inventory.yaml
store: {{url: "{server.conninfo}"}}
board: null
otlp:
  grpc: "127.0.0.1:0"
  http: "127.0.0.1:0"
  tls: {{certificate: {certificate[0]}, key: {certificate[1]}}}
  probes: probes.yaml
""")
    with Bridge(load_config(file)) as bridge:
        for send, port in ((over_grpc, bridge.ports.grpc), (over_http, bridge.ports.http)):
            assert send(port, authority.file, batch("us-1", "us-east"), token=TOKEN)[0] in {"PERMISSION_DENIED", 403}
            assert send(port, authority.file, batch(), token=TOKEN)[0] in {"OK", 200}
        assert bridge.guard.counts.snapshot().refused == {("forged", "eu-1"): 2}
    with pool.connection() as connection:
        rows = connection.execute("select payload from bus_raw").fetchall()
    assert len(rows) == 2
    for (payload,) in rows:
        (item,) = ExportLogsServiceRequest.FromString(bytes(payload)).resource_logs
        assert item.resource.attributes[0].value.string_value == "eu-1"

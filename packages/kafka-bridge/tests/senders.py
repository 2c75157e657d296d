"""Probes, honest ones and others, and the endpoint that they send to."""

from __future__ import annotations

import datetime as dt
import hashlib
import socket
import ssl
import struct
import zlib
from contextlib import ExitStack
from pathlib import Path

import grpc
import h2.config
import h2.connection
import h2.events
import httpx2
import msgspec
from dns_events import Probe
from kafka_bridge.config import OtlpTls
from kafka_bridge.intake.contract import UnavailableError
from kafka_bridge.intake.grpc import GrpcServer
from kafka_bridge.intake.guard import Guard
from kafka_bridge.intake.http import create_app
from kafka_bridge.intake.refusal import RefusedError
from kafka_bridge.intake.tls import Certificates
from kafka_bridge.intake.web import WebServer
from kafka_bridge.probes.watched import WatchedRoster
from wire import outage, request

METHOD = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
PROTOBUF = {"content-type": "application/x-protobuf"}
MOST = 4 << 20
TOKEN = "dnstower_eu"
OTHER = "dnstower_us"
SLOW = "dnstower_slow"


def sha(token):
    return hashlib.sha256(token.encode()).hexdigest()


PROBES = f"""\
version: 1
probes:
  - {{id: eu-1, region: eu-west, token_sha256: {sha(TOKEN)}}}
  - {{id: us-1, region: us-east, token_sha256: {sha(OTHER)}}}
  - {{id: slow-1, region: eu-west, token_sha256: {sha(SLOW)}, rate: 1, burst: 10s}}
"""


class Sink:
    """A way in that keeps what it is given, or is away."""

    def __init__(self):
        self.payloads = []
        self.away = False

    def append(self, payload, peer):
        if self.away:
            msg = "the store does not answer"
            raise UnavailableError(msg)
        self.payloads.append(payload)


class Clock:
    """Time that passes when the test says so."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


class Endpoint:
    """Both servers with one guard."""

    def __init__(self, folder, probes, certificate, key, clients=None):
        self.file = folder / "probes.yaml"
        self.file.write_text(probes)
        self.sink, self.clock = Sink(), Clock()
        watched = WatchedRoster(self.file, certificates=clients is not None, every=0)
        self.guard = Guard(watched, clock=self.clock)
        tls = OtlpTls(certificate=str(certificate), key=str(key), clients=None if clients is None else str(clients))
        certificates = Certificates(
            tls, lambda text: self.guard.refused(RefusedError("unauthenticated", text), None, "a TLS handshake")
        )
        self._web = WebServer(
            create_app(self.sink, MOST, guard=self.guard), "127.0.0.1", 0, "otlp-http", tls=certificates
        )
        self._grpc = GrpcServer(self.sink, "127.0.0.1", 0, MOST, guard=self.guard, tls=certificates)
        self.ports = {"grpc": self._grpc.port, "http": self._web.port}

    def stop(self):
        self._grpc.stop()
        self._web.stop()

    def refused(self):
        return dict(self.guard.counts.snapshot().refused)


def export(transport, endpoint, ca, message, *, token=None, certificate=None, gzip=False):
    """Send over a connection of its own; returns the code's name or HTTP status, and the headers or trailers."""
    send = {"grpc": over_grpc, "http": over_http}[transport]
    return send(endpoint.ports[transport], ca, message, token=token, certificate=certificate, gzip=gzip)


def over_http(port, ca, message, *, token=None, certificate=None, gzip=False):
    context = ssl.create_default_context(cafile=ca)
    if certificate is not None:
        context.load_cert_chain(*certificate)
    headers = PROTOBUF | ({"authorization": f"Bearer {token}"} if token else {})
    if gzip:
        headers |= {"content-encoding": "gzip"}
    with httpx2.Client(verify=context) as client:
        try:
            response = client.post(f"https://127.0.0.1:{port}/v1/logs", content=message, headers=headers, timeout=30)
        except httpx2.TransportError as error:
            return type(error).__name__, {}
        return response.status_code, {**response.headers, "text": response.text}


def over_grpc(port, ca, message, *, token=None, certificate=None, gzip=False):
    if gzip:
        assert certificate is None
        return over_raw_grpc(port, ca, message, token)
    chain, key = (None, None) if certificate is None else (file.read_bytes() for file in certificate)
    credentials = grpc.ssl_channel_credentials(ca.read_bytes(), private_key=key, certificate_chain=chain)
    # A pool of its own: channels with equal credentials would share their connections.
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0), ("grpc.max_send_message_length", -1)]
    with grpc.secure_channel(f"127.0.0.1:{port}", credentials, options=options) as channel:
        metadata = [("authorization", f"Bearer {token}")] if token else []
        try:
            channel.unary_unary(METHOD)(message, timeout=30, metadata=metadata)
        except grpc.RpcError as error:
            return error.code().name, {**dict(error.trailing_metadata() or ()), "text": error.details()}
    return "OK", {}


def over_raw_grpc(port, ca, packed, token):
    """A message that is compressed already; a client of gRPC would have to hold all of what it stands for."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    message = struct.pack(">BI", 1, len(packed)) + packed
    headers = [
        (":method", "POST"), (":scheme", "https"), (":path", METHOD), (":authority", "127.0.0.1"), ("te", "trailers"),
        ("content-type", "application/grpc"), ("grpc-encoding", "gzip"), ("authorization", f"Bearer {token}"),
    ]  # fmt: skip
    sent, found, ended = 0, {}, False
    with ExitStack() as stack:
        plain = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
        connection = stack.enter_context(context.wrap_socket(plain, server_hostname="127.0.0.1"))
        http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        http.initiate_connection()
        http.send_headers(1, headers)
        while not ended:
            while sent < len(message):
                size = min(http.local_flow_control_window(1), http.max_outbound_frame_size, len(message) - sent)
                if size <= 0:
                    break
                http.send_data(1, message[sent : sent + size], end_stream=sent + size == len(message))
                sent += size
            connection.sendall(http.data_to_send())
            data = connection.recv(1 << 16)
            if not data:
                break
            for event in http.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                    found |= {key.decode(): value.decode() for key, value in event.headers}
                ended |= isinstance(event, h2.events.StreamEnded | h2.events.StreamReset)
    code = next((c.name for c in grpc.StatusCode if str(c.value[0]) == found.get("grpc-status")), "no status")
    return code, {"text": found.get("grpc-message", "")}


def events_of(probe, region, count=3, *, age=0.0):
    """Fresh events, or as old as is said, of a probe."""
    shift = dt.timedelta(seconds=age)
    return [
        msgspec.structs.replace(event, probe=Probe(id=probe, region=region), time=event.time - shift)
        for event in outage(1)[:count]
    ]


def batch(probe="eu-1", region="eu-west", count=3, *, age=0.0):
    return request(events_of(probe, region, count, age=age))


def bomb(gigabytes=1):
    """Gzip of zeros, made of one block again and again."""
    engine = zlib.compressobj(9, wbits=31)
    head = engine.compress(b"") + engine.flush(zlib.Z_FULL_FLUSH)
    block = engine.compress(bytes(1 << 20)) + engine.flush(zlib.Z_FULL_FLUSH)
    return head + block * (gigabytes << 10)


def watching_memory(work):
    """Megabytes by which the process's peak has grown during some work."""

    def peak():
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) >> 10

    before = peak()
    work()
    return peak() - before

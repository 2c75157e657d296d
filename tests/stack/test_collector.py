"""The real OpenTelemetry Collector on either side of the brokers: it writes what we read, and reads what we write."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time

import grpc
import pytest
from kafka_bridge.intake.grpc import GrpcServer
from kafka_bridge.pipeline.decode import decode

from tests.stack.bridges import Stack, recent, requests
from tests.stack.kafka.broker import free

OTELCOL = shutil.which("otelcol")
EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


@pytest.fixture(autouse=True)
def collector_with_kafka():
    if OTELCOL is None:
        pytest.skip("no OpenTelemetry Collector (otelcol) on the PATH")
    parts = subprocess.run([OTELCOL, "components"], capture_output=True, text=True, check=True).stdout
    if parts.count("name: kafka") < 2:
        pytest.skip("the OpenTelemetry Collector on the PATH is without Kafka exporter and receiver")


@pytest.fixture
def stack(request, tmp_path, broker, postgres):
    opened = Stack(tmp_path, broker, postgres, f"col{abs(hash(request.node.name)) % 10**8}")
    yield opened
    opened.close()


@pytest.fixture
def collector(tmp_path):
    """Starts a Collector with a configuration."""
    started = []

    def start(config):
        file = tmp_path / "collector.yaml"
        file.write_text(
            json.dumps({**config, "service": {**config["service"], "telemetry": {"metrics": {"level": "none"}}}})
        )
        log = (tmp_path / "collector.log").open("wb")
        started.append((subprocess.Popen([OTELCOL, "--config", str(file)], stdout=log, stderr=subprocess.STDOUT), log))
        return tmp_path / "collector.log"

    yield start
    for process, log in started:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.mark.parametrize("encoding", ["otlp_proto", "otlp_json"])
def test_its_kafka_exporter_writes_what_we_judge(stack, collector, encoding):
    sent = recent()
    (port,) = free(1)
    log = collector(
        {
            "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}},
            "processors": {"batch": {"timeout": "200ms", "send_batch_size": 400, "send_batch_max_size": 400}},
            "exporters": {
                "kafka": {
                    "brokers": [stack.broker.bootstrap],
                    "logs": {"topic": f"{stack.prefix}dns.raw", "encoding": encoding},
                    "producer": {"required_acks": -1},
                }
            },
            "service": {
                "pipelines": {"logs": {"receivers": ["otlp"], "processors": ["batch"], "exporters": ["kafka"]}}
            },
        }
    )
    stack.bridge(("normalize", "judge", "correlate", "deliver", "archive"))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        grpc.channel_ready_future(channel).result(30)
        export = channel.unary_unary(EXPORT)
        for payload in requests(sent):
            export(payload, timeout=20)
        stack.reconcile(sent)
    assert "error" not in log.read_text()


class Sink:
    """A way in that keeps the ids of events."""

    def __init__(self):
        self.ids = set()
        self.lock = threading.Lock()

    def append(self, payload, peer):
        import datetime as dt

        decoded = decode(payload, dt.datetime.now(dt.UTC))
        assert not decoded.dead
        with self.lock:
            self.ids |= {event.id for event in decoded.events}


def test_its_kafka_receiver_reads_what_we_forward(stack, collector):
    sent = recent()
    sink = Sink()
    server = GrpcServer(sink, "127.0.0.1", 0, 16 << 20)
    try:
        log = collector(
            {
                "receivers": {
                    "kafka": {
                        "brokers": [stack.broker.bootstrap], "group_id": f"{stack.prefix}collector",
                        "initial_offset": "earliest",
                        "logs": {"topics": [f"{stack.prefix}dns.raw"], "encoding": "otlp_proto"},
                    }
                },
                "exporters": {"otlp": {"endpoint": f"127.0.0.1:{server.port}", "tls": {"insecure": True}}},
                "service": {"pipelines": {"logs": {"receivers": ["kafka"], "exporters": ["otlp"]}}},
            }
        )  # fmt: skip
        forwarding = stack.bridge(("forward",))
        for payload in requests(sent):
            forwarding.send(payload)
        until = time.monotonic() + 60
        while len(sink.ids) < len(sent):
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        assert sink.ids == {event.id for event in sent}
    finally:
        server.stop()

"""The command as it runs: killed, reloaded, misconfigured, and with every kind of source at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import jsonschema
import pytest
from dns_events import semconv
from otel_dns_receiver.config import schema
from sink import GrpcSink
from test_transports import free_port

CONFIG = """\
version: 1
probe: {{id: t-1, region: test}}
interval: 500ms
timeout: 200ms
resolvers: [{{address: 127.0.0.1, port: {port}}}]
control: null
root_hints: root.hints
delivery: {{directory: queue}}
zones: [{{zone: {zone}}}]
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "root.hints").write_text(". 60 IN NS ns.\nns. 60 IN A 127.255.255.254\n")
    return tmp_path


@contextmanager
def running(place, sink, *options):
    environment = {
        **os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.port}", "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp", "OTEL_METRIC_EXPORT_INTERVAL": "500", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
    }  # fmt: skip
    command = [sys.executable, "-m", "otel_dns_receiver", "run", "--config", "receiver.yaml", *options]
    with (place / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def write(place, zone, port=9):
    fresh = place / "fresh"
    fresh.write_text(CONFIG.format(zone=zone, port=port))
    fresh.replace(place / "receiver.yaml")


def zones(sink):
    return {event.zone for event in sink.events}


@pytest.mark.parametrize("how", ["signal", "file"])
def test_a_broken_configuration_never_takes_the_place_of_a_good_one(place, how):
    write(place, "one.test")
    sink = GrpcSink().start()

    def change(text):
        (place / "receiver.yaml").write_text(text)
        if how == "signal":
            process.send_signal(signal.SIGHUP)

    with running(place, sink) as process:
        assert until(lambda: zones(sink) == {"one.test"}), (place / "log").read_text()
        change(CONFIG.format(zone="two.test", port=9).replace("interval: 500ms", "interval: often"))
        assert until(lambda: "receiver.yaml:3:" in (place / "log").read_text())
        before = len(sink.events)
        assert until(lambda: len(sink.events) > before + 5)
        assert zones(sink) == {"one.test"}
        assert until(lambda: semconv.CONFIG_CURRENT in sink.metrics)
        assert until(lambda: sink.metrics[semconv.CONFIG_CURRENT].gauge.data_points[0].as_double == 0
                     and sink.metrics[semconv.CONFIG_CURRENT].gauge.data_points[0].as_int == 0)  # fmt: skip
        change(CONFIG.format(zone="two.test", port=9))
        assert until(lambda: "two.test" in zones(sink)), (place / "log").read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    sink.stop()


def test_kill_9_and_an_endpoint_that_is_away_lose_nothing(place):
    """Every event that the receiver printed arrives, whatever dies meanwhile."""
    write(place, "one.test")
    sink = GrpcSink().start()
    port = sink.port
    printed = []
    for round_ in range(3):
        if round_ == 1:
            sink.stop()
        with running(place, sink, "--console") as process:
            for line in process.stdout:
                printed.append(json.loads(line)["id"])
                if len(printed) >= 15 * (round_ + 1):
                    break
            time.sleep(0.1)  # what was printed in this turn of the loop is on disk at its end
            process.kill()
        if round_ == 1:
            again = GrpcSink()
            again.events = sink.events
            sink = again.start(port)
    with running(place, sink):
        assert until(lambda: set(printed) <= set(sink.ids)), len(set(printed) - set(sink.ids))
    sink.stop()


def test_sent_is_answered_and_timed_out_and_failed(place):
    write(place, "one.test")
    sink = GrpcSink().start()
    with running(place, sink, "--console") as process:
        for number, _ in enumerate(process.stdout):
            if number == 20:
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=15)
    sink.stop()
    (line,) = [text for text in (place / "log").read_text().splitlines() if "sent " in text]
    counts = {words.split()[-2]: int(words.split()[-1]) for words in line.replace("timed out", "out").split(",")}
    counts = {key.rpartition(" ")[2]: value for key, value in counts.items()}
    assert counts["sent"] == counts["answered"] + counts["out"] + counts["failed"] > 0


def test_every_kind_of_source_at_once_and_the_schema_knows_them(place):
    tap, notify, agent = "tap.sock", free_port(), free_port()
    (place / "query.log").write_text("")
    (place / "zone").write_text("$ORIGIN one.test.\n@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n")
    sources = [
        {"type": "dnstap", "listen": f"unix:{tap}"},
        {"type": "dnstap", "listen": f"tcp:127.0.0.1:{free_port()}"},
        {"type": "query_log", "format": "bind", "file": "query.log", "server": "192.0.2.1"},
        {"type": "registration", "servers": {"test": "http://127.0.0.1:9/"}},
        {
            "type": "zone_changes",
            "files": [{"zone": "one.test", "path": "zone"}],
            "primaries": [{"zone": "one.test", "address": "127.0.0.1", "port": 9}],
            "notify": {"listen": f"127.0.0.1:{notify}"},
        },
        {"type": "error_reports", "agent": "er.test", "nameserver": "ns.test", "listen": f"127.0.0.1:{agent}"},
    ]
    text = CONFIG.format(zone="one.test", port=9) + f"sources: {json.dumps(sources)}\n"
    (place / "receiver.yaml").write_text(text)
    import yaml

    jsonschema.Draft202012Validator(schema()).validate(yaml.safe_load(text))
    sink = GrpcSink().start()
    with running(place, sink) as process:
        assert until((place / tap).exists)
        assert until(lambda: any(event.zone == "one.test" and hasattr(event, "registrar") for event in sink.events))
        (place / "query.log").write_text("client 192.0.2.9#1 (a.one.test): query: a.one.test IN A + (192.0.2.1)\n")
        assert until(lambda: semconv.SOURCE_ITEMS in sink.metrics)

        def sources_seen():
            return {
                attribute.value.string_value
                for point in sink.metrics[semconv.SOURCE_ITEMS].sum.data_points
                for attribute in point.attributes
                if attribute.key == semconv.SOURCE_NAME
            }

        assert until(lambda: {"query_log", "registration", "zone_changes"} <= sources_seen()), sources_seen()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    sink.stop()
    assert not (place / tap).exists()
    assert any(getattr(event, "queries", 0) == 1 for event in sink.events)  # the minute that had begun was given out


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"type": "carrier_pigeon"}, "no source of type 'carrier_pigeon'; there are dnstap"),
        ({"listen": "unix:x"}, "no source of type None"),
        ({"type": "dnstap", "listen": "x"}, "write unix:/path"),
        ({"type": "dnstap", "listen": "unix:x", "colour": 1}, "unknown key 'colour'"),
    ],
)
def test_a_source_that_cannot_be_meant_is_named_with_its_line(place, source, why):
    text = CONFIG.format(zone="one.test", port=9) + f"sources:\n  - {json.dumps(source)}\n"
    (place / "receiver.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "otel_dns_receiver", "check", "receiver.yaml"],
        cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "receiver.yaml:11:" in done.stderr
    assert why in done.stderr

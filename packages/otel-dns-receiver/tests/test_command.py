"""The command line, as users run it, against a real Knot."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from dns_events import ndjson

KNOT = shutil.which("knotd", path=os.environ["PATH"] + ":/usr/sbin")
FILES = Path(__file__).parent / "configs"
ZONE = """\
$TTL 300
@ SOA ns1 hostmaster 7 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.10
www AAAA 2001:db8::10
"""


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "otel_dns_receiver", *map(str, arguments)],
        capture_output=True, text=True, check=False, **options,
    )  # fmt: skip


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="module")
def knot(tmp_path_factory):
    if KNOT is None:
        pytest.skip("knotd is not installed: apt-get install knot")
    place, port = tmp_path_factory.mktemp("knot"), free_port()
    (place / "example.test.zone").write_text(ZONE)
    (place / "knot.conf").write_text(
        f"server:\n  rundir: {place}\n  listen: 127.0.0.1@{port}\n  nsid: lab-1\n"
        f"control:\n  listen: {place}/knot.sock\ndatabase:\n  storage: {place}/db\n"
        f"zone:\n  - domain: example.test\n    file: {place}/example.test.zone\n    journal-content: none\n"
    )
    with (place / "log").open("wb") as log:
        child = subprocess.Popen([KNOT, "-c", str(place / "knot.conf")], stdout=log, stderr=log)
    deadline = time.monotonic() + 15
    while run("probe", "example.test", "--type", "SOA", "--server", f"127.0.0.1@{port}", "--timeout", "0.3").returncode:
        assert time.monotonic() < deadline, (place / "log").read_text()
    yield port
    child.terminate()
    child.wait(10)


def test_one_event_a_question(knot):
    done = run("probe", "www.example.test", "--server", f"127.0.0.1@{knot}", "--json")
    assert done.returncode == 0, done.stderr
    events = [ndjson.decode(line) for line in done.stdout.splitlines()]
    assert [event.qtype for event in events] == ["A", "AAAA", "CNAME", "NS", "SOA"]
    assert [event.outcome for event in events] == ["answer", "answer", "nodata", "nodata", "nodata"]
    assert events[0].answers[0].data == "192.0.2.10"
    assert {event.zone for event in events} == {"example.test"}
    assert {event.server.nsid for event in events} == {"lab-1"}


def test_for_people_over_tcp(knot):
    done = run(
        "probe",
        "www.example.test",
        "--type",
        "A",
        "--server",
        f"127.0.0.1@{knot}",
        "--transport",
        "tcp",
        "--authoritative",
    )
    assert done.stdout.startswith("www.example.test A @127.0.0.1 tcp: answer  A 192.0.2.10  ttl 300")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["probe", "www.example.test", "--server", "nowhere"], 2, "is not ADDRESS[@PORT]"),
        (["probe", "a..b", "--server", "127.0.0.1"], 2, "not a domain name"),
        (["probe", "a.test", "--type", "B", "--server", "127.0.0.1"], 2, "not a record type"),
        (["probe"], 2, "requires an argument"),
        (["check", FILES / "good.yaml"], 0, "1 zones, 11 questions every 30 s to 1 resolvers (0.367/s)"),
        (["check", FILES / "zone-twice.yaml"], 1, "stands twice"),
        (["run", "--config", FILES / "none.yaml"], 1, "No such file"),
        (["config", "schema"], 0, '"interval"'),
        (["--version"], 0, "0.1.0"),
    ],
)
def test_exit_codes(arguments, code, message):
    done = run(*arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_question_that_fails_is_exit_code_3():
    done = run("probe", "www.example.test", "--type", "A", "--server", f"127.0.0.1@{free_port()}", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["outcome"] == "unreachable"


def test_run_asks_the_resolver_serves_metrics_and_stops_cleanly(knot, tmp_path):
    hints = tmp_path / "hints"
    hints.write_text(". 60 IN NS ns.\nns. 60 IN A 127.0.0.1\n")
    config = tmp_path / "receiver.yaml"
    config.write_text(
        "version: 1\nprobe: {id: t-1, region: test}\ninterval: 1s\ntimeout: 500ms\nroot_hints: hints\n"
        "delivery: {directory: queue}\n"
        f"resolvers: [{{address: 127.0.0.1, port: {knot}}}]\nzones:\n  - zone: example.test\n"
        "    names: [{name: www.example.test}]\n"
    )
    port, out, err = free_port(), tmp_path / "out", tmp_path / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        child = subprocess.Popen(
            [
                sys.executable, "-m", "otel_dns_receiver", "run", "--config", str(config), "--console",
                "--prometheus", f"127.0.0.1:{port}",
            ],
            stdout=stdout, stderr=stderr,
            # The endpoint is not there: probing goes on all the same.
            env={
                **os.environ,
                "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}",
                "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
            },
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while out.read_bytes().count(b"\n") < 20:
            assert child.poll() is None, err.read_text()
            assert time.monotonic() < deadline, err.read_text()
            time.sleep(0.1)
        body = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30).read().decode()
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0, err.read_text()
    finally:
        child.kill()
        child.wait(10)
    events = [ndjson.decode(line) for line in out.read_bytes().splitlines()]
    assert len(events) >= 20
    assert all(event.probe.region == "test" for event in events)
    assert "dns_lookup_duration_seconds_bucket" in body
    assert 'dnstower_outcome="answer"' in body
    assert "sent " in err.read_text()
    assert "Traceback" not in err.read_text()

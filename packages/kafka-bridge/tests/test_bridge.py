"""`kafka-bridge run` on a PostgreSQL that is given as a URL, and the commands that look into it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from wire import INVENTORY_YAML, client, outage, request


@pytest.fixture
def place(tmp_path, server):
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("drop schema if exists dnstower cascade")
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    (tmp_path / "bridge.yaml").write_text(
        'version: 1\ninventory: inventory.yaml\notlp: {grpc: "127.0.0.1:0", http: "127.0.0.1:0"}\n'
        'board: {listen: "127.0.0.1:0"}\nnotify: {console: true, file: pages.ndjson}\n'
    )
    return tmp_path


@pytest.fixture
def environment(server):
    parts = conninfo_to_dict(server.conninfo)
    url = f"postgresql://{parts['user']}:{parts['password']}@/{parts['dbname']}?host={parts['host']}"
    return {**os.environ, "DNSTOWER_STORE_URL": url}


def look(place, environment, *words):
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", *words, "--config", str(place / "bridge.yaml"), "--json"],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_run_judges_pages_serves_and_stops(place, environment):
    child = subprocess.Popen(
        [sys.executable, "-m", "kafka_bridge", "run", "--config", str(place / "bridge.yaml"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    words = child.stderr.readline().replace(",", "").replace(";", "").split()
    grpc, http, board = (int(words[words.index(name) + 1]) for name in ("grpc", "http", "board"))
    channel, export = client(grpc)
    listed = outage()
    for n in range(0, len(listed), 200):
        export(request(listed[n : n + 200]), timeout=20)
    export(b"\x0a\x0c\x12\x0a\x12\x08\x62\x06other!", timeout=20)  # OTLP, and not of ours
    channel.close()
    deadline = time.monotonic() + 60
    while not (place / "pages.ndjson").exists():
        assert time.monotonic() < deadline
        time.sleep(0.2)
    page = urllib.request.urlopen(f"http://127.0.0.1:{board}/", timeout=20).read().decode()
    assert "example.com is down" in page
    assert http > 0
    code, incidents, _ = look(place, environment, "incidents")
    assert (code, [i["rule"] for i in incidents]) == (3, ["zone-outage"])
    _, health, _ = look(place, environment, "health")
    assert {h["zone"]: h["status"] for h in health}["example.com"] == "unhealthy"
    _, letters, _ = look(place, environment, "deadletter", "list")
    (letter,) = letters
    _, (shown,), _ = look(place, environment, "deadletter", "show", str(letter["id"]))
    assert shown["payload"]
    assert shown["reason"] == letter["reason"]
    # Sent again, it is as unreadable as before: a new letter, and the old one is marked.
    assert look(place, environment, "deadletter", "retry", "--all")[:2] == (0, [{"sent": 1}])
    while len(letters := look(place, environment, "deadletter", "list")[1]) < 2:
        assert time.monotonic() < deadline + 60
    assert [entry["retried"] is None for entry in letters] == [True, False]
    assert look(place, environment, "deadletter", "retry", "99999")[0] == 1
    child.send_signal(signal.SIGTERM)
    out, err = child.communicate(timeout=40)
    assert child.returncode == 0, err
    (told,) = [json.loads(line) for line in out.splitlines()]
    assert (told["page"], told["incident"]["zone"]) == ("firing", "example.com")
    assert "password" not in err
    assert "Traceback" not in err


def test_a_store_that_cannot_be_reached_is_named_without_its_password(place):
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "run", "--config", str(place / "bridge.yaml")],
        capture_output=True, text=True, check=False,
        env={**os.environ, "DNSTOWER_STORE_URL": "postgresql://u:s3cret@127.0.0.1:9/x"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "the store at 127.0.0.1/x cannot be used" in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr

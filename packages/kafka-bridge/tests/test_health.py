"""How the bridge says that it is well, or not: to orchestrators, to Prometheus, and to people."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import psycopg
import pytest
from dns_events import Probe, new_id, semconv
from kafka_bridge.archive.settings import Archive
from kafka_bridge.bridge import Bridge
from kafka_bridge.config import Board, Config, Health, Notify, Otlp, Store
from kafka_bridge.health.vitals import Part, Reading, Vitals
from kafka_bridge.postgres.server import Server
from msgspec import structs
from wire import INVENTORY_YAML, client, outage, request


def until(condition, seconds=40):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def processes(pid):
    """A database's first process and its children: what hangs when its machine does."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@pytest.fixture
def config(tmp_path):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    return Config(
        inventory=str(tmp_path / "inventory.yaml"), settle="0s", otlp=Otlp(grpc="127.0.0.1:0", http=None),
        board=Board(listen="127.0.0.1:0"), health=Health(listen="127.0.0.1:0"), notify=Notify(console=False),
        archive=Archive(url=str(tmp_path / "archive")),
    )  # fmt: skip


def test_ready_says_what_does_not_work_and_when_it_does_again(config, tmp_path):
    with Server(tmp_path / "pg") as server, Bridge(structs.replace(config, store=Store(url=server.conninfo))) as bridge:

        def get(path, port=bridge.ports.health):
            return httpx2.get(f"http://127.0.0.1:{port}{path}", timeout=15)

        ready = get("/readyz")
        assert ready.status_code == 200, ready.text
        parts = {part["name"] for part in ready.json()["parts"]}
        assert parts == {
            "journal",
            "judge",
            "correlate",
            "upkeep",
            "evidence",
            "archive",
            "receivers",
            "time",
            "configuration",
            "store",
        }
        assert get("/healthz", bridge.ports.board).status_code == 200
        (tmp_path / "inventory.yaml").write_text("zones: []\n")
        bridge.reload()
        until(lambda: get("/readyz").status_code == 503)
        (trouble,) = [p["trouble"] for p in get("/readyz").json()["parts"] if p["trouble"]]
        assert "inventory.yaml" in trouble
        (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
        until(lambda: get("/readyz").status_code == 200)
        frozen = processes(server.pid)
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = until(lambda: (found := get("/readyz")).status_code == 503 and found)
            assert "store" in {p["name"] for p in answer.json()["parts"] if p["trouble"]}
            assert get("/healthz").status_code == 200  # a restart would not help
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        until(lambda: get("/readyz").status_code == 200)


def test_metrics_are_those_of_what_happened(config, server, pool):
    listed = outage(1)
    with Bridge(structs.replace(config, store=Store(url=server.conninfo))) as bridge:
        channel, export = client(bridge.ports.grpc)

        def metrics():
            return httpx2.get(f"http://127.0.0.1:{bridge.ports.health}/metrics", timeout=15).text

        state = semconv.EVENT_STATE.replace(".", "_")
        for told in ("judged", "duplicate"):  # one after the other, for what comes together is one transaction
            export(request(listed), timeout=10)
            until(lambda told=told: f'{state}="{told}"' in metrics())
        channel.close()
        text = metrics()

    def value(name, label):
        (line,) = [
            line for line in text.splitlines()
            if line.startswith(name.replace(".", "_")) and label in line and "_bucket" not in line
        ]  # fmt: skip
        return float(line.split()[-1])

    assert value(semconv.BRIDGE_EVENTS, '="judged"') == len(listed)
    assert value(semconv.BRIDGE_EVENTS, '="duplicate"') == len(listed)
    assert value(semconv.BRIDGE_COMMIT_DURATION, "_count") == 2
    assert value(semconv.BRIDGE_INTAKE_REQUESTS, "accepted") == 2
    assert value(semconv.BRIDGE_PARTITIONS, "{") == 1
    assert value(semconv.BRIDGE_TROUBLE, '"store"') == 0


def test_a_part_that_is_dead_is_told():
    def vitals(**part):
        return Vitals(lambda: [Part(name="judge", **part)], None).read()

    assert (vitals().alive, vitals().ready) == (True, True)
    assert (vitals(trouble="x").alive, vitals(trouble="x").ready) == (True, False)
    assert (vitals(alive=False).alive, vitals(alive=False).ready) == (False, False)
    assert Reading(parts=()).ready


def doctor(tmp_path, store, **extra):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    (tmp_path / "bridge.yaml").write_text(json.dumps({"version": 1, "inventory": "inventory.yaml", **extra}))
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "doctor", "--config", str(tmp_path / "bridge.yaml"), "--json"],
        capture_output=True, text=True, check=False, env={**os.environ, "DNSTOWER_STORE_URL": store},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def broken(sql):
    def apply(pool):
        with pool.connection() as connection:
            connection.execute(sql)

    return apply


CASES = [
    pytest.param("select 1", None, id="nothing wrong"),
    pytest.param(
        "insert into bus_offset (consumer, partition, sealed) values ('judge', 0, now() - interval '10 minutes')",
        ("pipeline", "judge, partition 0 is 60"), id="behind",
    ),
    pytest.param(
        "insert into bus_offset (consumer, partition, sealed) values ('judge', 0, now() + interval '10 minutes')",
        ("clocks", "judge, partition 0 has judged "), id="ahead",
    ),
    pytest.param(
        "insert into deadletter (partition, \"offset\", reason, payload) values (0, 1, 'not an event', 'x')",
        ("deadletter", "1 dead letters in the last hour: not an event"), id="dead letters",
    ),
    pytest.param(
        "insert into probe_seen values ('eu-1', 'eu-west', now(), now() - interval '20 minutes', 0, 1)",
        ("probes", "eu-1 (eu-west) is silent for 120"), id="silent probe",
    ),
    pytest.param(
        "insert into probe_seen values ('eu-1', 'eu-west', now() + interval '30 s', now(), -30, 1)",
        ("clocks", "the clock of eu-1 is 30 s ahead of the store's"), id="clock ahead",
    ),
    pytest.param(
        "with page as (insert into outbox (incident, transition, body) values ('i', 'firing', '{}') returning id) "
        "insert into delivery (page, notifier, error) select id, 'webhook', 'refused' from page",
        ("pages", "1 pages do not reach webhook: refused"), id="pages",
    ),
    pytest.param(
        "with page as (insert into outbox (incident, transition, body) values ('i', 'firing', '{}') returning id) "
        "insert into delivery (page, notifier, error, missed) select id, 'old', 'away', '2020-01-01 10:00Z' from page",
        ("pages", "1 pages wait for old, which is not among the receivers; on 2020-01-08 10:00 UTC they are given up"),
        id="pages of a receiver that is gone",
    ),
    pytest.param(
        "update migration set number = 999 where number = (select max(number) from migration)",
        ("store", "the schema is at 999, this version knows"), id="newer schema",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "told"), CASES)
def test_the_doctor_says_what_is_wrong(tmp_path, server, pool, sql, told):
    broken(sql)(pool)
    code, found = doctor(tmp_path, server.conninfo)
    if told is None:
        assert (code, found) == (0, [])
        return
    assert code == 3
    (finding,) = found
    assert (finding["part"], finding["what"][: len(told[1])]) == told
    assert finding["do"]


def test_the_doctor_without_a_database(tmp_path, server):
    nowhere = psycopg.conninfo.make_conninfo(server.conninfo, port=1, host="127.0.0.1", password="s3cret")
    code, found = doctor(tmp_path, nowhere)
    assert (code, found[0]["part"]) == (3, "store")
    assert "s3cret" not in json.dumps(found)
    empty = psycopg.conninfo.make_conninfo(server.conninfo, dbname="template1")
    code, found = doctor(tmp_path, empty)
    assert "no schema of ours" in found[0]["what"]


def test_the_doctor_without_brokers_or_archive(tmp_path, server, pool):
    kafka = {"bus": "kafka", "kafka": {"brokers": ["127.0.0.1:1"]}, "archive": {"url": "/proc/nowhere/archive"}}
    code, found = doctor(tmp_path, server.conninfo, **kafka)
    assert code == 3
    assert {finding["part"] for finding in found} == {"brokers", "archive"}


def test_a_newer_probe_time_counts(pool):
    """A probe's newest time and delay are those of its last batch."""
    from kafka_bridge.pipeline import write
    from kafka_bridge.pipeline.plan import plan

    event = structs.replace(outage(0.2)[0], id=new_id(), probe=Probe(id="x"), time=dt.datetime.now(dt.UTC))
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        write.aggregates(cursor, plan([event]))
        (delay,) = cursor.execute("select delay from v_probe where probe = 'x'").fetchone()
    assert 0 <= delay < 30

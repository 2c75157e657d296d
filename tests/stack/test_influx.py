"""The aggregates in a real InfluxDB 1.x: every number is that of the SQL views, whoever dies in between."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg
import pytest
from dns_events import new_id
from dns_rules import load_rules
from dns_rules.generate import Span, events
from kafka_bridge.config import Config, Store
from kafka_bridge.health.doctor import _influx as look
from kafka_bridge.influx.client import InfluxError
from kafka_bridge.influx.exporter import Exporter
from kafka_bridge.influx.measurements import measurements
from kafka_bridge.influx.settings import Influx
from kafka_bridge.intake.journal import Journal
from kafka_bridge.notify.routing import Routing
from kafka_bridge.pipeline.correlator import Correlator
from kafka_bridge.pipeline.worker import Worker
from kafka_bridge.store.pool import open_pool
from kafka_bridge.store.upkeep import kept
from msgspec import structs

from tests.stack.bridges import INVENTORY, ZONES, Bridge, requests
from tests.stack.kafka.broker import free

pytestmark = pytest.mark.skipif(shutil.which("influxd") is None, reason="influxd is missing (Debian: influxdb)")

DOCS = Path("packages/kafka-bridge/docs/influxdb.md")
MINUTE = dt.timedelta(minutes=1)
RULES = load_rules()
_LOGINS = {"admin": "adm1n", "bridge": "s3cret"}


class Influxd:
    """One server with a database of ours, and its logins."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.port,) = free(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "influxdb.conf").write_text(
            f"""
            reporting-disabled = true
            bind-address = "127.0.0.1:0"
            [meta]
              dir = "{folder}/meta"
            [data]
              dir = "{folder}/data"
              wal-dir = "{folder}/wal"
            [monitor]
              store-enabled = false
            [http]
              bind-address = "127.0.0.1:{self.port}"
              auth-enabled = true
            """
        )

    def start(self) -> Influxd:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["influxd", "-config", str(self.folder / "influxdb.conf")], stdout=log, stderr=log
            )
        until = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/ping", timeout=5).close()
            except OSError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.05)
            else:
                return self

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    def query(self, text: str, *, login: str | None = "admin", database: str = "dns") -> list[dict]:
        """The series of one InfluxQL statement."""
        data = urllib.parse.urlencode({"q": text, "db": database, "epoch": "s"}).encode()
        asked = urllib.request.Request(f"{self.url}/query", data)
        if login is not None:
            pair = base64.b64encode(f"{login}:{_LOGINS[login]}".encode()).decode()
            asked.add_header("Authorization", f"Basic {pair}")
        with urllib.request.urlopen(asked, timeout=20) as answer:
            (result,) = json.load(answer)["results"]
        assert "error" not in result, (text, result)
        return result.get("series", [])

    def rows(self, measurement: str) -> list[dict]:
        """All points of a measurement, tags and fields together."""
        found = []
        for series in self.query(f'SELECT * FROM "dnstower_{measurement}"'):
            found += [dict(zip(series["columns"], values, strict=True)) for values in series["values"]]
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Influxd(tmp_path_factory.mktemp("influx")).start()
    running.query(f"CREATE USER admin WITH PASSWORD '{_LOGINS['admin']}' WITH ALL PRIVILEGES", login=None)
    running.query(f"CREATE USER bridge WITH PASSWORD '{_LOGINS['bridge']}'")
    yield running
    running.kill()


@pytest.fixture
def influxd(server):
    server.query("DROP DATABASE dns")
    server.query("CREATE DATABASE dns")
    server.query("CREATE DATABASE others")
    server.query("GRANT WRITE ON dns TO bridge")
    return server


@pytest.fixture
def influx(influxd, tmp_path):
    (tmp_path / "influx.password").write_text(_LOGINS["bridge"])
    return Influx(
        url=influxd.url, database="dns", username="bridge", password_file=str(tmp_path / "influx.password"),
        every="1s", servers=True,
    )  # fmt: skip


@pytest.fixture
def store(postgres):
    name = "influx"
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name}")
    return psycopg.conninfo.make_conninfo(postgres.conninfo, dbname=name)


@pytest.fixture
def pool(store):
    with open_pool(store) as opened:
        yield opened


def judged(pool, *batches):
    """Events through the pipeline: journal, worker, correlation."""
    journal = Journal(pool)
    for listed in batches:
        for payload in requests(listed):
            journal.append(payload, "test")
    worker = Worker(pool, INVENTORY, RULES)
    while worker.turn(dt.datetime.now(dt.UTC)):
        pass
    journal.close()
    correlator = Correlator(pool.conninfo, INVENTORY, RULES, Routing())
    correlator.turn()
    correlator.stop()


def history(minutes=12, ago=3, zones=ZONES):
    """Up to `ago` minutes ago; in the second half some zones do not answer, and one says that its names are gone."""
    start = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0) - (minutes + ago) * MINUTE
    found = []
    for number, zone in enumerate(zones):
        outcome = ("timeout", "nxdomain", "answer", "servfail")[number % 4]
        half = f"{minutes * 30}s"
        spans = (Span(to=half, every="5s"), Span(from_=half, to=f"{minutes}m", every="5s", outcome=outcome))
        found += events(zone, spans, start)
    return found


def compare(influxd, pool, until=None):
    """Each number of each measurement, both ways; of minutes before `until`."""
    until = until or dt.datetime.now(dt.UTC)
    compared = 0
    for measurement in measurements(servers=True):
        view = re.search(r"from (v_\w+)", measurement.query)[1]
        view = "v_zone_minute" if measurement.name == "outcomes" else view
        fields = [name for name, _ in measurement.fields]
        names = ["minute", *measurement.tags]
        sums = measurement.name == "server_outcomes"
        columns = [f"sum({name})::bigint" if sums else name for name in fields]
        query = f"select {', '.join([*names, *columns])} from {view} where minute < %s"
        if sums:
            query += f" group by {', '.join(names)}"
        with pool.connection() as connection:
            wanted = {
                (int(minute.timestamp()), *rest[: len(measurement.tags)]): [
                    float(value) if kind == "float" and value is not None else value
                    for (_, kind), value in zip(measurement.fields, rest[len(measurement.tags) :], strict=True)
                ]
                for minute, *rest in connection.execute(query, (until,)).fetchall()
            }
        found = {
            (row["time"], *(row[tag] for tag in measurement.tags)): [row.get(name) for name in fields]
            for row in influxd.rows(measurement.name)
            if row["time"] < until.timestamp()
        }
        assert found == wanted, measurement.name
        compared += sum(value is not None for values in wanted.values() for value in values)
    assert compared > 500
    return compared


def drain(exporter, now):
    while exporter.turn(now):
        pass


@pytest.fixture
def exporter(pool, influx):
    made = Exporter(pool.conninfo, influx, dt.timedelta(days=7))
    yield made
    made.stop()


def test_every_number_is_that_of_the_views(pool, influxd, exporter):
    judged(pool, history())
    now = dt.datetime.now(dt.UTC) + 2 * MINUTE
    drain(exporter, now)
    compare(influxd, pool)
    with pool.connection() as connection:
        wanted = dict(
            connection.execute("select severity, count(*)::int from v_incident_open group by severity").fetchall()
        )
    assert sum(wanted.values()) >= 2
    found = influxd.query('SELECT last("open") FROM "dnstower_incidents" GROUP BY "severity"')
    assert {series["tags"]["severity"]: series["values"][0][1] for series in found if series["values"][0][1]} == wanted
    kinds = {
        name: dict(series["values"])
        for series in influxd.query("SHOW FIELD KEYS")
        for name in [series["name"].removeprefix("dnstower_")]
    }
    names = {"integer": "integer", "float": "float", "string": "string"}
    for measurement in measurements(servers=True):
        assert {f: names[kind] for f, kind in measurement.fields if f in kinds[measurement.name]} == kinds[
            measurement.name
        ]
    assert kinds["incidents"] == {"open": "integer"}


def test_what_comes_late_replaces_what_was_there(pool, influxd, exporter):
    first = history()
    judged(pool, first)
    now = dt.datetime.now(dt.UTC)
    drain(exporter, now)
    late = [structs.replace(event, id=new_id()) for event in history(zones=ZONES[:1]) if event.outcome == "timeout"][
        :20
    ]
    judged(pool, late)
    before = influxd.query('SELECT sum("total") FROM "dnstower_estate"')[0]["values"][0][1]
    assert before == len(first)
    drain(exporter, now + MINUTE)
    compare(influxd, pool)
    after = influxd.query('SELECT sum("total") FROM "dnstower_estate"')[0]["values"][0][1]
    assert after == len(first) + len(late)


def test_names_with_every_kind_of_sign_come_back_as_they_are(pool, influxd, exporter):
    """A region is what a probe says that it is."""
    regions = ["eu, west=1", 'say "x"', "a\\.b", "ends\\\\", "ünï", "x" * 900]
    listed = []
    for region in regions:
        for event in history(minutes=2, zones=ZONES[:1]):
            probe = structs.replace(event.probe, region=region)
            listed.append(structs.replace(event, id=new_id(), probe=probe))
    judged(pool, listed)
    drain(exporter, dt.datetime.now(dt.UTC))
    found = influxd.query('SHOW TAG VALUES FROM "dnstower_estate" WITH KEY = "region"')[0]["values"]
    assert sorted(value for _, value in found) == sorted([*regions[:3], "ends\\\ufffd", *regions[4:]])


def test_a_field_that_is_of_another_type_there_keeps_back_nothing_else(pool, influxd, exporter):
    judged(pool, history())
    minute = int(dt.datetime.now(dt.UTC).timestamp()) // 60 * 60
    data = f"dnstower_latency,zone=other p50=1i {minute}".encode()
    pair = base64.b64encode(f"admin:{_LOGINS['admin']}".encode()).decode()
    asked = urllib.request.Request(f"{influxd.url}/write?db=dns&precision=s", data, {"Authorization": f"Basic {pair}"})
    urllib.request.urlopen(asked, timeout=20).close()
    now = dt.datetime.now(dt.UTC)
    drain(exporter, now)
    told = exporter._told()
    assert "field type conflict" in told
    with pool.connection() as connection:
        latencies = connection.execute("select count(*) from v_latency_minute").fetchone()[0]
    assert f"refused {latencies} points" in told
    assert len(influxd.rows("outcomes")) > 10
    influxd.query('DROP MEASUREMENT "dnstower_latency"')
    drain(exporter, now + 61 * MINUTE)
    assert exporter._told() is None
    compare(influxd, pool)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"database": "others"}, "refuses the login (403"),
        ({"username": "nobody"}, "refuses the login (401"),
        ({"username": None, "password_file": None}, "refuses the login (401"),
        ({"username": "admin", "database": "nowhere"}, "make it there, or check `influx`'s `url`, `database`"),
    ],
)
def test_what_is_set_wrongly_is_said(pool, influxd, influx, tmp_path, change, words):
    judged(pool, history(minutes=2))
    if change.get("username") == "admin":
        (tmp_path / "influx.password").write_text(_LOGINS["admin"])
    exporter = Exporter(pool.conninfo, structs.replace(influx, **change), kept(Store())["minute"])
    try:
        with pytest.raises(InfluxError) as caught:
            exporter.turn(dt.datetime.now(dt.UTC))
    finally:
        exporter.stop()
    assert words in str(caught.value)
    assert _LOGINS["bridge"] not in str(caught.value)
    (finding,) = look(Config(influx=structs.replace(influx, **change)))
    assert (finding.part, finding.what) == ("influx", str(caught.value))


def test_doctor_finds_nothing_and_writes_nothing(influxd, influx):
    assert list(look(Config(influx=influx))) == []
    assert influxd.query("SHOW MEASUREMENTS") == []


def test_a_bridge_catches_up_after_influxd_was_killed(tmp_path, influxd, influx, store):
    (tmp_path / "inventory.yaml").write_text(
        json.dumps(
            {
                "version": 1, "teams": {"web": {"name": "Web platform"}},
                "zones": [{"zone": zone, "owner": "web", "criticality": "critical"} for zone in ZONES],
            }
        )
    )  # fmt: skip
    config = {
        "version": 1, "inventory": str(tmp_path / "inventory.yaml"), "settle": "0s",
        "otlp": {"grpc": "127.0.0.1:0", "http": None}, "board": None, "health": {"listen": "127.0.0.1:0"},
        "notify": {"console": False},
        "influx": {
            "url": influx.url, "database": "dns", "username": "bridge", "password_file": influx.password_file,
            "every": "1s", "servers": True,
        },
    }  # fmt: skip
    bridge = Bridge(tmp_path / "bridge", config, store).ready()
    try:
        health = int(re.search(r"health (\d+)", bridge.log.read_text())[1])
        listed = history(ago=3)
        middle = len(listed) // 2
        for payload in requests(listed[:middle]):
            bridge.send(payload)
        wait("the first points", lambda: influxd.query('SELECT count("total") FROM "dnstower_outcomes"'))
        influxd.kill()
        for payload in requests(listed[middle:]):
            bridge.send(payload)
        wait("it to be said", lambda: "Connection refused" in (part(health) or ""))
        influxd.start()
        wait("the rest", lambda: total(influxd) == len(listed))
        wait("all to be well", lambda: part(health) is None)
        with open_pool(store, size=2) as pool:
            wait("the same numbers", lambda: alike(influxd, pool))
        assert _LOGINS["bridge"] not in bridge.log.read_text()
        # Nothing is told twice over, and nothing is said to be our fault.
        assert "a fault of kafka-bridge" not in bridge.log.read_text()
    finally:
        bridge.kill()
        if influxd.process.poll() is not None:
            influxd.start()


def total(influxd):
    found = influxd.query('SELECT sum("total") FROM "dnstower_estate"')
    return found[0]["values"][0][1] if found else 0


def part(port):
    """What troubles the part, as /readyz says."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=20) as answer:
            reading = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            reading = json.load(error)
    (found,) = [item for item in reading["parts"] if item["name"] == "influx"]
    return found.get("trouble")


def alike(influxd, pool):
    """Of minutes that had to be written by now; of others the judgement still tells how zones are."""
    until = (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30)).replace(second=0, microsecond=0)
    try:
        return compare(influxd, pool, until) > 0
    except AssertionError:
        return False


def wait(what, condition, timeout=120):
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, what
        time.sleep(0.2)


def test_the_questions_of_the_manual_have_answers(pool, influxd, exporter):
    judged(pool, history(minutes=6, ago=0))
    drain(exporter, dt.datetime.now(dt.UTC) + 2 * MINUTE)
    asked = [
        statement.strip()
        for block in re.findall(r"```sql influxql\n(.*?)```", DOCS.read_text(), re.DOTALL)
        for statement in block.split(";")
        if statement.strip()
    ]
    assert len(asked) >= 5
    for statement in asked:
        assert influxd.query(statement.replace("example.com", ZONES[0])), statement
    first = {series["tags"]["region"]: series["values"][0][1] for series in influxd.query(asked[0])}
    with pool.connection() as connection:
        wanted = connection.execute(
            "select region, sum(nxdomain)::int from v_estate_minute where minute > now() - interval '5 minutes' "
            "group by region"
        ).fetchall()
    assert first.keys() == dict(wanted).keys()
    assert sum(first.values()) > 0

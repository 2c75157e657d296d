"""Evidence: written with what it is about, in a chain where every change is found and named."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import subprocess
import sys
import zipfile

import psycopg
import pytest
from dns_events import Delegation, Dnssec, Probe, Record, ZoneChange, new_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka_bridge import audit
from kafka_bridge.errors import BridgeError
from kafka_bridge.evidence import bundle
from kafka_bridge.evidence.chain import GENESIS, verify
from kafka_bridge.evidence.notary import Notary
from kafka_bridge.evidence.select import MOST, select
from kafka_bridge.pipeline.partition import Batch, Partition
from kafka_bridge.store.pool import open_pool
from msgspec import structs
from wire import INVENTORY, INVENTORY_YAML, RULES, correlate, outage

PROBE = Probe(id="eu-1", region="eu-west")
WIRE = base64.b64encode(b"a response").decode()


def failing(number=1, zone="example.com"):
    found = [event for event in outage(5, zone) if event.outcome == "answer"][:number]
    return [structs.replace(e, id=new_id(), wire=WIRE, dnssec=Dnssec(status="bogus")) for e in found]


def commit(pool, events):
    now = dt.datetime.now(dt.UTC)
    Partition(pool, INVENTORY, RULES).commit(lambda _, offset: Batch(events, (), offset + 1), lambda _: now)


@pytest.fixture
def chained(store):
    """A store with a chain of every kind of record, and a notary."""
    with open_pool(store) as pool:
        change = ZoneChange(id=new_id(), time=dt.datetime.now(dt.UTC), probe=PROBE, zone="example.com", actor="alice")
        delegation = Delegation(
            id=new_id(), time=dt.datetime.now(dt.UTC), probe=PROBE, zone="example.com", parent_ns=("a.example.net",)
        )
        commit(pool, [*outage(5), *failing(3), *failing(2, "example.net"), change, delegation])
        correlate(pool)
        with pool.connection() as connection, connection.transaction():
            audit.record(connection, "test.deed", {"what": "x"}, by="alice")
        notary = Notary(store)
        while notary.turn():
            pass
        yield pool
        notary._leader.drop()


def records(pool):
    with pool.connection() as connection:
        columns = "seq, recorded, kind, zone, time, source, body, digest, previous, hash"
        return list(bundle.records_of(connection.execute(f"select {columns} from evidence order by seq").fetchall()))


def test_what_happened_is_in_the_chain(chained):
    found = records(chained)
    kinds = {}
    for record in found:
        kinds[record.kind] = kinds.get(record.kind, 0) + 1
    assert kinds == {"observation": 5, "fact": 1, "zone_change": 1, "incident": 1, "audit": 1}
    assert [record.seq for record in found] == list(range(1, len(found) + 1))
    assert list(verify(found)) == []
    observation = next(record for record in found if record.kind == "observation")
    assert json.loads(observation.body)["wire"] == WIRE
    incident = next(record for record in found if record.kind == "incident")
    assert incident.source == tuple(json.loads(incident.body)["evidence"])
    with chained.connection() as connection:
        assert connection.execute("select count(*) from evidence_queue").fetchone() == (0,)


def tampered(sql):
    """As somebody who may do everything with the database."""

    def apply(connection):
        connection.execute("alter table evidence disable trigger user")
        connection.execute(sql)
        connection.execute("alter table evidence enable trigger user")

    return apply


def swap(connection):
    tampered("update evidence set seq = -seq where seq in (3, 4)")(connection)
    tampered("update evidence set seq = case seq when -3 then 4 else 3 end where seq < 0")(connection)


def insert(connection):
    connection.execute("alter table evidence disable trigger user")
    connection.execute("update evidence set seq = -seq - 1 where seq >= 4")
    connection.execute("update evidence set seq = -seq where seq < 0")
    connection.execute(
        "insert into evidence select 4, recorded, kind, zone, time, source, body, digest, previous, hash "
        "from evidence where seq = 2"
    )


TAMPERS = [
    pytest.param(tampered("update evidence set body = body || ' ' where seq = 3"), {3: "altered"}, id="body"),
    pytest.param(tampered("update evidence set zone = 'x.example' where seq = 2"), {2: "altered"}, id="zone"),
    pytest.param(
        tampered("update evidence set time = time + interval '1 us' where seq = 2"), {2: "altered"}, id="time"
    ),
    pytest.param(tampered("update evidence set source = '{x}' where seq = 1"), {1: "altered"}, id="source"),
    pytest.param(tampered("update evidence set digest = sha256('x') where seq = 4"), {4: "altered"}, id="digest"),
    pytest.param(
        tampered("update evidence set hash = sha256('x') where seq = 4"),
        {4: "altered", 5: "does not follow"}, id="hash",
    ),
    pytest.param(tampered("delete from evidence where seq = 4"), {4: "removed: 4"}, id="one removed"),
    pytest.param(tampered("delete from evidence where seq between 2 and 5"), {2: "removed: 2 to 5"}, id="some removed"),
    pytest.param(tampered("delete from evidence where seq = 1"), {1: "removed: 1"}, id="the first removed"),
    pytest.param(
        tampered("delete from evidence where seq = (select max(seq) from evidence)"),
        {8: "the head"}, id="the last removed",
    ),
    pytest.param(swap, {3: "does not follow", 4: "does not follow", 5: "does not follow"}, id="two swapped"),
    pytest.param(
        insert,
        {4: "does not follow", 5: "does not follow", **dict.fromkeys(range(6, 11), "altered: its hash")},
        id="one inserted",
    ),
]  # fmt: skip


def command(store, *words, config=None):
    where = () if config is None else ("--config", str(config))
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "evidence", *map(str, words), *where],
        capture_output=True, text=True, check=False, env={**os.environ, "DNSTOWER_STORE_URL": store},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
def config(tmp_path):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    (tmp_path / "bridge.yaml").write_text("version: 1\ninventory: inventory.yaml\n")
    return tmp_path / "bridge.yaml"


def test_what_is_altered_is_named(chained):
    """Each in a transaction of its own that is rolled back, so that the next one finds the chain whole."""
    whole = records(chained)
    head = whole[-1].hash
    assert len(whole) == 9
    columns = "seq, recorded, kind, zone, time, source, body, digest, previous, hash"
    for case in TAMPERS:
        tamper, expected = case.values
        with chained.connection() as connection, connection.transaction(force_rollback=True):
            tamper(connection)
            rows = connection.execute(f"select {columns} from evidence order by seq").fetchall()
            faults = {}
            for fault in verify(bundle.records_of(rows), head=head):
                faults.setdefault(fault.seq, fault.what)
        assert set(faults) == set(expected), (case.id, faults)
        for seq, what in expected.items():
            assert what in faults[seq], (case.id, faults)


def test_the_database_itself_refuses(chained):
    for sql in ("update evidence set body = ''", "delete from evidence", "truncate evidence"):
        with chained.connection() as connection, pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            connection.execute(sql)


def test_the_commands_on_a_chain_and_on_a_bundle(chained, store, config, tmp_path):
    assert command(store, "verify", config=config).returncode == 0
    head = json.loads(command(store, "head", "--json", config=config).stdout)
    assert head["hash"] == records(chained)[-1].hash.hex()
    listed = command(store, "list", "--zone", "example.net", "--json", config=config).stdout.splitlines()
    assert {json.loads(line)["zone"] for line in listed} == {"example.net"}
    with chained.connection() as connection:
        (incident,) = connection.execute("select id from incident").fetchone()
    file = tmp_path / "incident.zip"
    done = command(store, "export", incident, "--output", file, "--json", config=config)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["zones"] == ["example.com"]
    assert command("", "verify", file).returncode == 0  # without a database
    with zipfile.ZipFile(file) as opened:
        text = opened.read("records.ndjson").decode()
        assert json.loads(opened.read("incident.json"))["id"] == incident
        assert head["hash"] in text or "example.com" in text
    assert '"zone":"example.net"' not in text  # another zone's content is nobody's business
    again = command(store, "export", incident, "--output", file, config=config)
    assert (again.returncode, "there already" in again.stderr) == (1, True)
    with chained.connection() as connection:
        tampered("update evidence set body = '{}' where seq = 2")(connection)
    broken = command(store, "verify", "--json", config=config)
    assert (broken.returncode, [json.loads(line)["seq"] for line in broken.stdout.splitlines()]) == (3, [2])
    missing = command(store, "export", "nothing", "--output", tmp_path / "x.zip", config=config)
    assert (missing.returncode, "no incident nothing" in missing.stderr) == (1, True)
    assert command(store, "verify", "--head", "00" * 32, config=config).returncode == 3
    assert command(store, "verify", "--head", "xyz", config=config).returncode == 1


def test_a_bundle_that_was_altered_is_found(chained, store, config, tmp_path):
    file = tmp_path / "zone.zip"
    assert command(store, "export", "--zone", "example.com", "--output", file, config=config).returncode == 0
    with zipfile.ZipFile(file) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    forged = {**files, "records.ndjson": files["records.ndjson"].replace(b"alice", b"mallo")}
    for name, changed, faults in (
        ("records", forged, ["records.ndjson is not as the manifest says", "altered"]),
        (
            "short",
            {**files, "records.ndjson": b"\n".join(files["records.ndjson"].splitlines()[:-1])},
            ["manifest", "head"],
        ),
    ):
        other = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(other, "w") as made:
            for path, data in changed.items():
                made.writestr(path, data)
        _, found = bundle.check(other)
        for fault in faults:
            assert any(fault in item.what for item in found), (name, found)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(st.binary(max_size=200), st.dictionaries(st.text(max_size=8), st.integers() | st.text(max_size=8))),
    st.binary(max_size=100),
)
def test_any_file_is_a_bundle_or_an_error(tmp_path, manifest, lines):
    file = tmp_path / "any.zip"
    if isinstance(manifest, bytes):
        file.write_bytes(manifest)
    else:
        with zipfile.ZipFile(file, "w") as made:
            made.writestr("manifest.json", json.dumps(manifest))
            made.writestr("records.ndjson", lines)
    with pytest.raises(BridgeError):
        bundle.check(file)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "_MOST", 1 << 20)
    file = tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("manifest.json", b" " * (2 << 20))
    with pytest.raises(BridgeError, match="over 1048576 bytes"):
        bundle.check(file)


def test_a_flood_of_failures_is_counted_where_it_is_not_kept():
    many = failing(1) * (MOST + 7)
    found = select([structs.replace(event, id=new_id()) for event in many])
    assert len(found) == MOST + 1
    (more,) = [piece for piece in found if piece.kind == "more"]
    assert json.loads(more.body) == {"observations": 7}
    assert select(outage(1)) == []


def test_a_notary_that_dies_leaves_each_record_once(store, monkeypatch):
    with open_pool(store) as pool:
        commit(pool, failing(4))
        first, second = Notary(store), Notary(store)
        with monkeypatch.context() as patched:
            patched.setattr("kafka_bridge.evidence.notary.link", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                first.turn()
        assert second.turn() == 0  # the first one leads still
        first._leader.drop()
        assert second.turn() == 4
        assert first.turn() == 0
        found = records(pool)
        assert [record.seq for record in found] == [1, 2, 3, 4]
        assert found[0].previous == GENESIS
        assert list(verify(found)) == []
        second._leader.drop()


def test_a_text_with_nul_is_kept(store):
    (event,) = failing(1)
    record = Record(name="example.com", type="TXT", ttl=1, data="a\x00b")
    with open_pool(store) as pool:
        commit(pool, [structs.replace(event, answers=(record,))])
        notary = Notary(store)
        assert notary.turn() == 1
        notary._leader.drop()
        assert list(verify(records(pool))) == []

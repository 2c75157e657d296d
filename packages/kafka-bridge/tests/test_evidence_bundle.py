"""Bundles that somebody made up, cut or damaged; and a bundle of a signed zone, from the export to the verdict."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import zipfile

import pytest
from dns_events import Dnssec, Observation, Probe, Server, new_id
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka_bridge.errors import BridgeError
from kafka_bridge.evidence import bundle
from kafka_bridge.evidence.chain import GENESIS, Record, digest_of, link, verify
from kafka_bridge.evidence.notary import Notary
from kafka_bridge.pipeline.partition import Batch, Partition
from kafka_bridge.store.pool import open_pool
from test_evidence_dnssec import Zone
from wire import INVENTORY, INVENTORY_YAML, RULES

T = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def chain(number=6):
    made, before = [], GENESIS
    for seq in range(1, number + 1):
        zone = "example.com" if seq % 2 else "other.example"
        digest = digest_of("fact", zone, T, T, (f"e{seq}",), f'{{"n":{seq}}}')
        made.append(Record(seq, T, "fact", zone, T, (f"e{seq}",), f'{{"n":{seq}}}', digest, before, b""))
        before = link(before, seq, digest)
        made[-1] = made[-1]._replace(hash=before)
    return made


@pytest.fixture
def whole(tmp_path):
    file = tmp_path / "whole.zip"
    bundle.write(file, chain()[2:], frozenset({"example.com"}), {"id": "i"}, "me@here", chain()[:1])
    assert bundle.check(file, chain()[-1].hash) == (4, [])
    return file


def again(file, change, *, honest=False):
    """Zip it anew with changed files; an honest manifest does not follow the change."""
    with zipfile.ZipFile(file) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    change(files, manifest)
    if not honest:
        manifest["files"] = {n: hashlib.sha256(files[n]).hexdigest() for n in manifest["files"] if n in files}
    with zipfile.ZipFile(file, "w") as made:
        for name, data in {"manifest.json": json.dumps(manifest).encode(), **files}.items():
            made.writestr(name, data)


def cut(files, manifest):
    lines = files["records.ndjson"].splitlines(keepends=True)[:-1]
    files["records.ndjson"] = b"".join(lines)
    manifest |= {"last": 5, "head": json.loads(lines[-1])["hash"]}


def swap(files, manifest):
    lines = files["records.ndjson"].splitlines(keepends=True)
    files["records.ndjson"] = b"".join([lines[1], lines[0], *lines[2:]])


def earlier(files, manifest):
    manifest |= {"first": 4, "last": 7}


def forge(files, manifest):
    files["incident.json"] = b'{"id": "another"}'


def unlist(files, manifest):
    forge(files, manifest)
    del manifest["files"]["incident.json"]


def other_key(files, manifest):
    files["keys.ndjson"] = files["keys.ndjson"].replace(b'n\\":1', b'n\\":9')


def altered(files, manifest):
    files["records.ndjson"] = files["records.ndjson"].replace(b'n\\":5', b'n\\":9')


MADE_UP = {
    "the end cut off, manifest and all": (cut, False, 5, "the head that was kept elsewhere is not in this bundle"),
    "two records swapped": (swap, False, 3, "reordered: it stands where 5 belongs"),
    "a wrong first number": (earlier, False, 3, "reordered: it stands where 4 belongs"),
    "another incident": (forge, True, 0, "incident.json is not as the manifest says"),
    "another incident, not in the manifest": (unlist, True, 0, "incident.json is not in the manifest"),
    "another key": (other_key, False, 1, "keys.ndjson: altered"),
    "another content": (altered, False, 5, "altered: its content does not have its digest"),
}


@pytest.mark.parametrize("case", MADE_UP)
def test_a_bundle_that_was_made_up_is_found(whole, case):
    change, honest, seq, what = MADE_UP[case]
    again(whole, change, honest=honest)
    _, faults = bundle.check(whole, chain()[-1].hash)
    assert any(fault.seq == seq and what in fault.what for fault in faults), faults


def test_a_record_that_stands_too_late_is_named():
    records = chain()
    assert {fault.seq for fault in verify([records[0], records[2], records[1]], seq=1)} >= {2}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_damaged_bundle_is_an_error_or_a_fault(whole, damage):
    data = bytearray(whole.read_bytes())
    for place, value in damage:
        data[place % len(data)] = value
    file = whole.with_name("damaged.zip")
    file.write_bytes(data)
    try:
        checked = bundle.read(file)
    except BridgeError as error:
        assert "damaged.zip" in str(error)
    else:
        assert isinstance(checked.faults, list)


@pytest.mark.parametrize("body", [5, {}, ["x"], True])
def test_a_body_that_is_no_text_is_refused(whole, body):
    def change(files, _):
        line = json.loads(files["records.ndjson"].splitlines()[0])
        files["records.ndjson"] = json.dumps({**line, "body": body}).encode()

    again(whole, change)
    with pytest.raises(BridgeError, match="the body of record 3 is no text"):
        bundle.check(whole)


def seen(message, qtype, time, dnssec=None):
    return Observation(
        id=new_id(), time=time, probe=Probe(id="eu-1", region="eu-west"), zone="example.com",
        name="example.com" if qtype == "DNSKEY" else "www.example.com", qtype=qtype,
        server=Server(address="192.0.2.1", role="authoritative"), transport="udp", outcome="answer", rcode="NOERROR",
        latency=0.01, dnssec=dnssec, wire=base64.b64encode(message.to_wire()).decode(),
    )  # fmt: skip


def put(pool, *events):
    now = dt.datetime.now(dt.UTC)
    Partition(pool, INVENTORY, RULES).commit(lambda _, offset: Batch(list(events), (), offset + 1), lambda _: now)
    notary = Notary(pool.conninfo)
    while notary.turn():
        pass
    notary._leader.drop()


def command(store, *words):
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "evidence", *map(str, words)],
        capture_output=True, text=True, check=False, env={**os.environ, "DNSTOWER_STORE_URL": store},
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_signed_zone_from_the_export_to_the_verdict(store, tmp_path):
    """Seen an hour ago, under signatures that have expired since, with a key that was told a day before."""
    now = dt.datetime.now(dt.UTC)
    hour, day = dt.timedelta(hours=1), dt.timedelta(days=1)
    zone = Zone(inception=now - 3 * day, expiration=now - hour / 2)
    expired = Zone(inception=now - 3 * day, expiration=now - 2 * day)
    answer = zone.answer("www.example.com.", "A")
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    config = tmp_path / "bridge.yaml"
    config.write_text("version: 1\ninventory: inventory.yaml\n")
    with open_pool(store) as pool:
        for one, age in ((expired, 2.5 * day), (zone, day)):
            put(pool, seen(one.answer("example.com.", "DNSKEY"), "DNSKEY", now - age, Dnssec(status="secure")))
        put(pool, seen(answer, "A", now - hour, Dnssec(status="secure")),
            seen(expired.answer("www.example.com.", "A"), "A", now - hour + dt.timedelta(seconds=1),
                 Dnssec(status="bogus", cause="rrsig_expired")),
            seen(Zone(inception=now - day, expiration=now + day).answer("www.example.com.", "A"), "A",
                 now - hour + dt.timedelta(seconds=2), Dnssec(status="bogus", cause="dnskey_missing")))  # fmt: skip
        incident = (
            "insert into incident (id, zone, rule, class, severity, state, since, updated, owner, title, drill, body) "
            "values ('i1', 'example.com', 'r', 'integrity', 'critical', 'firing', %s, %s, 'web', 't', false, %s)"
        )
        with pool.connection() as connection:
            connection.execute(incident, (now - hour, now, json.dumps({"id": "i1", "zone": "example.com"})))
            (head,) = connection.execute(
                "select encode(hash, 'hex') from evidence order by seq desc limit 1"
            ).fetchone()
        file = tmp_path / "i1.zip"
        done = command(store, "export", "i1", "-o", file, "--before", "1 minute", "--config", config)
        assert done.returncode == 0, done.stderr
        verified = command("", "verify", file, "--head", head, "--json")  # without a database
        assert verified.returncode == 0, (verified.stdout, verified.stderr)
        found = {line["seq"]: line["result"] for line in map(json.loads, verified.stdout.splitlines())}
        assert found == {
            1: "valid", 2: "valid", 3: "valid", 4: "expired at that time", 5: "no key in the bundle"
        }  # fmt: skip
        with zipfile.ZipFile(file) as opened:
            assert [json.loads(line)["seq"] for line in opened.read("keys.ndjson").splitlines()] == [2, 1]
            assert [json.loads(line)["seq"] for line in opened.read("records.ndjson").splitlines()] == [3, 4, 5]
        assert command("", "verify", file, "--head", "00" * 32).returncode == 3
        # Somebody's word against the signatures: the record is whole, and says what cannot have been.
        put(pool, seen(answer, "A", now - dt.timedelta(minutes=50), Dnssec(status="bogus", cause="signature_invalid")))
        other = tmp_path / "other.zip"
        assert command(store, "export", "--zone", "example.com", "-o", other, "--config", config).returncode == 0
        contradicted = command("", "verify", other)
    assert contradicted.returncode == 3
    assert "www.example.com A: recorded as bogus (signature_invalid), but: valid at that time" in contradicted.stdout


def test_without_the_extra_the_chain_is_verified_all_the_same(whole, monkeypatch, capsys):
    from kafka_bridge.evidence import commands

    monkeypatch.setitem(sys.modules, "kafka_bridge.evidence.dnssec", None)
    assert commands.verify_(whole) == 0
    assert "pip install 'kafka-bridge[evidence]'" in capsys.readouterr().err

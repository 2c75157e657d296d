"""probes.yaml: what is wrong with it and where, who is proved by what, and the command."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys

import pytest
from kafka_bridge.config import Otlp, OtlpTls, load_config
from kafka_bridge.errors import ConfigError
from kafka_bridge.intake.doors import doors
from kafka_bridge.probes.roster import UnknownSenderError, load_roster
from senders import PROBES, sha
from wire import INVENTORY_YAML

from tests.certificates import Authority

A, B = sha("a"), sha("b")


def write(tmp_path, *probes, head=""):
    file = tmp_path / "probes.yaml"
    file.write_text("version: 1\n" + head + "probes:\n" + "".join(f"  - {{{probe}}}\n" for probe in probes))
    return file


@pytest.mark.parametrize(
    ("probes", "message"),
    [
        (["id: eu-1"], "3:5: 'eu-1' cannot prove who it is; write `token_sha256`"),
        (["id: eu-1, tokn: x"], "3:16: unknown key 'tokn'"),
        ([f'id: "", token_sha256: {A}'], "3:10: an id is 1 to 128 printable characters"),
        ([f'id: "a\\nb", token_sha256: {A}'], "3:10: an id is 1 to 128 printable characters"),
        ([f'id: "*", token_sha256: {A}'], "3:10: '*' stands twice, or stands for all"),
        ([f"id: a, token_sha256: {A}", f"id: a, token_sha256: {B}"], "4:10: 'a' stands twice"),
        ([f'id: a, region: "", token_sha256: {A}'], "3:21: a region is"),
        (
            ["id: a, token_sha256: secret"],
            "3:27: not a SHA-256 in lower-case hex; take the line that `kafka-bridge probes",
        ),
        ([f"id: a, token_sha256: {A}", f"id: b, token_sha256: [{B}, {A}]"], "4:27: another probe's token"),
        (["id: a, certificate: x", "id: b, certificate: x"], "4:26: empty, or another probe's"),
        (
            [f"id: a, token_sha256: {A}, speaks_for: [z]"],
            "3:105: 'z' is not listed; write `- {id: z",
        ),
        ([f'id: a, token_sha256: {A}, speaks_for: ["*", a]'], "3:105: `*` is everybody already"),
        ([f"id: a, token_sha256: {A}, rate: 0"], "3:99: not a rate"),
        ([f"id: a, token_sha256: {A}, rate_bytes: -1"], "3:105: not a rate"),
        ([f"id: a, token_sha256: {A}, burst: soon"], "3:100: 'soon' is not a duration"),
        ([f"id: a, token_sha256: {A}, burst: 0s"], "3:100: no time at all"),
        ([f"id: a, token_sha256: {A}, max_bytes: 3"], "3:104: less than 1024 bytes"),
    ],
)
def test_one_fault(tmp_path, probes, message):
    file = write(tmp_path, *probes)
    with pytest.raises(ConfigError) as caught:
        load_roster(file)
    assert str(caught.value).startswith(f"{file}:{message}")
    assert "secret" not in str(caught.value)


def test_certificates_need_an_authority(tmp_path):
    file = write(tmp_path, "id: a, certificate: x")
    with pytest.raises(ConfigError, match=r"3:26: client certificates are not asked for; write `otlp: {tls: {clients"):
        load_roster(file, certificates=False)


PROVING = (
    f"id: token, region: r1, token_sha256: {A}",
    "id: certificate, region: r2, certificate: host.example",
    f'id: both, region: r3, token_sha256: {B}, certificate: "spiffe://tower/both"',
)


@pytest.mark.parametrize(
    ("token", "names", "found"),
    [
        ("a", (), "token"),
        ("a", ("anything.example",), "token"),
        (None, ("x", "host.example"), "certificate"),
        ("b", ("spiffe://tower/both",), "both"),
        (None, (), "no credentials"),
        ("c", (), "the token is no probe's"),
        ("c", ("host.example",), "the token is no probe's"),
        ("\udc80\xff", (), "the token is no probe's"),
        ("a", ("host.example",), "of different probes"),
        ("b", (), "needs its probe's client certificate"),
        (None, ("spiffe://tower/both",), "needs its probe's token"),
        (None, ("nobody.example",), "'nobody.example' is no probe's"),
        (None, ("host.example", "spiffe://tower/both"), "more than one probe"),
    ],
)
def test_who_is_proved(tmp_path, token, names, found):
    roster = load_roster(write(tmp_path, *PROVING))
    try:
        assert roster.identify(token, names).id == found
    except UnknownSenderError as error:
        assert found in str(error)


SPEAKING = (
    f"id: eu-1, region: eu, token_sha256: {A}",
    "id: us-1, region: us",
    f"id: gw, token_sha256: {B}, speaks_for: [us-1]",
    f'id: any, token_sha256: {sha("any")}, speaks_for: ["*"]',
    f"id: shipper, token_sha256: {sha('shipper')}",
)


@pytest.mark.parametrize(
    ("sender", "probe", "region", "fine"),
    [
        ("eu-1", "eu-1", "eu", True),
        ("eu-1", "eu-1", None, True),
        ("eu-1", None, "eu", True),
        ("eu-1", None, None, True),
        ("eu-1", "eu-1", "us", False),
        ("eu-1", "eu-1", "EU", False),
        ("eu-1", None, "us", False),
        ("eu-1", "us-1", "eu", False),
        ("eu-1", "us-1", None, False),
        ("eu-1", "", None, False),
        ("gw", "us-1", "us", True),
        ("gw", "us-1", "eu", False),
        ("gw", "eu-1", "eu", False),
        ("gw", "gw", None, True),
        ("gw", "gw", "us", False),
        ("any", "eu-1", "eu", True),
        ("any", "eu-1", "us", False),
        ("any", "unlisted", "anywhere", True),
        ("shipper", "shipper", None, True),
        ("shipper", "shipper", "eu", False),
    ],
)
def test_who_may_speak_for_whom(tmp_path, sender, probe, region, fine):
    roster = load_roster(write(tmp_path, *SPEAKING))
    (entry,) = [entry for entry in roster.entries if entry.id == sender]
    assert (roster.objection(entry, probe, region) is None) is fine


def test_limits_of_its_own_come_before_those_of_all(tmp_path):
    own = f"id: b, token_sha256: {B}, rate: 5, burst: 1m, max_bytes: 2048"
    roster = load_roster(write(tmp_path, f"id: a, token_sha256: {A}", own, head="rate: 100\nmax_bytes: 4096\n"))
    common, special = (roster.limits(entry) for entry in roster.entries)
    assert common == (100, 4 << 20, 10.0, 4096)
    assert special == (5, 4 << 20, 60.0, 2048)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "kafka_bridge", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_a_new_token_goes_with_the_line_that_is_printed(tmp_path):
    done = run("probes", "token", "bücher-1", "--region", "köln")
    token = done.stdout.strip()
    assert re.fullmatch(r"dnstower_[\w-]{43}", token)
    assert token not in done.stderr
    file = tmp_path / "probes.yaml"
    file.write_text(f"version: 1\nprobes:\n{done.stderr}")
    entry = load_roster(file).identify(token, ())
    assert (entry.id, entry.region) == ("bücher-1", "köln")
    assert entry.tokens == (hashlib.sha256(token.encode()).hexdigest(),)
    assert run("probes", "token", "bücher-1").stdout.strip() != token


def bridge_yaml(tmp_path, otlp):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    (tmp_path / "probes.yaml").write_text(PROBES)
    file = tmp_path / "bridge.yaml"
    file.write_text(f"version: 1\ninventory: inventory.yaml\notlp: {{{otlp}}}\n")
    return file


def test_listing_and_checking(tmp_path):
    file = bridge_yaml(tmp_path, "probes: probes.yaml")
    rows = [json.loads(line) for line in run("probes", "list", "--config", file, "--json").stdout.splitlines()]
    assert [(row["id"], row["region"], row["proofs"], row["rate"]) for row in rows] == [
        ("eu-1", "eu-west", ["token"], 2000),
        ("us-1", "us-east", ["token"], 2000),
        ("slow-1", "eu-west", ["token"], 1),
    ]
    assert "slow-1" in run("probes", "list", "--config", file).stdout
    assert run("check", file).returncode == 0
    (tmp_path / "probes.yaml").write_text(PROBES + "  - {id: eu-1}\n")
    done = run("check", file)
    assert done.returncode == 1
    assert "probes.yaml:6:10: 'eu-1' stands twice" in done.stderr
    done = run("probes", "list", "--config", bridge_yaml(tmp_path, ""))
    assert done.returncode == 1
    assert "has no `otlp: {probes: FILE}`" in done.stderr


@pytest.mark.parametrize(
    ("otlp", "message"),
    [
        ('grpc: "0.0.0.0:4317", probes: p.yaml', "3:38: 0.0.0.0:4317 is not on loopback, so tokens would cross"),
        (
            'http: "[::]:4318", probes: p.yaml, expose: true',
            "3:35: [::]:4318 is not on loopback, so tokens",
        ),
        ('grpc: "0.0.0.0:4317", tls: {certificate: c, key: k}', "3:14: 0.0.0.0:4317 is not on loopback; write `expose"),
        ("tls: {certificate: c}", "3:13: Object missing required field `key`"),
        ("max_age: old", "3:17: 'old' is not a duration"),
    ],
)
def test_off_loopback_needs_both(tmp_path, otlp, message):
    file = bridge_yaml(tmp_path, otlp)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert f"{file}:{message}" in str(caught.value)


def test_off_loopback_with_both_nothing_needs_to_be_exposed(tmp_path, caplog):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("bridge.example")
    text = f'grpc: "0.0.0.0:0", tls: {{certificate: {certificate.name}, key: {key.name}}}, probes: probes.yaml'
    otlp = load_config(bridge_yaml(tmp_path, text)).otlp
    assert otlp.tls == OtlpTls(certificate=str(certificate), key=str(key))
    guard, certificates = doors(otlp)
    assert certificates is not None
    assert guard.who("dnstower_eu", ()).id == "eu-1"
    assert not caplog.records


def test_an_open_door_is_said(caplog):
    doors(Otlp(grpc="192.0.2.1:4317", expose=True))
    (record,) = caplog.records
    assert "OTLP on 192.0.2.1:4317 is open to whoever reaches it" in record.getMessage()
    caplog.clear()
    doors(Otlp())
    assert not caplog.records


@pytest.mark.parametrize("fault", ["no key", "another's key", "no authority", "missing"])
def test_certificates_that_cannot_be_used(tmp_path, fault):
    certificate, key = Authority(tmp_path).issue("bridge.example")
    clients = tmp_path / "clients.pem"
    clients.write_bytes((tmp_path / "ca.pem").read_bytes())
    if fault == "no key":
        key.write_text("no key")
    elif fault == "another's key":
        (tmp_path / "b").mkdir()
        key = Authority(tmp_path / "b").issue("other.example")[1]
    elif fault == "no authority":
        clients.write_text("nobody")
    else:
        certificate.unlink()
    named = {"no key": key, "another's key": key, "no authority": clients, "missing": certificate}[fault]
    with pytest.raises(ConfigError) as caught:
        doors(Otlp(tls=OtlpTls(certificate=str(certificate), key=str(key), clients=str(clients))))
    assert str(named) in str(caught.value)

"""The checks of `dns-rules check`: each fires on one inventory or rule, and not on another."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from dns_events.yamlfile import Document
from dns_rules import RulesError, load_rules
from dns_rules.checks import CHECKS, of_inventory, of_rules, wanted
from dns_rules.cli import app
from dns_rules.inventory import Inventory, checked
from dns_rules.packs import MANIFEST
from dns_rules.rules import PACKAGED

NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)
SHA1, SHA256 = "ab" * 20, "ab" * 32
HEAD = """version: 1
teams: {web: {name: Web}}
zones:
"""


def sets(*listed):
    """Expected data: a name below the apex, a type, and the data."""
    names = {"@": "example.com"}
    return {"records": [{"name": names.get(n, f"{n}.example.com"), "type": t, "expect": d} for n, t, d in listed]}


def plan(*listed, end="2026-12-01T08:00:00Z"):
    """A change to sets, as `sets` has them."""
    records = [
        {"name": each["name"], "type": each["type"], "data": each["expect"]} for each in sets(*listed)["records"]
    ]
    return {"changes": [{"id": "C", "start": "2026-01-01T00:00:00Z", "end": end, "records": records}]}


MX = ("@", "MX", ["10 mail.example.net"])
#: By check: what is wrong, each by itself, and what is not.
ZONES = {
    "cname-beside-data": (
        [
            sets(("www", "CNAME", ["a.example.net"]), ("www", "A", ["192.0.2.1"])),
            sets(("www", "CNAME", ["a.example.net", "b.example.net"])),
            {**sets(("www", "A", ["192.0.2.1"])), **plan(("www", "CNAME", ["a.example.net"]))},
            plan(("www", "A", ["192.0.2.1"]), ("www", "CNAME", ["a.example.net"])),
        ],
        [
            sets(("www", "CNAME", ["a.example.net"]), ("www", "A", "any"), ("web", "A", ["192.0.2.1"])),
            {**sets(("www", "A", ["192.0.2.1"])), **plan(("www", "A", []), ("www", "CNAME", ["a.example.net"]))},
        ],
    ),
    "cname-at-apex": ([sets(("@", "CNAME", ["a.example.net"]))], [sets(("www", "CNAME", ["a.example.net"]))]),
    "target-is-alias": (
        [
            sets(("@", "MX", ["10 mail.example.com."]), ("mail", "CNAME", ["a.example.net"])),
            {"nameservers": ["ns1.example.com"], **sets(("ns1", "CNAME", ["a.example.net"]))},
        ],
        [sets(MX, ("mail", "CNAME", ["a.example.net"]))],
    ),
    "target-is-address": (
        [sets(("@", "MX", ["10 192.0.2.1"])), sets(("_sip._tcp", "SRV", ["0 0 5060 2001:db8::1"]))],
        [sets(MX, ("_sip._tcp", "SRV", ["0 0 0 ."]))],
    ),
    "host-name": (
        [
            sets(("my_host", "A", ["192.0.2.1"])),
            sets(("@", "MX", ["10 mail_1.example.net"])),
            plan(("-a", "AAAA", ["2001:db8::1"])),
            {"nameservers": ["ns_1.example.net"]},
        ],
        [sets(("_sip._tcp", "SRV", ["0 0 5060 sip"]), ("_dmarc", "TXT", ["v=DMARC1"]), ("*", "A", ["192.0.2.1"]))],
    ),
    "data-invalid": (
        [
            sets(("www", "A", ["192.0.2.300"])),
            sets(("@", "MX", ["mail.example.net"])),
            sets(("@", "CAA", ["issue ca.example"])),
            plan(("www", "AAAA", ["192.0.2.1"])),
        ],
        [sets(MX, ("www", "A", ["192.0.2.1"]), ("@", "CAA", ['0 issue "ca.example"']), ("@", "TXT", ["a b"]))],
    ),
    "ds-digest": (
        [
            sets(("@", "DS", [f"1 13 9 {SHA256}"])),
            sets(("@", "DS", [f"1 13 2 {SHA1}"])),
            sets(("@", "DS", ["1 13"])),
        ],
        [sets(("@", "DS", [f"1 13 2 {SHA256}", f"1 13 2 {SHA256[:32]} {SHA256[32:]}"]))],
    ),
    "ds-sha1": ([sets(("@", "DS", [f"1 13 1 {SHA1}"]))], [sets(("@", "DS", [f"1 13 2 {SHA256}"]))]),
    "spf-twice": (
        [sets(("@", "TXT", ["v=spf1 -all", '"v=spf1 mx -all"']))],
        [sets(("@", "TXT", ["v=spf1 -all", "v=spf10"]))],
    ),
    "dmarc-twice": (
        [sets(("_dmarc", "TXT", ["v=DMARC1; p=none", "v=DMARC1;p=reject"]))],
        [sets(("_dmarc", "TXT", ["v=DMARC1; p=none", "other"]))],
    ),
    "null-mx-alone": (
        [sets(("@", "MX", ["0 .", "10 mail.example.net"])), sets(("@", "MX", ["10 ."]))],
        [sets(("@", "MX", ["0 ."])), sets(MX)],
    ),
    "spf-missing": (
        [sets(MX), sets(MX, ("@", "TXT", ["other"]))],
        [sets(MX, ("@", "TXT", ["v=spf1 -all"])), sets(MX, ("@", "TXT", "any")), {}],
    ),
    "dmarc-missing": ([sets(MX)], [sets(MX, ("_dmarc", "TXT", "any")), {}]),
    "caa-missing": ([sets(MX)], [sets(MX, ("@", "CAA", "any")), {}]),
    "nameservers-few": (
        [{"nameservers": ["ns1.example.net"]}, plan(("@", "NS", ["ns1.example.net"]))],
        [{}, {"nameservers": ["ns1.example.net", "ns2.example.net"]}],
    ),
    "nameservers-in-one-domain": (
        [{"nameservers": ["ns1.example.net", "ns2.example.net"]}],
        [{"nameservers": ["ns1.example.net", "ns2.example.org"]}],
    ),
    "nameservers-in-one-network": (
        [
            {
                "nameservers": ["ns1.example.com", "ns2.example.com"],
                **sets(("ns1", "A", ["192.0.2.1"]), ("ns2", "A", ["192.0.2.2"])),
            }
        ],
        [
            {
                "nameservers": ["ns1.example.com", "ns2.example.com"],
                **sets(("ns1", "A", ["192.0.2.1"]), ("ns2", "A", second)),
            }
            for second in (["198.51.100.1"], "any")
        ],
    ),
    "ttl-too-long": ([{"ttl_minimum": 2**31}], [{"ttl_minimum": 2**31 - 1}]),
    "ttl-minimum-missing": ([{"criticality": "critical"}], [{}, {"criticality": "critical", "ttl_minimum": 60}]),
    "dnssec-not-required": ([{"criticality": "critical"}], [{}, {"criticality": "critical", "dnssec": "required"}]),
    "lock-not-required": (
        [{"criticality": "critical"}],
        [{}, {"criticality": "critical", "registration": {"lock": "required"}}],
    ),
    "apex-any": (
        [{"criticality": "critical", **sets(("@", "A", "any"))}],
        [sets(("@", "A", "any")), {"criticality": "critical", **sets(("@", "A", ["192.0.2.1"]), ("www", "A", "any"))}],
    ),
    "change-over": ([plan(end="2026-10-31T00:00:00Z")], [plan(end="2026-11-02T00:00:00Z")]),
    "approvers-missing": ([{}], [{"approvers": ["alice@example.com"]}]),
}
#: By check: what is changed of the packaged rule `zone-outage`, and what is not wrong.
RULES = {
    "window-short": ("detect: {window: {critical: 60s}}", "detect: {window: {critical: 90s}}"),
    "test-missing": ("id: ours", "hold: 20s"),
    "runbook-missing": ("runbook: none", "runbook: zone-outage"),
    "explains-circle": ("explains: [ours, region-outage]", "explains: [region-outage]"),
    "title-without-name": ("title: Down", "title: 'Down: {zone}'"),
    "severity-unsplit": ("severity: critical", "severity: {critical: critical, high: warning, normal: info}"),
}


def found(tmp_path, zone, id_, ignore=()):
    file = tmp_path / "inventory.yaml"
    zone = {"zone": "example.com", "owner": "web", **zone, "ignore": list(ignore)}
    file.write_text(HEAD + f"  - {json.dumps(zone)}\n")
    document = Document(file, RulesError)
    return of_inventory(document, checked(document, document.convert(Inventory)), NOW, [CHECKS[id_]])


@pytest.mark.parametrize("id_", [id_ for id_, check in CHECKS.items() if check.of == "zone"])
def test_a_check_of_zones_fires_and_is_silent(tmp_path, id_):
    wrong, right = ZONES[id_]
    for zone in wrong:
        findings = found(tmp_path, zone, id_)
        assert {(each.id, each.line) for each in findings} == {(id_, 4)}, zone
        assert all(each.source and each.text for each in findings)
        assert not found(tmp_path, zone, id_, ignore=[id_])
    for zone in right:
        assert not found(tmp_path, zone, id_), zone


def ours(tmp_path, text):
    folder = tmp_path / "ours"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text("{name: ours, version: '7', over: packaged}\n")
    for name in ("zone-outage", "ours"):
        (folder / f"{name}.yaml").unlink(missing_ok=True)
    if "ours" in text:
        base = (PACKAGED / "zone-outage.yaml").read_text().replace("id: zone-outage", "id: ours")
        (folder / "ours.yaml").write_text(base.replace("explains: [", "explains: [zone-outage, "))
    if text != "id: ours":
        (folder / "zone-outage.yaml").write_text(f"id: zone-outage\n{text}\n")
    return folder


@pytest.mark.parametrize("id_", [id_ for id_, check in CHECKS.items() if check.of == "rule"])
def test_a_check_of_rules_fires_and_is_silent(tmp_path, id_):
    wrong, right = RULES[id_]
    findings = of_rules(load_rules(ours(tmp_path, wrong)), [CHECKS[id_]])
    assert {each.id for each in findings} == {id_}
    file = tmp_path / "ours" / ("ours.yaml" if wrong == "id: ours" else "zone-outage.yaml")
    assert str(file) in {each.file for each in findings}
    assert not of_rules(load_rules(ours(tmp_path, right)), [CHECKS[id_]])


def test_a_rule_that_is_only_in_the_pack_below_is_not_ours_to_mend(tmp_path):
    assert of_rules(load_rules(ours(tmp_path, "id: ours")), [CHECKS["severity-unsplit"]])[0].about == "ours"
    assert len(of_rules(load_rules(ours(tmp_path, "id: ours")), [CHECKS["severity-unsplit"]])) == 1


#: Of the repository; the distribution is without.
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize(
    "file",
    [
        Path(__file__).parent / "inventories" / "good.yaml",
        *EXAMPLES.glob("**/inventory.yaml"),
        *EXAMPLES.glob("inventory/after.yaml"),
    ],
    ids=lambda file: f"{file.parent.name}/{file.name}",
)
def test_what_is_shipped_is_right_by_the_rfcs(file, capsys):
    assert app(["check", "--inventory", str(file), "--rules", str(PACKAGED)]) == 0, capsys.readouterr().out


@pytest.fixture
def inventory(tmp_path):
    file = tmp_path / "inventory.yaml"
    zone = "  - zone: example.com\n    owner: web\n    approvers: [a]\n    nameservers: [ns1.example.net]\n"
    file.write_text(HEAD + zone)
    return file


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ([], 1, "inventory.yaml:7:18: example.com has one name server; write a second one (nameservers-few, RFC 1034"),
        (["--set", "none"], 0, "1 zones of 1 teams are fine"),
        (["--set", "best-practice"], 0, "1 zones of 1 teams are fine"),
        (["--set", "all"], 1, "1 zones of 1 teams with 1 finding"),
        (["--ignore", "nameservers-few"], 0, "are fine"),
        (
            ["--list"],
            0,
            "nameservers-few            rfc           A zone has two name servers at least. (RFC 1034 §4.1",
        ),
        (["--json"], 1, '"column": 18, "id": "nameservers-few", "set": "rfc"'),
        (["--list", "--json"], 0, '"id": "nameservers-few"'),
    ],
)
def test_the_command(inventory, capsys, more, code, said):
    assert app(["check", "--inventory", str(inventory), *more]) == code
    assert said in capsys.readouterr().out


def test_advice_is_no_failure(inventory, capsys):
    inventory.write_text(HEAD + "  - {zone: example.com, owner: web}\n")
    assert app(["check", "--inventory", str(inventory), "--set", "all"]) == 3
    assert "(approvers-missing, " in capsys.readouterr().out


def test_help_says_what_the_sets_are(capsys):
    app(["check", "--help"])
    said = capsys.readouterr().out
    assert all(word in said for word in ("--set", "best-practice", "--ignore", "--list", "Exit code"))


def test_what_is_no_check_cannot_be_ignored(inventory):
    with pytest.raises(RulesError, match="no check 'nameserver-few'; did you mean nameservers-few"):
        wanted("all", ["nameserver-few"])
    inventory.write_text(HEAD + "  - {zone: example.com, owner: web, ignore: [nope]}\n")
    with pytest.raises(RulesError, match=r"inventory\.yaml:4:46: no check 'nope'; `dns-rules check --list` names them"):
        app(["check", "--inventory", str(inventory)])

"""Importers: the same zone from three tools, one file for each thing that is not fine, and there and back again."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import yaml
from dns_rules import RulesError, cli, load_inventory
from dns_rules.importers import dnscontrol, octodns, rdata, source, zonefile
from dns_rules.importers.differences import expected
from dns_rules.importers.filling import fresh
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

FILES = Path(__file__).parent / "data" / "importers"
READERS = {"octodns": octodns.zones, "dnscontrol": dnscontrol.zones, "zonefile": zonefile.zones}
GOOD = {
    "octodns": FILES / "octodns" / "good",
    "dnscontrol": FILES / "dnscontrol" / "good.json",
    "zonefile": FILES / "zonefile" / "example.com.zone",
}

BAD = {
    "octodns/address-wrong": ":4:7: '192.0.2.300' is no data of A: Text input is malformed.",
    "octodns/at-sign": ":1:6: octoDNS's name of the apex is ''; write '' for '@'",
    "octodns/configuration": ":1:10: this is octoDNS's configuration, no zone file; keep it in another folder",
    "octodns/example..com": ": octoDNS names a file as its zone, as example.com.yaml; 'example..com' is not a domain "
    "name: A DNS label is empty.",
    "octodns/exchange-missing": ":1:23: a value of MX has no exchange; write `exchange:`",
    "octodns/key-twice": ":2:1: 'www' stands twice; keep one",
    "octodns/label-wrong": ":1:24: 'a..b.label-wrong' is not a domain name: A DNS label is empty.",
    "octodns/merge-key": ":3:3: merge keys (<<) are not read; write the keys out",
    "octodns/nested-value": ":1:25: A must be a text or a number",
    "octodns/no-last-dot": ":3:21: 'mail.example.net' has no last dot; write 'mail.example.net.'",
    "octodns/no-type": ":2:6: record 'www' has no type; write for instance `type: A`",
    "octodns/no-value": ":1:6: record 'www' of type A has no value; write `value:`, or `values:` and a list",
    "octodns/not-a-mapping": ":1:1: a zone file must be a mapping of keys and values",
    "octodns/not-yaml": ":2:1: not YAML: did not find expected ',' or '}'",
    "octodns/tag": ":1:6: !include is not followed; write in what it stands for",
    "octodns/target-without-dot": ":3:10: 'example.com' has no last dot; write 'example.com.'",
    "octodns/too-deep": ":1:55: not YAML: nested more than 50 times",
    "octodns/ttl-wrong": ":1:21: ttl '1h' must be a whole number",
    "dnscontrol/address-wrong": ": domains[0].records[1]: '192.0.2.300' is no data of A: Text input is malformed.",
    "dnscontrol/no-domains": ": Object missing required field `domains`; write what `dnscontrol print-ir` prints",
    "dnscontrol/not-json": ":2:3: not JSON: JSON is malformed: invalid character (byte 14); write what `dnscontrol "
    "print-ir` prints",
    "dnscontrol/number-wrong": ": domains[0].records[0]: 'mxpreference' is 'ten'; it must be a whole number of 32 bits",
    "dnscontrol/target-relative": ": domains[0].records[0] ([line:7:3] of dnsconfig.js): target 'example.net' has no "
    "last dot; write 'example.net.', or leave out --raw of print-ir",
    "dnscontrol/too-deep": ":1:1: not JSON: maximum recursion depth exceeded while deserializing an object; write what "
    "`dnscontrol print-ir` prints",
    "dnscontrol/type-missing": ": domains[0].records[0]: 'type' is missing",
    "dnscontrol/views": ": domains[1]: zone example.com has several views; keep the one that the world sees",
    "dnscontrol/zone-not-a-name": ": domains[0]: 'example..com' is not a domain name: A DNS label is empty.",
    "zonefile/address-wrong": ":3: Text input is malformed in 'www A 192.0.2.300'",
    "zonefile/class-wrong": ":3: RR class is not zone's class in '@ CH TXT \"x\"'; only class IN is read",
    "zonefile/cname-and-other": ":4: www.example.com has CNAME and A; keep one (RFC 2181 §10.1)",
    "zonefile/generate": ":3: zone file directive '$GENERATE' is not allowed in '$GENERATE 1-4000000000 h$ A "
    "192.0.2.1'; write in what it makes (named-compilezone -o - ZONE FILE does)",
    "zonefile/include": ":3: zone file directive '$INCLUDE' is not allowed in '$INCLUDE /etc/passwd'; write in what it "
    "includes",
    "zonefile/no-origin": ":2: a name has no last dot, and there is no $ORIGIN; write `$ORIGIN example.com.` as the "
    "first line",
    "zonefile/no-ttl": ":2: Missing default TTL value in 'www IN A 192.0.2.1'; write `$TTL 3600` as the first line",
    "zonefile/not-utf8": ":3: not UTF-8; write other octets as \\DDD",
    "zonefile/outside": ":3: www.example.net is not in zone example.com; move it to its own zone",
    "zonefile/two-zones": ": SOA records of example.com. and example.net.; write a file for each zone",
    "zonefile/which-zone": ":1: of which zone is this? Write `$ORIGIN example.com.` as the first line, or keep its SOA",
}


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*arguments):
    """The command line in this process, for there are many."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(cli, "app", partial(cli.app, [*map(str, arguments)]))
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def test_every_bad_file_has_its_message():
    assert {f"{path.parts[-3]}/{path.stem}" for path in FILES.glob("*/bad/*")} == set(BAD)


@pytest.mark.parametrize("name", sorted(BAD))
def test_one_fault(name):
    kind, _, stem = name.partition("/")
    (path,) = (FILES / kind / "bad").glob(f"{stem}.*")
    with pytest.raises(RulesError) as caught:
        READERS[kind](path)
    assert str(caught.value) == f"{path}{BAD[name]}"


RECORDS = {
    ("example.com", "A"): ("192.0.2.1", "192.0.2.2"),
    ("example.com", "CAA"): ('0 issue "ca.example.net"', '128 issuewild ";"'),
    ("example.com", "MX"): ("10 mail.example.com.", "20 mx2.example.net."),
    ("example.com", "TXT"): ('"in quotes"', '"v=DKIM1; k=rsa"', '"v=spf1 mx -all"'),
    ("www.example.com", "CNAME"): ("example.com.",),
}


@pytest.mark.parametrize("kind", READERS)
def test_three_tools_have_the_same_zone(kind):
    zone = next(zone for zone in READERS[kind](GOOD[kind]) if zone.zone == "example.com")
    assert zone.nameservers == ("ns1.example.net", "ns2.example.net")
    found = {(record.name, record.type): record.data for record in zone.records}
    assert {question: found[question] for question in RECORDS} == RECORDS
    assert found["_sip._tcp.example.com", "SRV"] == ("1 2 5060 sip.example.com.",)
    (apex,) = (record for record in zone.records if (record.name, record.type) == ("example.com", "A"))
    assert apex.ttl == 300


@pytest.mark.parametrize(
    ("kind", "left_out"),
    [
        (
            "octodns",
            {
                "example.com: type ALIAS is not imported from octoDNS",
                "ignored.example.com: A that octoDNS ignores",
                "ns1.sub.example.com: below the delegation of sub.example.com",
                "sub.example.com: a delegation; list it as a zone of its own",
            },
        ),
        (
            "dnscontrol",
            {
                "example.com: type ALIAS is not imported from DNSControl",
                "example.com: type CLOUDFLAREAPI_SINGLE_REDIRECT is not imported from DNSControl",
            },
        ),
        (
            "zonefile",
            {
                "lb.example.com: ALIAS is no type that servers answer with",
                "ns1.sub.example.com: below the delegation of sub.example.com",
                "sub.example.com: a delegation; list it as a zone of its own",
            },
        ),
    ],
)
def test_what_is_left_out_is_said(kind, left_out):
    zone = next(zone for zone in READERS[kind](GOOD[kind]) if zone.zone == "example.com")
    assert set(zone.left_out) == left_out


def test_split_configuration_of_octodns_is_one_zone():
    zone = next(zone for zone in octodns.zones(GOOD["octodns"]) if zone.zone == "example.net")
    assert zone == octodns.zones(GOOD["octodns"] / "example.net.")[0]
    assert [(record.name, record.data) for record in zone.records] == [
        ("example.net", ("2001:db8::1",)),
        ("www.example.net", ("192.0.2.3",)),
    ]


def test_an_empty_folder_is_said(tmp_path):
    with pytest.raises(RulesError, match=r"no zone files; octoDNS names them as their zone: example\.com\.yaml"):
        octodns.zones(tmp_path)


def test_dnscontrol_takes_the_view_without_tag_and_names_outside_ascii():
    zones = {zone.zone: zone for zone in dnscontrol.zones(GOOD["dnscontrol"])}
    assert set(zones) == {"example.com", "xn--bcher-kva.example"}
    data = {(record.name, record.type): record.data for record in zones["example.com"].records}
    assert data["www.eu.example.com", "CNAME"] == ("web.eu.example.com.",)  # print-ir --raw
    assert data["_ntp._udp.example.com", "SRV"] == ("0 0 1 sip.example.com.",)  # zeros are left out


def test_a_transfer_of_dig_is_a_master_file():
    (zone,) = zonefile.zones(FILES / "zonefile" / "axfr.txt")
    taken = source.chosen(zone, source.TYPES)
    assert (taken.zone, taken.nameservers) == ("example.org", ("ns1.example.net",))
    assert [record.data for record in taken.records] == [("2001:db8::1",)]
    assert taken.left_out == ("1 RRSIG: not among --types",)


@pytest.mark.parametrize("kind", READERS)
def test_too_large_a_file_is_not_read(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_BYTES", 100)
    file = tmp_path / "example.com.yaml"
    file.write_text("#" * 101)
    with pytest.raises(RulesError, match="more than 100 bytes; import its zones one by one"):
        READERS[kind](file)


def test_aliases_cannot_ask_for_more_records_than_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(source, "MAX_RECORDS", 1000)
    file = tmp_path / "example.com.yaml"
    values = ", ".join(f"192.0.2.{number}" for number in range(256))
    file.write_text(f"a: &a {{type: A, values: [{values}]}}\n" + "".join(f"a{n}: *a\n" for n in range(4)))
    with pytest.raises(RulesError, match=r":1:2932: more than 1000 records; divide the zone"):
        octodns.zones(file)


@settings(deadline=None, max_examples=100)
@given(data=st.data())
@pytest.mark.parametrize("kind", READERS)
def test_what_is_damaged_is_an_error_with_a_file(kind, data, tmp_path_factory):
    whole = GOOD[kind] / "example.com.yaml" if kind == "octodns" else GOOD[kind]
    octets = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at, length = data.draw(st.integers(0, len(octets))), data.draw(st.sampled_from([0, 1, 5]))
        octets[at : at + length] = data.draw(st.sampled_from(DAMAGE))
    file = tmp_path_factory.getbasetemp() / f"example.com{whole.suffix}"
    file.write_bytes(octets)
    try:
        READERS[kind](file)
    except RulesError as error:
        assert str(error).startswith(f"{file}:")


DAMAGE = [
    b"\n", b"\t", b'"', b"\\", b"(", b")", b"[", b"{", b"&a ", b"*a", b"<<: ", b"~", b"..", b"\xff", b"\x00", b";",
    b"@", b"-1", b"1e999", b"99999999999", b"true", b"CNAME", b"TXT", b"TYPE1", b"\\# 1 00", b"OPT", b"$ORIGIN", b"!!x",
]  # fmt: skip

# There and back again.

LABEL = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
NAME = st.lists(LABEL, min_size=1, max_size=3).map(".".join)
OCTETS = st.one_of(st.binary(max_size=600), st.text('";\\ az=é\n', max_size=40).map(str.encode))
SMALL = st.integers(0, 65535)
SHA1, SHA256 = (st.binary(min_size=size, max_size=size).map(bytes.hex) for size in (20, 32))
DATA = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
    "MX": st.builds("{} {}.".format, SMALL, NAME),
    "TXT": OCTETS.map(rdata.strings),
    "CAA": st.builds("{} {} {}".format, st.integers(0, 255), st.sampled_from(["issue", "iodef"]),
                     st.binary(max_size=80).map(rdata.quoted)),
    "SRV": st.builds("{} {} {} {}.".format, SMALL, SMALL, SMALL, NAME),
    "SSHFP": st.builds("4 1 {}".format, SHA1),
    "TLSA": st.builds("3 1 1 {}".format, SHA256),
}  # fmt: skip


@st.composite
def zones(draw):
    questions = draw(st.sets(st.tuples(st.one_of(st.just(""), st.just("*"), NAME), st.sampled_from(sorted(DATA)))))
    records = [
        source.RecordSet(
            name=f"{label}.example.com".removeprefix("."),
            type=rdtype,
            data=tuple(sorted({rdata.canonical(rdtype, each) for each in draw(st.lists(DATA[rdtype], min_size=1))})),
        )
        for label, rdtype in questions
    ]
    for label in draw(st.sets(NAME, max_size=2)) - {label for label, _ in questions}:
        target = rdata.canonical("CNAME", draw(NAME) + ".")
        records.append(source.RecordSet(name=f"{label}.example.com", type="CNAME", data=(target,)))
    records.sort(key=lambda record: (record.name != "example.com", record.name, record.type))
    servers = draw(st.sets(NAME, max_size=3))
    return source.SourceZone(zone="example.com", nameservers=tuple(sorted(servers)), records=tuple(records))


@settings(deadline=None, max_examples=60)
@given(zone=zones())
def test_what_is_exported_is_imported_again(tmp_path_factory, zone):
    folder = tmp_path_factory.mktemp("zones")
    file = folder / "inventory.yaml"
    file.write_text(fresh([zone], "web", "normal"))
    said = expected(load_inventory(file).zone("example.com"))
    assert said == zone
    for form, suffix in ((octodns, "yaml"), (zonefile, "zone")):
        file = folder / f"example.com.{suffix}"
        file.write_text(form.write(zone))
        (again,) = form.zones(file)
        records = tuple(structs.replace(record, ttl=None) for record in again.records)
        assert structs.replace(again, records=records) == zone
    assert msgspec.json.decode(msgspec.json.encode(zone), type=source.SourceZone) == zone


def test_octodns_finds_its_names_in_the_order_that_it_enforces():
    names = [f"www{number}.example.com" for number in (10, 2, 1)]
    records = tuple(source.RecordSet(name=name, type="A", data=("192.0.2.1",)) for name in names)
    text = octodns.write(source.SourceZone(zone="example.com", records=records))
    assert [line for line in text.splitlines() if line.startswith("www")] == ["www1:", "www2:", "www10:"]


# The commands.

WRITTEN = """\
# the inventory
version: 1
teams:
  web: {name: Web platform, notify: [slack:web-oncall]}   # us
observers: web
zones:
  # ours
  - zone: Example.com.
    owner: web
    criticality: critical   # money
    dnssec: off
    nameservers: [ns9.example.net]

    records:
      # the web
      - {name: example.com, type: A, expect: [192.0.2.99], split: true}
      - {name: gone.example.com, type: A, expect: [192.0.2.98]}
      # regions
      - {name: cdn.example.com, type: A, expect: any, split: true}
      - {name: watched.example.com, type: A}
      - name: www.example.com
        type: CNAME
        expect: [Example.com]   # the same, written otherwise
      - {name: _x.example.com, type: SRV, expect: ["1 1 1 a.example.com."]}
    changes:
      - {id: CHG-1041, start: 2026-11-23T10:00:00Z, end: 2026-11-23T11:00:00Z, allow: [records, ns, ds, ttl]}
  - {zone: example.org, owner: web, approvers: [alice@example.com]}
"""
BROUGHT = """\
# the inventory
version: 1
teams:
  web: {name: Web platform, notify: [slack:web-oncall]}   # us
observers: web
zones:
  # ours
  - zone: Example.com.
    owner: web
    criticality: critical   # money
    dnssec: off
    nameservers: [ns1.example.net, ns2.example.net]

    records:
      # the web
      - {name: example.com, type: A, expect: [192.0.2.1, 192.0.2.2], split: true}
      # regions
      - {name: cdn.example.com, type: A, expect: any, split: true}
      - {name: watched.example.com, type: A}
      - name: www.example.com
        type: CNAME
        expect: [Example.com]   # the same, written otherwise
      - {name: _x.example.com, type: SRV, expect: ["1 1 1 a.example.com."]}
      - {name: example.com, type: CAA, expect: [0 issue "ca.example.net", 128 issuewild ";"]}
      - {name: example.com, type: MX, expect: [10 mail.example.com., 20 mx2.example.net.]}
      - {name: example.com, type: TXT, expect: ['"in quotes"', '"v=DKIM1; k=rsa"', '"v=spf1 mx -all"']}
    changes:
      - {id: CHG-1041, start: 2026-11-23T10:00:00Z, end: 2026-11-23T11:00:00Z, allow: [records, ns, ds, ttl]}
  - {zone: example.org, owner: web, approvers: [alice@example.com]}
  - zone: example.net
    owner: web
    criticality: high
    records:
      - {name: example.net, type: AAAA, expect: [2001:db8::1]}
      - {name: www.example.net, type: A, expect: [192.0.2.3]}
"""
DIFFERENCES = """\
~ example.com NS: the inventory expects ns9.example.net, the source has ns1.example.net, ns2.example.net
~ example.com A: the inventory expects 192.0.2.99, the source has 192.0.2.1, 192.0.2.2
+ example.com CAA: the source has 0 issue "ca.example.net", 128 issuewild ";", the inventory expects nothing
+ example.com MX: the source has 10 mail.example.com., 20 mx2.example.net., the inventory expects nothing
+ example.com TXT: the source has "in quotes", "v=DKIM1; k=rsa", "v=spf1 mx -all", the inventory expects nothing
- gone.example.com A: the inventory expects 192.0.2.98, the source has nothing
+ example.net: the source has this zone, the inventory does not
"""


#: What an import may change.
FIELDS = ("nameservers", "records")
PLAN = ("--id", "CHG-12", "--start", "2026-12-01T06:00:00", "--for", "2h")


@pytest.fixture
def written(tmp_path):
    file = tmp_path / "inventory.yaml"
    file.write_text(WRITTEN)
    file.chmod(0o640)
    return file


@pytest.mark.parametrize("kind", READERS)
def test_a_new_inventory_is_fine_and_says_what_the_source_says(kind, tmp_path):
    made = run("inventory", "import", kind, GOOD[kind], "--owner", "web", "--criticality", "high")
    assert made.returncode == 0, made.stderr
    assert "example.com: left out: " in made.stderr
    file = tmp_path / "inventory.yaml"
    file.write_text(made.stdout)
    assert run("check", "--inventory", file).returncode == 0
    zone = load_inventory(file).zone("example.com")
    assert (zone.owner, zone.criticality) == ("web", "high")
    assert {(r.name, r.type): r.expect for r in zone.records if r.expect != "any"} | RECORDS == {
        (r.name, r.type): r.expect for r in zone.records if r.expect != "any"
    }
    same = run("inventory", "diff", file, kind, GOOD[kind])
    assert (same.returncode, same.stdout) == (0, "")


def test_of_an_inventory_only_name_servers_and_records_are_replaced(written):
    arguments = ("inventory", "import", "octodns", GOOD["octodns"], "--owner", "web", "--criticality", "high")
    asked = run(*arguments, "--into", written)
    assert (asked.returncode, written.read_text()) == (3, WRITTEN)
    assert "+    nameservers: [ns1.example.net, ns2.example.net]\n" in asked.stdout
    assert f"{written}: is not written; say --yes to write it" in asked.stderr
    done = run(*arguments, "--into", written, "--yes")
    assert (done.returncode, done.stdout) == (0, asked.stdout)
    assert written.read_text() == BROUGHT
    assert written.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in written.parent.iterdir()] == ["inventory.yaml"]
    again = run(*arguments, "--into", written)
    assert (again.returncode, again.stdout) == (0, "")
    assert run("inventory", "diff", written, "octodns", GOOD["octodns"]).returncode == 0


def test_the_difference_is_a_line_a_question(written):
    said = run("inventory", "diff", written, "octodns", GOOD["octodns"])
    assert (said.returncode, said.stdout) == (3, DIFFERENCES)
    assert "2 zones compared, 7 differences; not in the source, so not compared: example.org" in said.stderr
    said = run("inventory", "diff", written, "octodns", GOOD["octodns"], "--json")
    first, *others = map(json.loads, said.stdout.splitlines())
    assert len(others) == 6
    assert first == {
        "what": "~", "zone": "example.com", "name": "example.com", "type": "NS",
        "inventory": ["ns9.example.net"], "source": ["ns1.example.net", "ns2.example.net"],
    }  # fmt: skip


def test_types_choose_what_is_compared(written):
    said = run("inventory", "diff", written, "octodns", GOOD["octodns"], "--types", "srv")
    assert said.stdout.splitlines() == [
        "+ _sip._tcp.example.com SRV: the source has 1 2 5060 sip.example.com., the inventory expects nothing",
        "- _x.example.com SRV: the inventory expects 1 1 1 a.example.com., the source has nothing",
        "+ example.net: the source has this zone, the inventory does not",
    ]


def test_json_tells_what_was_written(written):
    arguments = ("inventory", "import", "octodns", GOOD["octodns"], "--owner", "web", "--into", written, "--json")
    told = json.loads(run(*arguments).stdout)
    assert (told["written"], len(told["differences"])) == (False, 7)
    assert json.loads(run(*arguments, "--yes").stdout)["written"] is True


@pytest.mark.parametrize(("answer", "code"), [(b"y\n", 0), (b"\n", 3)])
def test_who_sits_at_a_terminal_is_asked(written, answer, code):
    ours, theirs = pty.openpty()
    command = ["inventory", "import", "octodns", str(GOOD["octodns"]), "--owner", "web", "--into", str(written)]
    with subprocess.Popen(
        [sys.executable, "-m", "dns_rules", *command], stdin=theirs, stderr=theirs, stdout=subprocess.DEVNULL
    ) as running:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 4096)
        os.write(ours, answer)
        reader = threading.Thread(target=_drain, args=(ours,))
        reader.start()
        assert running.wait() == code
    reader.join()
    os.close(ours)
    assert (written.read_text() != WRITTEN) == (code == 0)


def _drain(descriptor):
    try:
        while os.read(descriptor, 4096):
            pass
    except OSError:  # the other end is closed
        pass


def test_an_unknown_team_is_not_made_by_a_typing_error(written):
    done = run("inventory", "import", "octodns", GOOD["octodns"], "--owner", "wbe", "--into", written, "--yes")
    assert (done.returncode, written.read_text()) == (1, WRITTEN)
    assert done.stderr.endswith("team 'wbe' is not under `teams` (web); add it there first\n")


def test_a_broken_result_is_never_written(written):
    from dns_rules.importers.filling import replace

    for after, message in (
        (WRITTEN.replace("owner: web", "owner: wob"), "owner 'wob' is not under `teams`"),
        (WRITTEN.replace("critical ", "high "), "without changing more than nameservers and records"),
        (WRITTEN.replace(", approvers: [alice@example.com]", ""), "without changing more than nameservers and records"),
    ):
        with pytest.raises(RulesError, match=f"is left as it was: .*{message}"):
            replace(written, WRITTEN, after, FIELDS)
    with pytest.raises(RulesError, match="changed meanwhile; import again"):
        replace(written, "", WRITTEN, FIELDS)
    assert written.read_text() == WRITTEN
    assert [path.name for path in written.parent.iterdir()] == ["inventory.yaml"]


def test_without_the_extra_it_says_what_to_install(written, monkeypatch):
    monkeypatch.setitem(sys.modules, "ruamel.yaml", None)
    done = run("inventory", "import", "octodns", GOOD["octodns"], "--owner", "web", "--into", written, "--yes")
    assert (done.returncode, written.read_text()) == (1, WRITTEN)
    assert "pip install 'dns-rules[import]'" in done.stderr


def test_behind_a_link_the_file_is_written_and_the_link_stays(written):
    link = written.parent / "link.yaml"
    link.symlink_to(written)
    done = run("inventory", "import", "octodns", GOOD["octodns"], "--owner", "web", "--into", link, "--yes")
    assert done.returncode == 0, done.stderr
    assert link.is_symlink()
    assert "ns1.example.net" in written.read_text()


@pytest.mark.parametrize(("to", "reader"), [("octodns", "octodns"), ("zonefile", "zonefile")])
def test_export_to_a_folder_is_what_diff_compares(to, reader, written, tmp_path):
    run("inventory", "import", "octodns", GOOD["octodns"], "--owner", "web", "--into", written, "--yes")
    done = run("inventory", "export", written, "--to", to, "--folder", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert "example.com: left out: cdn.example.com A: expected without data" in done.stderr
    files = json.loads(done.stdout)
    assert len(files) == 3
    said = run("inventory", "diff", written, reader, *files)
    assert said.returncode == 0, said.stdout


def test_export_of_one_zone_and_of_all(written):
    one = run("inventory", "export", written, "--zone", "Example.com", "--to", "zonefile", "--types", "A")
    assert one.returncode == 2  # it has no --types
    one = run("inventory", "export", written, "--zone", "Example.com", "--to", "zonefile")
    assert one.stdout.startswith("$ORIGIN example.com.\n$TTL 3600\n@ IN NS ns9.example.net.\n")
    every = run("inventory", "export", written, "--to", "json")
    assert [json.loads(line)["zone"] for line in every.stdout.splitlines()] == ["example.com", "example.org"]
    several = run("inventory", "export", written, "--to", "octodns")
    assert several.returncode == 1
    assert several.stderr.endswith("has 2 zones, and octodns has one a file; choose one with --zone, or use --folder\n")


def test_a_plan_is_what_the_source_will_change(written):
    arguments = ("inventory", "plan", written, "octodns", GOOD["octodns"], *PLAN)
    printed = run(*arguments)
    assert printed.returncode == 0, printed.stderr
    assert "example.net: left out: the inventory does not have this zone" in printed.stderr
    (zone,) = yaml.safe_load(printed.stdout)["zones"]
    (change,) = zone["changes"]
    sets = {(record["name"], record["type"]): record["data"] for record in change["records"]}
    assert sets["example.com", "NS"] == ["ns1.example.net", "ns2.example.net"]
    assert json.loads(run(*arguments, "--json").stdout)["example.com"]["id"] == "CHG-12"
    asked = run(*arguments, "--into")
    assert (asked.returncode, written.read_text()) == (3, WRITTEN)
    done = run(*arguments, "--into", "--yes")
    assert done.returncode == 0, done.stderr
    before, after = (dict(enumerate(text.splitlines())) for text in (WRITTEN, written.read_text()))
    assert set(before.values()) <= set(after.values())  # comments, too
    (made,) = [each for each in load_inventory(written).zone("example.com").changes if each.id == "CHG-12"]
    assert (made.start.isoformat(), made.end.isoformat()) == ("2026-12-01T06:00:00+00:00", "2026-12-01T08:00:00+00:00")
    assert {(record.name, record.type): list(record.data) for record in made.records} == sets
    again = run(*arguments, "--into", "--yes")
    assert "zone example.com has a change CHG-12 already; choose another --id" in again.stderr


def test_a_plan_of_nothing_changes_nothing(written):
    run("inventory", "import", "octodns", GOOD["octodns"], "--owner", "web", "--into", written, "--yes")
    text = written.read_text()
    done = run("inventory", "plan", written, "octodns", GOOD["octodns"], *PLAN, "--into", "--yes")
    assert (done.returncode, written.read_text()) == (0, text)
    assert "0 record sets are going to change" in done.stderr
    assert (
        "--for: 'soon' is not"
        in run("inventory", "plan", written, "octodns", GOOD["octodns"], *PLAN[:-1], "soon").stderr
    )


def test_a_plan_of_octodns_is_taken_as_it_is(written):
    printed = run("inventory", "plan", written, "octodns-plan", FILES / "plans" / "octodns.json", *PLAN)
    assert printed.returncode == 0, printed.stderr
    (change,) = yaml.safe_load(printed.stdout)["zones"][0]["changes"]
    assert {(record["name"], record["type"]): record.get("data", []) for record in change["records"]} == {
        ("example.com", "CAA"): ['0 issue "ca.example; a=b"'],
        ("example.com", "MX"): ["20 a.example.com."],
        ("example.com", "TXT"): [
            '"say \\"so\\""',
            f'"v=DKIM1; k=rsa; p={"A" * 237}" "{"A" * 63}"',
            '"v=spf1 -all"',
        ],
        ("new.example.com", "A"): ["192.0.2.9"],
        ("old.example.com", "CNAME"): [],
        ("www.example.com", "A"): ["192.0.2.1", "192.0.2.3"],
    }
    for told in (
        "geo.example.com A differs by region",
        "child.example.com: a delegation",
        "type ALIAS is not imported",
    ):
        assert told in printed.stderr


def test_a_set_that_moves_from_one_provider_to_another_is_not_gone(written, tmp_path):
    old, new = {"ttl": 60, "value": "192.0.2.98"}, {"ttl": 60, "value": "192.0.2.97"}
    about = {"name": "gone", "record_type": "A"}
    path = tmp_path / "plan.json"
    changes = {"one": [about | {"type": "delete", "existing": old}], "two": [about | {"type": "create", "new": new}]}
    path.write_text(json.dumps({target: {"example.com.": {"changes": each}} for target, each in changes.items()}))
    printed = run("inventory", "plan", written, "octodns-plan", path, *PLAN)
    (change,) = yaml.safe_load(printed.stdout)["zones"][0]["changes"]
    assert change["records"] == [{"name": "gone.example.com", "type": "A", "data": ["192.0.2.97"]}]


def test_of_a_report_of_dnscontrol_sets_are_planned_of_which_the_inventory_has_the_rest(written):
    known = '      - {name: www.example.com, type: A, expect: ["192.0.2.1", "192.0.2.2"]}\n    changes:'
    written.write_text(written.read_text().replace("    changes:", known, 1))
    printed = run("inventory", "plan", written, "dnscontrol-report", FILES / "plans" / "dnscontrol.json", *PLAN)
    assert printed.returncode == 0, printed.stderr
    (change,) = yaml.safe_load(printed.stdout)["zones"][0]["changes"]
    assert {(record["name"], record["type"]): record.get("data", []) for record in change["records"]} == {
        ("gone.example.com", "A"): [],
        ("example.com", "NS"): ["ns1.example.net"],
        ("new.example.com", "CNAME"): ["www.example.com."],
        ("www.example.com", "A"): ["192.0.2.10", "192.0.2.2", "192.0.2.9"],
    }
    whole = "neither report nor inventory has the whole"
    assert printed.stderr.splitlines() == [
        "example.com: left out: example.com: 'Update something else' is no change of records that servers answer with",
        f"example.com: left out: other.example.com: {whole} A set; use print-ir",
        f"example.com: left out: example.com: {whole} TXT set; use print-ir",
        f"elsewhere.test: left out: elsewhere.test: {whole} A set; use print-ir",
        "elsewhere.test: left out: the inventory does not have this zone",
        "4 record sets are going to change",
    ]


@pytest.mark.parametrize(
    ("source", "text", "message"),
    [
        ("octodns-plan", "", ": empty; let octoDNS write it by a plan output"),
        ("octodns-plan", '{"a": {"example.com.": {}}}', ":1:24: a zone without changes"),
        ("octodns-plan", '{"a": {"b..c.": {"changes": []}}}', ":1:17: 'b..c.' is not a domain name"),
        ("octodns-plan", '{"a": {"b.": {"changes": [{"type": "delete", "existing": {}}]}}}', "writes them since 1.9.1"),
        ("octodns-plan", '{"a": {"b.": {"changes": [{"name": "", "record_type": "A"}]}}}', "without new and existing"),
        ("dnscontrol-report", "{", ": no report of `dnscontrol preview --report`"),
        (
            "dnscontrol-report",
            '[{"domain": "a.test", "corrections": 2}]',
            ": a.test has only the number of its changes",
        ),
        ("dnscontrol-report", '[{"domain": "a..b"}]', ": a..b: 'a..b' is not a domain name"),
    ],
)
def test_what_is_no_plan(source, text, message, written, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(text)
    done = run("inventory", "plan", written, source, path, *PLAN)
    assert done.returncode == 1
    assert f"{path}" in done.stderr
    assert message in done.stderr


@pytest.mark.parametrize("command", ["import", "diff", "plan", "export"])
def test_help_has_a_sentence_for_each_option(command):
    done = run("inventory", command, "--help")
    assert done.returncode == 0
    said: list[str] = []
    for line in done.stdout.splitlines():
        text = line.strip("│ *")
        if 0 < line.find("--") <= 5:  # further in it goes on from the line before
            said.append(text)
        elif said and line.startswith("│"):
            said[-1] += f" {text}"
    assert len(said) > 1
    assert all(len(text.split()) > 3 for text in said), done.stdout

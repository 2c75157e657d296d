"""Edits seen at real primaries (Knot and BIND, with TSIG, NOTIFY and IXFR), in zone files and in plans."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import dns.update
import msgspec
import peers
import pytest
from dns_events import Record
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver.sources import Context
from otel_dns_receiver.sources.zonechanges import ZoneChanges
from otel_dns_receiver.sources.zonechanges.difference import ZoneError, difference, from_text, newer
from otel_dns_receiver.sources.zonechanges.notify import hear
from otel_dns_receiver.sources.zonechanges.plans import PlanError, dnscontrol, octodns
from otel_dns_receiver.sources.zonechanges.transfer import load_keys

SECRET = "c2VjcmV0IG9mIHRoZSB0b3dlcg=="
KEYRING = dns.tsigkeyring.from_text({"transfer.": ("hmac-sha256", SECRET)})
ZONE = peers.ZONE
ZONE_TEXT = f"$ORIGIN {ZONE}.\n{peers.RECORDS}"


def knot(folder, port, notified):
    (folder / "db").mkdir()
    (folder / "zone").write_text(ZONE_TEXT)
    (folder / "conf").write_text(f"""\
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "{folder}/db"
key:
  - id: transfer.
    algorithm: hmac-sha256
    secret: {SECRET}
remote:
  - id: us
    address: 127.0.0.1@{notified}
    key: transfer.
acl:
  - id: ours
    key: transfer.
    action: [transfer, update]
zone:
  - domain: {ZONE}
    storage: "{folder}"
    file: zone
    acl: ours
    notify: us
    journal-content: changes
""")
    return [peers.program("knotd"), "-c", str(folder / "conf")]


def bind(folder, port, notified):
    (folder / "zone").write_text(ZONE_TEXT)
    (folder / "conf").write_text(f"""\
key transfer. {{ algorithm hmac-sha256; secret "{SECRET}"; }};
options {{ directory "{folder}"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no;
  pid-file none; session-keyfile none; notify explicit; notify-delay 0; }};
controls {{ }};
zone "{ZONE}" {{ type primary; file "{folder}/zone"; allow-update {{ key transfer.; }};
  allow-transfer {{ key transfer.; }}; also-notify {{ 127.0.0.1 port {notified} key transfer.; }}; }};
""")
    return [peers.program("named"), "-g", "-c", str(folder / "conf")]


@pytest.fixture(params=[knot, bind], ids=["knot", "bind"])
def primary(request, tmp_path):
    """A primary that takes updates and tells us of them."""
    folder = tmp_path / "primary"
    folder.mkdir()
    port, notified = peers.free_port(), peers.free_port()
    server = peers.Running(request.param(folder, port, notified), folder, port)
    server.notified = notified
    yield server
    server.stop()


def edit(port, *, add=(), delete=()):
    update = dns.update.UpdateMessage(ZONE, keyring=KEYRING, keyname="transfer.")
    for name, rdtype, data in add:
        update.add(name, 60, rdtype, data)
    for name, rdtype in delete:
        update.delete(name, rdtype)
    # Knot says SERVFAIL while it is still busy with the update before.
    assert until(lambda: dns.query.tcp(update, "127.0.0.1", port=port, timeout=5).rcode() == dns.rcode.NOERROR, 5)


def keys_file(tmp_path):
    file = tmp_path / "tsig.keys"
    file.write_text(f"# the key for transfers\ntransfer. hmac-sha256 {SECRET}\n")
    return file


def run(config, work, base=Path()):
    async def go():
        context, events, counts = Context.collecting((ZONE,), base)
        task = asyncio.create_task(config.run(context))
        worked = asyncio.create_task(asyncio.to_thread(work, events, counts))
        await asyncio.wait({task, worked}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        await worked
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return events, counts

    return asyncio.run(go())


def until(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_an_update_is_told_fetched_and_compared(primary, tmp_path):
    config = msgspec.convert(
        {
            "primaries": [{"zone": ZONE, "address": "127.0.0.1", "port": primary.port, "key": "transfer."}],
            "notify": {"listen": f"127.0.0.1:{primary.notified}"},
            "keys": str(keys_file(tmp_path)),
            "poll": "1h",
            "copies": str(tmp_path / "copies"),
        },
        ZoneChanges,
    )

    def first(events, counts):
        assert until(lambda: counts["first_seen"] == 1), dict(counts)
        edit(primary.port, add=[("new", "A", "192.0.2.77")], delete=[("alias", "CNAME")])
        assert until(lambda: events), dict(counts)

    events, counts = run(config, first)
    assert counts["notify_told"] >= 1
    event = events[0]
    assert event.added == (Record(name=f"new.{ZONE}", type="A", ttl=60, data="192.0.2.77"),)
    assert event.removed == (Record(name=f"alias.{ZONE}", type="CNAME", ttl=60, data=f"www.{ZONE}."),)
    assert newer(event.serial_to, event.serial_from)

    # While nobody watched; the copy on disk knows what was before.
    edit(primary.port, delete=[("new", "A")])
    events, _ = run(config, lambda events, _: until(lambda: events))
    assert [event.removed[0].name for event in events] == [f"new.{ZONE}"]


def test_polling_alone_sees_it_too(primary, tmp_path):
    config = msgspec.convert(
        {
            "primaries": [{"zone": ZONE, "address": "127.0.0.1", "port": primary.port, "key": "transfer."}],
            "keys": str(keys_file(tmp_path)),
            "poll": "1s",
        },
        ZoneChanges,
    )

    def work(events, counts):
        assert until(lambda: counts["first_seen"] == 1)
        edit(primary.port, add=[("new", "TXT", '"x"')])
        assert until(lambda: events), dict(counts)

    events, _ = run(config, work)
    assert [record.name for record in events[0].added] == [f"new.{ZONE}"]


def test_without_the_right_key_there_is_no_change_and_no_secret_in_the_log(primary, tmp_path, caplog):
    file = tmp_path / "keys"
    file.write_text("transfer. hmac-sha256 d3Jvbmc=\n")
    config = msgspec.convert(
        {
            "primaries": [{"zone": ZONE, "address": "127.0.0.1", "port": primary.port, "key": "transfer."}],
            "keys": str(file),
            "poll": "1s",
        },
        ZoneChanges,
    )
    events, counts = run(config, lambda _, counts: until(lambda: counts["failed"] >= 1))
    assert events == []
    assert counts["failed"] >= 1
    assert "d3Jvbmc" not in caplog.text


def notification(zone=ZONE, key="transfer.", **more):
    message = dns.message.make_query(zone, "SOA")
    message.set_opcode(dns.opcode.NOTIFY)
    message.flags = dns.opcode.to_flags(dns.opcode.NOTIFY) | dns.flags.AA
    if key is not None:
        ring = dns.tsigkeyring.from_text({key: ("hmac-sha256", more.get("secret", SECRET))})
        message.use_tsig(ring, keyname=key)
    return message.to_wire()


@pytest.mark.parametrize(
    ("wire", "verdict", "rcode"),
    [
        # Made when they are needed: a signature is good for five minutes, and the other tests take longer.
        (notification, "told", dns.rcode.NOERROR),
        (lambda: notification("other.test"), "other_zone", dns.rcode.NOTAUTH),
        (lambda: notification(key=None), "unsigned", dns.rcode.REFUSED),
        (lambda: notification(secret="d3Jvbmc="), "bad_tsig", dns.rcode.NOTAUTH),
        (lambda: notification(key="unknown."), "bad_tsig", dns.rcode.NOTAUTH),
        (lambda: dns.message.make_query(ZONE, "SOA").to_wire(), "no_notify", dns.rcode.NOTIMP),
        (lambda: notification()[:30], "unparsable", dns.rcode.FORMERR),
    ],
    ids=["right", "another zone", "unsigned", "wrong secret", "unknown key", "a query", "torn"],
)
def test_what_a_notification_is_worth(wire, verdict, rcode):
    wire = wire()
    heard = hear(wire, allowed=True, keys=KEYRING, signed=True, zones={ZONE})
    assert heard.verdict == verdict
    assert heard.reply[3] & 0x0F == rcode
    assert heard.reply[:2] == wire[:2]


def test_strangers_get_no_answer():
    heard = hear(notification(), allowed=False, keys=KEYRING, signed=True, zones={ZONE})
    assert (heard.verdict, heard.reply) == ("refused_address", None)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_break_the_ear(noise, after_header):
    wire = notification()[:12] + noise if after_header else noise
    heard = hear(wire, allowed=True, keys=KEYRING, signed=True, zones={ZONE})
    assert heard.verdict != "told"


def test_a_storm_of_notifications_costs_a_few_looks(tmp_path):
    folder = tmp_path / "primary"
    folder.mkdir()
    port, notified = peers.free_port(), peers.free_port()
    server = peers.Running(knot(folder, port, notified), folder, port)
    config = msgspec.convert(
        {
            "primaries": [{"zone": ZONE, "address": "127.0.0.1", "port": port, "key": "transfer."}],
            "notify": {"listen": f"127.0.0.1:{notified}"},
            "keys": str(keys_file(tmp_path)),
            "poll": "1h",
        },
        ZoneChanges,
    )
    sent = 5000
    began = 0.0

    def work(_, counts):
        assert until(lambda: counts["first_seen"] == 1)
        ring = dns.tsigkeyring.from_text({"transfer.": ("hmac-sha256", SECRET)})
        told = dns.message.make_query(ZONE, "SOA")
        told.flags = dns.opcode.to_flags(dns.opcode.NOTIFY) | dns.flags.AA
        told.use_tsig(ring, keyname="transfer.")
        for over in (dns.query.udp, dns.query.tcp):
            assert over(told, "127.0.0.1", port=notified, timeout=5).rcode() == dns.rcode.NOERROR
        wire = notification()
        nonlocal began
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for n in range(0, sent, 50):
                # As fast as they are heard: what the kernel drops is no storm.
                until(lambda: counts["notify_received"] >= n - 50, 2)  # noqa: B023 - called at once
                for _ in range(50):
                    sock.sendto(wire, ("127.0.0.1", notified))
        until(lambda: counts["notify_received"] >= sent, 3)
        time.sleep(1.5)

    try:
        _, counts = run(config, work)
    finally:
        server.stop()
    heard = counts["notify_received"]
    assert heard > sent / 2
    assert heard == counts["notify_told"] + counts["notify_over_limit"]
    assert counts["notify_coalesced"] >= counts["notify_told"] - counts["polled"]
    assert counts["polled"] <= 4 + time.monotonic() - began  # at most one a second, whatever comes


class TestFiles:
    def config(self, path, **more):
        return msgspec.convert({"files": [{"zone": ZONE, "path": str(path)}], **more}, ZoneChanges)

    def test_an_edit_and_a_half_written_file(self, tmp_path, monkeypatch):
        monkeypatch.setattr("otel_dns_receiver.sources.zonechanges.source._LOOK", 0.02)
        path = tmp_path / "zone"
        path.write_text(ZONE_TEXT)

        def work(events, counts):
            assert until(lambda: counts["first_seen"] == 1)
            path.write_text(ZONE_TEXT.replace(" 1 3600", " 2 3600")[:-20] + "\nwww A 192.0.")
            assert until(lambda: counts["unparsable"] >= 1)
            assert not events
            path.write_text(ZONE_TEXT.replace(" 1 3600", " 2 3600") + "new A 192.0.2.9\n")
            assert until(lambda: events)

        events, _ = run(self.config(path), work)
        (event,) = events
        assert (event.actor, event.serial_from, event.serial_to) == ("file:zone", 1, 2)
        assert [record.name for record in event.added] == [f"new.{ZONE}"]
        assert event.removed == ()

    def test_a_file_that_is_put_in_place_of_another(self, tmp_path, monkeypatch):
        monkeypatch.setattr("otel_dns_receiver.sources.zonechanges.source._LOOK", 0.02)
        path, fresh = tmp_path / "zone", tmp_path / "fresh"
        path.write_text(ZONE_TEXT)
        fresh.write_text(ZONE_TEXT.replace("192.0.2.1", "192.0.2.2"))
        stamp = path.stat()
        os.utime(fresh, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

        def work(events, counts):
            assert until(lambda: counts["first_seen"] == 1)
            fresh.replace(path)
            assert until(lambda: events)

        events, _ = run(self.config(path), work)
        assert [(r.data) for r in events[0].added + events[0].removed] == ["192.0.2.2", "192.0.2.1"]

    def test_another_file_is_never_read_through_it(self, tmp_path):
        with pytest.raises(ZoneError):
            from_text(ZONE_TEXT + "$INCLUDE /etc/passwd\n", ZONE)


def test_signing_is_no_edit():
    signed = (
        ZONE_TEXT + "www RRSIG A 13 3 60 20300101000000 20200101000000 1 tower.test. AAAA\nwww NSEC ns A RRSIG NSEC\n"
    )
    assert difference(from_text(ZONE_TEXT, ZONE), from_text(signed, ZONE)).nothing


@pytest.mark.parametrize(
    ("serial", "than", "is_newer"),
    [(2, 1, True), (1, 2, False), (1, 1, False), (0, 2**32 - 1, True), (2**31 + 1, 1, False)],
)
def test_serials_wrap(serial, than, is_newer):
    assert newer(serial, than) is is_newer


#: As octoDNS 1.22's PlanJson writes it.
OCTODNS = {
    "config": {
        f"{ZONE}.": {
            "changes": [
                {"type": "create", "name": "new", "record_type": "A", "new": {"ttl": 60, "value": "192.0.2.9"}},
                {
                    "type": "update",
                    "name": "",
                    "record_type": "MX",
                    "existing": {"ttl": 60, "value": {"exchange": "a.", "preference": 10}},
                    "new": {"ttl": 60, "value": {"exchange": "a.", "preference": 20}},
                },
                {"type": "delete", "name": "old", "record_type": "CNAME", "existing": {"ttl": 60, "value": "x."}},
            ],
            "meta": None,
        }
    }
}
DNSCONTROL = f"""\
\x1b[32m******************** Domain: {ZONE}\x1b[0m
2 corrections (bind)
#1: + CREATE new.{ZONE} A 192.0.2.9 ttl=60
#2: - DELETE old.{ZONE} CNAME x. ttl=60
#3: ± MODIFY {ZONE} MX (10 a. ttl=60) -> (20 a. ttl=60)
******************** Domain: other.test
Done. 3 corrections.
"""


@pytest.mark.parametrize(("read", "text"), [(octodns, json.dumps(OCTODNS)), (dnscontrol, DNSCONTROL)])
def test_a_plan(read, text):
    plan = next(p for p in read(text) if p.zone == ZONE)
    assert {(r.name, r.type, r.data) for r in plan.added} == {(f"new.{ZONE}", "A", "192.0.2.9"), (ZONE, "MX", "20 a.")}
    assert {(r.name, r.type, r.data) for r in plan.removed} == {(f"old.{ZONE}", "CNAME", "x."), (ZONE, "MX", "10 a.")}
    assert {r.ttl for r in plan.added + plan.removed} == {60}


def test_a_plan_that_octodns_wrote_has_data_as_servers_give_it():
    (plan,) = octodns((Path(__file__).parent / "octodns-plan.json").read_text())
    assert {f"{r.name} {r.type} {r.data}" for r in plan.added} == {
        'plan.test CAA 0 issue "ca.example; a=b"',
        "plan.test MX 20 a.plan.test.",
        f"plan.test SSHFP 4 2 {'ab' * 32}",
        'plan.test TXT "say \\"so\\""',
        f'plan.test TXT "v=DKIM1; k=rsa; p={"A" * 237}" "{"A" * 63}"',
        'plan.test TXT "v=spf1 -all"',
        "_443._tcp.plan.test TLSA 3 1 1 " + "cd" * 32,
        "_sip._tcp.plan.test SRV 1 2 5060 sip.plan.test.",
        "alias.plan.test ALIAS x.example.net.",
        "child.plan.test DS 1 13 2 " + "ef" * 32,
        "child.plan.test NS ns1.example.net.",
        "child.plan.test NS ns2.example.net.",
        "geo.plan.test A 192.0.2.7",
        'naptr.plan.test NAPTR 1 2 "S" "SIP+D2U" "!^.*$!sip:a@b!" .',
        "new.plan.test A 192.0.2.9",
        'svc.plan.test SVCB 1 a.plan.test. alpn="h2" port="443"',
        "where.plan.test LOC 31 58 52.100 S 115 49 11.700 E 20.00m 10.00m 10.00m 2.00m",
        "www.plan.test A 192.0.2.3",
    }
    assert {f"{r.name} {r.type} {r.data}" for r in plan.removed} == {
        "old.plan.test CNAME x.plan.test.",
        "plan.test MX 10 a.plan.test.",
        "www.plan.test A 192.0.2.2",
    }


def test_a_plan_of_an_octodns_that_does_not_write_names():
    old = {"config": {f"{ZONE}.": {"changes": [{"type": "create", "new": {"ttl": 60, "value": "192.0.2.9"}}]}}}
    with pytest.raises(PlanError, match="since 1"):
        octodns(json.dumps(old))


@pytest.mark.parametrize("text", ["", "{}x", "[]", '{"a": 1}', '{"a": {"b": 1}}', "[" * 5000])
def test_what_is_no_plan(text):
    with pytest.raises(PlanError):
        octodns(text)
    with pytest.raises(PlanError):
        dnscontrol(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_no_text_breaks_a_plan_reader(text):
    for read, whole in ((octodns, text), (dnscontrol, f"*** Domain: {ZONE}\n+ CREATE {text}\n± MODIFY {text}")):
        try:
            read(whole)
        except PlanError:
            continue


def test_a_plan_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setattr("otel_dns_receiver.sources.zonechanges.source._LOOK", 0.02)
    path = tmp_path / "plan.json"
    config = msgspec.convert({"plans": [{"format": "octodns", "path": str(path)}]}, ZoneChanges)

    def work(events, _):
        path.write_text(json.dumps(OCTODNS))
        assert until(lambda: events)
        time.sleep(0.3)

    events, counts = run(config, work)
    assert (len(events), counts["plans"]) == (1, 1)
    assert events[0].actor == "plan:octodns"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("transfer. hmac-sha256", ":1: write"),
        ("# x\n\ntransfer. hmac-sha256 !!hunter2!!", ":3: no TSIG key"),
        ("transfer. hmac-rot13 aHVudGVyMg==", ":1: algorithm hmac-rot13"),
    ],
)
def test_keys_that_cannot_be_read_are_not_repeated(tmp_path, text, why):
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(ValueError, match=why) as caught:
        load_keys(file)
    assert "hunter2" not in str(caught.value)
    assert "aHVudGVyMg" not in str(caught.value)


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({}, "nothing to watch"),
        ({"files": [{"zone": "a..b", "path": "x"}]}, "not a domain name"),
        ({"primaries": [{"zone": "a.b", "address": "ns1"}]}, "is no address"),
        ({"primaries": [{"zone": "a.b", "address": "::1"}], "notify": {"listen": "53"}}, "write for instance"),
    ],
)
def test_keys_that_cannot_be_meant(keys, part):
    with pytest.raises(msgspec.ValidationError, match=part):
        msgspec.convert(keys, ZoneChanges)

"""Every dialect's samples: what they come to, record for record."""

from __future__ import annotations

from pathlib import Path

import pytest
from dns_events import DecodeError, NotAnObservationError, Observation, dialects, ndjson

SAMPLES = Path(__file__).parent / "samples"
FILES = {path.stem: path for path in SAMPLES.iterdir()}
CLIENTS = (b"198.51.100.", b"2001:db8:9::7", b"2001:db8:1::5", b"i-0abc234", b"vpc-1", b"aGVsbG8=", b"AAEYAMYzZA==")


def read(dialect, data=None, **options):
    known = {"probe": "given", "region": "eu-west", "server": "192.0.2.2"} | options
    return list(dialects.read(dialect, FILES[dialect].read_bytes() if data is None else data, **known))


def told(found):
    if isinstance(found, DecodeError):
        return "passed over" if isinstance(found, NotAnObservationError) else "unreadable"
    latency = None if found.latency is None else round(found.latency, 6)
    return (found.probe.id, found.name, found.qtype, found.server.address, found.outcome, found.rcode, latency)


EXPECTED = {
    "dnscollector": [
        ("resolver-1", "www.example.com", "A", "192.0.2.10", "answer", "NOERROR", 0.0251),
        ("ns1", "nope.example.com", "AAAA", "2001:db8::53", "nxdomain", "NXDOMAIN", None),
        ("resolver-1", "example.com", "MX", "192.0.2.10", "answer", "NOERROR", 0.004),
        "passed over",
        ("resolver-1", "slow.example.com", "A", "203.0.113.53", "timeout", None, None),
        ("resolver-1", "sub.example.com", "A", "203.0.113.53", "referral", "NOERROR", 0.012),
    ],
    "vector": [
        ("james-Virtual-Machine", "facebook1.example", "A", "2001:502:7094::30", "answer", "NOERROR", None),
        ("resolver-2", "h5.bogus.example", "SOA", "192.0.2.10", "servfail", "SERVFAIL", None),
        "passed over",
        "passed over",
        "unreadable",
    ],
    "telegraf": [
        ("tele-1", "www.example.com", "A", "192.0.2.10", "answer", "NOERROR", 0.00425),
        ("tele-1", "www.example.com", "A", "192.0.2.11", "timeout", None, None),
        ("tele-1", "nope.example.com", "A", "192.0.2.2", "nxdomain", "NXDOMAIN", 0.0035),
        "passed over",
        ("tele-1", "www.example.com", "A", "192.0.2.12", "unreachable", None, None),
    ],
    "dnscheck": [
        ("collector-1", "www.example.com", "A", "192.0.2.10", "answer", "NOERROR", 0.012),
        ("collector-1", "empty.example.com", "AAAA", "2001:db8::53", "nodata", "NOERROR", 0.007),
        ("collector-1", "refused.example.com", "A", "192.0.2.10", "refused", "REFUSED", 0.003),
        ("collector-1", "slow.example.com", "A", "192.0.2.11", "timeout", None, None),
    ],
    "zeek": [
        ("given", "www.example.com", "A", "192.0.2.1", "answer", "NOERROR", 0.022633),
        ("given", "nope.example.com", "AAAA", "2001:db8::53", "nxdomain", "NXDOMAIN", None),
        ("given", "slow.example.com", "A", "192.0.2.1", "timeout", None, None),
        ("given", "example.com", "TXT", "192.0.2.1", "answer", "NOERROR", 0.001),
        "passed over",
        ("given", "example.com", "MX", "192.0.2.1", "answer", "NOERROR", 0.001),
    ],
    "ecs": [
        ("sensor-1", "www.example.com", "A", "192.0.2.10", "answer", "NOERROR", 0.012345),
        ("sensor-1", "slow.example.com", "A", "192.0.2.10", "timeout", None, None),
        ("sensor-1", "example.com", "MX", "2001:db8::53", "answer", "NOERROR", None),
        "passed over",
    ],
    "ocsf": [
        ("given", "www.example.com", "A", "192.0.2.2", "answer", "NOERROR", None),
        ("sensor-7", "nope.example.com", "A", "192.0.2.53", "nxdomain", "NXDOMAIN", 0.025),
        "passed over",
        "unreadable",
    ],
}


def test_every_dialect_has_a_sample():
    assert set(FILES) == set(dialects.DIALECTS) == set(EXPECTED)


@pytest.mark.parametrize("dialect", FILES)
def test_samples_become_events(dialect):
    assert [told(found) for found in read(dialect)] == EXPECTED[dialect]


@pytest.mark.parametrize("dialect", FILES)
def test_events_survive_their_line_and_carry_the_region(dialect):
    events = [found for found in read(dialect) if isinstance(found, Observation)]
    assert events
    assert all(ndjson.decode(ndjson.encode(event)) == event for event in events)
    assert {event.probe.region for event in events} == {"eu-west"}


@pytest.mark.parametrize("dialect", FILES)
def test_a_record_read_twice_is_one_event(dialect):
    first, second = ([found.id for found in read(dialect) if isinstance(found, Observation)] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)
    assert all(id_[14] == "7" and id_[19] in "89ab" for id_ in first)


@pytest.mark.parametrize("dialect", FILES)
def test_nobody_who_asked_is_in_an_event(dialect):
    lines = b"".join(ndjson.encode(found) for found in read(dialect) if isinstance(found, Observation))
    assert not [client for client in CLIENTS if client in lines]


@pytest.mark.parametrize("dialect", ["dnscollector", "vector", "zeek", "ecs", "ocsf"])
def test_those_who_asked_are_kept_when_asked_for(dialect):
    events = [found for found in read(dialect, clients=True) if isinstance(found, Observation)]
    assert b"198.51.100." in b"".join(map(ndjson.encode, events))


@pytest.mark.parametrize("dialect", FILES)
def test_the_zone_is_what_the_caller_says(dialect):
    zones = {found.zone for found in read(dialect, zone_of=lambda _: "zone.example") if isinstance(found, Observation)}
    assert zones == {"zone.example"}


def test_an_unknown_dialect_is_named():
    with pytest.raises(ValueError, match="known are dnscollector"):
        dialects.read("syslog", b"{}")


def test_what_was_said_beside_is_kept_under_its_own_names():
    nested, flat = read("dnscollector")[:2]
    assert nested.extra["dnstap"] == {"version": "unbound 1.22.0", "peer-name": "localhost"}
    assert flat.extra["dnstap.version"] == "Knot DNS 3.4.0"
    assert read("zeek")[0].extra == {"uid": "CHFRflzsgM15k9et4", "trans_id": 50763, "rejected": False}


def test_answers_are_in_the_form_of_events():
    assert [(r.name, r.type, r.ttl, r.data) for r in read("zeek")[0].answers] == [
        ("www.example.com", "CNAME", 3600, "vhost1.example.net."),
        ("vhost1.example.net", "A", 300, "192.0.2.206"),
    ]
    assert [r.data for r in read("dnscollector")[2].answers] == ["10 mail.example.com.", "20 mail2.example.com."]
    assert [r.data for r in read("zeek")[3].answers] == [r'"v=spf1 -all \"x\""']
    assert [r.data for r in read("ecs")[2].answers] == ["10 mail.example.com."]


def test_an_unknown_ttl_is_null():
    for dialect in ("telegraf", "dnscheck", "ocsf"):
        event = read(dialect)[0]
        assert event.answers
        assert event.ttl is None


def test_extended_errors_are_read():
    assert [(e.code, e.text) for e in read("dnscollector")[0].ede] == [(3, "")]
    assert [e.code for e in read("vector")[1].ede] == [9]
    assert "dnssec" not in str(read("vector")[1].extra)


def test_a_negative_answer_tells_the_serial():
    assert read("dnscollector")[1].serial == 2026112301

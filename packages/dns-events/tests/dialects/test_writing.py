"""Events out to SIEMs, and back."""

from __future__ import annotations

import datetime as dt
import json

import msgspec
import pytest
from dns_events import (
    Dnssec,
    Ede,
    ExportError,
    Observation,
    Probe,
    Record,
    Server,
    Traffic,
    ZoneChange,
    dialects,
    new_id,
    type_of,
)
from dns_events.events import SILENT
from hypothesis import given
from hypothesis import strategies as st
from strategies import delegations, domain_names, events, observations, registrations
from test_codecs import NOW, observation

ANSWERS = (
    Record(name="www.example.com", type="CNAME", ttl=600, data="web.example.net."),
    Record(name="web.example.net", type="A", ttl=300, data="192.0.2.80"),
)
FULL = observation(
    answers=ANSWERS,
    ttl=300,
    flags=("aa", "rd"),
    ede=(Ede(code=3),),
    dnssec=Dnssec(status="bogus", cause="ds_mismatch"),
    server=Server(address="192.0.2.53", name="ns1.example.net", role="authoritative", nsid="ams3"),
    extra={"a": {"b": [1, None]}},
)


def back(dialect, event):
    line = msgspec.json.encode(dialects.write(dialect, event))
    (found,) = dialects.read(dialect, line, probe="another")
    return found


def sane(draw_from=observations):
    """Observations as sources make them: with types and codes that exist."""
    return draw_from().map(
        lambda event: msgspec.structs.replace(
            event,
            qtype="AAAA",
            rcode=None if event.outcome in SILENT else "NOERROR",
            answers=tuple(msgspec.structs.replace(r, type="TXT", data='"x"') for r in event.answers),
        )
    )


@pytest.mark.parametrize("dialect", dialects.WRITERS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"outcome": "timeout", "rcode": None, "latency": None, "detail": "no reply"},
        {"outcome": "unreachable", "rcode": None, "latency": None},
        {"outcome": "nodata"},
        {"outcome": "referral"},
        {"outcome": "nxdomain", "rcode": "NXDOMAIN"},
        {"outcome": "servfail", "rcode": "SERVFAIL"},
        {"outcome": "malformed", "rcode": None},
        {"outcome": "error", "rcode": "BADVERS"},
        {"outcome": "error", "rcode": "3841"},
        {"transport": "doq", "latency": 1e-10},
        {"answers": ANSWERS, "ttl": None},
        {"answers": (Record(name="other.example", type="A", ttl=1, data="192.0.2.1"),), "ttl": 1},
        {"answers": (Record(name="www.example.com", type="A", ttl=0, data="odd"),), "ttl": 0},
        {"server": Server(address="dns.example.net", name="dns.example.net", role="recursive")},
        {"name": ".", "qtype": "NS"},
        {"flags": ("do", "aa")},
    ],
    ids=str,
)
def test_lookups_come_back_as_they_were(dialect, changes):
    event = msgspec.structs.replace(FULL, **({"answers": (), "ttl": None} | changes))
    assert back(dialect, event) == event


@given(sane())
def test_any_lookup_comes_back_from_ecs(event):
    assert back("ecs", event) == event


@given(sane())
def test_any_lookup_comes_back_from_ocsf(event):
    assert back("ocsf", event) == event


@given(events.filter(lambda event: not isinstance(event, Observation)))
def test_all_else_comes_back_from_ecs(event):
    assert back("ecs", event) == event


@given(delegations | registrations)
def test_what_ocsf_has_no_class_for_is_refused(event):
    with pytest.raises(ExportError, match="OCSF has no class for a"):
        dialects.write("ocsf", event)


def test_what_is_not_ours_gives_the_same_lookup_too():
    """Without what stands under our own name, as a pipeline that drops it would leave it."""
    document = dialects.write("ecs", FULL)
    del document["dnstower"]
    (found,) = dialects.read("ecs", json.dumps(document).encode())
    plain = ("name", "qtype", "outcome", "rcode", "answers", "time", "latency", "flags", "ttl", "transport")
    assert [getattr(found, field) for field in plain] == [getattr(FULL, field) for field in plain]


def test_ocsf_without_what_is_ours():
    document = dialects.write("ocsf", FULL)
    del document["unmapped"]
    (found,) = dialects.read("ocsf", json.dumps(document).encode())
    plain = ("name", "qtype", "outcome", "rcode", "answers", "time", "flags", "ttl", "transport")
    assert [getattr(found, field) for field in plain] == [getattr(FULL, field) for field in plain]
    assert found.latency == pytest.approx(FULL.latency, abs=0.001)


def test_an_ecs_document_has_the_names_of_ecs():
    document = dialects.write("ecs", FULL)
    assert document["@timestamp"] == "2026-11-23T10:00:00.123456Z"
    assert document["event"] | {"id": ""} == {
        "id": "",
        "kind": "event",
        "category": ["network"],
        "type": ["protocol"],
        "module": "dnstower",
        "dataset": "dnstower.observation",
        "outcome": "success",
        "duration": 12_300_000,
    }
    assert document["dns"]["question"] == {"name": "www.example.com", "type": "A", "class": "IN"}
    assert document["dns"]["header_flags"] == ["AA", "RD"]
    assert document["dns"]["resolved_ip"] == ["192.0.2.80"]
    assert document["server"] == {"address": "192.0.2.53", "ip": "192.0.2.53", "port": 53, "domain": "ns1.example.net"}
    assert document["dnstower"]["ede"] == [{"code": 3, "text": ""}]


def test_an_ocsf_event_has_the_numbers_of_ocsf():
    document = dialects.write("ocsf", FULL)
    assert document["class_uid"] == 4003
    assert document["category_uid"] == 4
    assert document["activity_id"] == 6
    assert document["type_uid"] == 400306
    assert document["time"] == 1795428000123
    assert document["rcode_id"] == 0
    assert document["answers"][1] == {
        "type": "A",
        "class": "IN",
        "rdata": "192.0.2.80",
        "ttl": 300,
        "flag_ids": [1, 3],
        "flags": ["Authoritative Answer", "Recursion Desired"],
    }
    assert document["unmapped"]["dnstower"]["dnssec"]["cause"] == "ds_mismatch"
    assert document["unmapped"]["dnstower"]["server"]["nsid"] == "ams3"


@pytest.mark.parametrize(
    ("outcome", "severity", "status", "activity"),
    [("answer", 1, 1, 6), ("nxdomain", 1, 1, 6), ("refused", 2, 2, 6), ("servfail", 3, 2, 6), ("timeout", 2, 2, 1)],
)
def test_ocsf_severity_follows_the_outcome(outcome, severity, status, activity):
    silent = {"rcode": None, "latency": None} if outcome in SILENT else {}
    document = dialects.write("ocsf", observation(outcome=outcome, **silent))
    assert (document["severity_id"], document["status_id"], document["activity_id"]) == (severity, status, activity)


COMMON = {"id": new_id(), "time": NOW, "probe": Probe(id="eu-1", region="eu-west"), "zone": "example.com"}


def test_traffic_is_counted_over_its_span():
    event = Traffic(**COMMON, window=60, queries=1200, outcomes={"answer": 1100, "nxdomain": 100})
    ocsf, ecs = dialects.write("ocsf", event), dialects.write("ecs", event)
    assert (ocsf["class_uid"], ocsf["count"], ocsf["end_time"] - ocsf["start_time"]) == (4003, 1200, 60_000)
    assert ocsf["dst_endpoint"] == {"uid": "eu-1"}  # the class wants one
    assert (ecs["event"]["kind"], ecs["event"]["duration"]) == ("metric", 60_000_000_000)
    assert back("ocsf", event) == event


def test_a_zone_change_names_who_did_it():
    event = ZoneChange(**COMMON, actor="alice@example.com", serial_to=2, added=ANSWERS)
    ocsf, ecs = dialects.write("ocsf", event), dialects.write("ecs", event)
    assert (ocsf["class_uid"], ocsf["type_uid"], ocsf["category_uid"]) == (3004, 300403, 3)
    assert ocsf["actor"]["user"]["name"] == ecs["user"]["name"] == "alice@example.com"
    assert ecs["event"]["category"] == ["configuration"]
    assert ecs["event"]["type"] == ["change"]
    assert back("ocsf", event) == event


@given(st.lists(domain_names(), min_size=1, max_size=3))
def test_every_type_has_an_ecs_dataset(names):
    event = Traffic(**COMMON | {"zone": names[0]}, window=1, queries=1)
    assert dialects.write("ecs", event)["event"]["dataset"] == "dnstower." + type_of(event)


def test_a_document_that_contradicts_itself_is_refused():
    document = dialects.write("ecs", FULL)
    document["dnstower"]["latency"] = -1
    (found,) = dialects.read("ecs", json.dumps(document).encode())
    assert "dnstower:" in str(found)


def test_early_times_have_no_id():
    early = observation(time=dt.datetime(1969, 1, 1, tzinfo=dt.UTC))
    assert "outside of 1970" in str(back("ecs", early))

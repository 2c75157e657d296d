"""Avro and Protobuf: every event comes back as it was, and what is not an event is said."""

from __future__ import annotations

import datetime as dt

import pytest
import strategies
from dns_events import (
    DecodeError,
    Delegation,
    Dnssec,
    ExportError,
    Observation,
    Probe,
    Server,
    ServerView,
    Traffic,
    Violation,
    avro,
    ndjson,
    new_id,
    protobuf,
)
from hypothesis import given

CODECS = pytest.mark.parametrize("codec", [avro, protobuf], ids=["avro", "protobuf"])
NOW = dt.datetime(2026, 7, 1, 12, 0, 0, 123457, tzinfo=dt.UTC)
COMMON = {"id": new_id(), "time": NOW, "probe": Probe(id="p1", clock_skew=-0.25), "zone": "example"}


@CODECS
@given(event=strategies.events)
def test_comes_back_as_it_was(codec, event):
    assert codec.decode(codec.encode(event)) == event


@CODECS
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"ds": None}, id="unknown"),
        pytest.param({"ds": ()}, id="proven-absence"),
        pytest.param({"glue": {}}, id="empty-glue"),
        pytest.param({"glue": {"ns.example": (), "ns2.example": ("192.0.2.1",)}}, id="glue-of-one"),
        pytest.param({"signatures_expire": dt.datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=dt.UTC)}, id="before-1970"),
        pytest.param({"child_addresses": {"ns.example": ("2001:db8::1",)}, "cds": (), "ttls": {"ds": 0}}, id="maps"),
        pytest.param(
            {
                "servers": (
                    ServerView(address="192.0.2.1", tcp=False, serial=0, dnssec=Dnssec(status="secure", expires=NOW)),
                    ServerView(address="192.0.2.2", lame=True, edns="dropped", zoneversion=2**32 - 1),
                )
            },
            id="servers",
        ),
        pytest.param({"soa_expire": 0}, id="zero-is-not-null"),
    ],
)
def test_null_empty_and_zero_stay_apart(codec, fields):
    event = Delegation(**COMMON, **fields)
    assert codec.decode(codec.encode(event)) == event


@CODECS
def test_violations_and_extra_come_back(codec):
    event = Observation(
        **COMMON, name="www.example", qtype="A", server=Server(address="192.0.2.1", role="authoritative"),
        transport="udp", outcome="answer", violations=(Violation(expectation="ttl", text="300, not 60"),),
        extra={"a": [1, 2.5, None, {"b": True}]},
    )  # fmt: skip
    assert codec.decode(codec.encode(event)) == event


@CODECS
def test_what_does_not_fit_is_said(codec):
    with pytest.raises(ExportError, match="does not fit"):
        codec.encode(Traffic(**COMMON, window=60.0, queries=1, top_nxdomain=(("a.example", 2**70),)))


@CODECS
@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff" * 40, id="noise"),
        pytest.param(b'{"type": "observation"}', id="json"),
        pytest.param(b"\x00" * (ndjson.MAX_LINE_BYTES + 1), id="too-long"),
    ],
)
def test_what_is_no_event_is_refused(codec, value):
    with pytest.raises(DecodeError):
        codec.decode(value)


@CODECS
def test_half_an_event_is_refused(codec):
    whole = codec.encode(Delegation(**COMMON, ds=("1 8 2 ab",)))
    for end in range(len(whole)):
        with pytest.raises(DecodeError):
            codec.decode(whole[:end])


def test_bytes_after_an_avro_event_are_refused():
    with pytest.raises(DecodeError, match="2 bytes follow"):
        avro.decode(avro.encode(Delegation(**COMMON)) + b"ab")


def test_a_field_of_a_newer_protobuf_writer_is_passed_over():
    event = Delegation(**COMMON)
    assert protobuf.decode(protobuf.encode(event) + b"\x9a\x06\x03new") == event  # field 99 of Event

"""The fast way of reading says what the plain one says, of every record."""

from __future__ import annotations

import datetime as dt

import pytest
from dns_events import (
    Delegation,
    Dnssec,
    Observation,
    Probe,
    Record,
    Server,
    new_id,
    otlp,
    otlp_reading,
    semconv,
)
from dns_events.errors import DecodeError
from dns_events.otlp_reading import BulkDecoder
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from strategies import events, ids, seconds, times

NOW = dt.datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=dt.UTC)


def observation(**changes):
    fields = {
        "id": new_id(),
        "time": NOW,
        "probe": Probe(id="eu-1", region="eu-west", clock_age=2.0),
        "zone": "example.com",
        "name": "www.example.com",
        "qtype": "A",
        "server": Server(address="192.0.2.53", role="authoritative", nsid="ams3"),
        "transport": "udp",
        "outcome": "answer",
        "rcode": "NOERROR",
        "answers": (Record(name="www.example.com", type="A", ttl=300, data="192.0.2.1"),),
        "ttl": 300,
        "latency": 0.0123,
        "dnssec": Dnssec(status="secure", expires=NOW),
    }
    return Observation(**(fields | changes))


def repeated(event, number):
    """Others of the same frame."""
    for n in range(number):
        latency = {} if getattr(event, "latency", None) is None else {"latency": n / 7}
        yield structs.replace(event, id=new_id(), time=NOW + dt.timedelta(milliseconds=n), **latency)


def known(decoder):
    return sum(event is not None for event in decoder._known.values())


CASES = {
    "an answer": (observation(), 1),
    "silence has no latency": (observation(outcome="timeout", rcode=None, latency=None, answers=(), ttl=None), 1),
    "nothing but what must be": (observation(answers=(), ttl=None, dnssec=None, rcode=None), 1),
    "a delegation": (Delegation(id=new_id(), time=NOW, probe=Probe(id="p"), zone="example.com", ds=()), 0),
    "too long to remember": (observation(wire="A" * otlp_reading.MOST_BYTES), 0),
}


@pytest.mark.parametrize(("event", "frames"), CASES.values(), ids=CASES)
def test_repeated_records_are_read_by_their_frame(event, frames):
    decoder = BulkDecoder()
    for other in repeated(event, 5):
        assert decoder.decode(otlp.to_proto(other)) == other
    assert known(decoder) == frames


@given(events, st.lists(st.tuples(ids, times, seconds), min_size=3, max_size=5))
def test_every_event_with_other_values(event, values):
    decoder = BulkDecoder()
    for id_, time, latency in values:
        own = {"latency": latency} if getattr(event, "latency", None) is not None else {}
        record = otlp.to_proto(structs.replace(event, id=id_, time=time, **own))
        assert decoder.decode(LogRecord.FromString(record.SerializeToString())) == otlp.from_proto(record)


def test_what_the_bulk_encoder_writes():
    encoder, decoder = otlp.BulkEncoder(), BulkDecoder()
    sent = list(repeated(observation(), 5))
    entries = b"".join(encoder.encode(event, 1_700_000_000_000_000_000 + n) for n, event in enumerate(sent))
    scope = b"\x12" + otlp.varint(len(entries)) + entries
    request = ExportLogsServiceRequest.FromString(b"\x0a" + otlp.varint(len(scope)) + scope)
    records = request.resource_logs[0].scope_logs[0].log_records
    assert [decoder.decode(record) for record in records] == sent
    assert known(decoder) == 1


def changed(record, changes):
    """A record with other attributes; a list of values writes the attribute as often."""
    kept = [item for item in record.attributes if item.key not in changes]
    del record.attributes[:]
    record.attributes.extend(kept)
    for key, values in changes.items():
        for value in values:
            record.attributes.extend(otlp.key_values({key: value}))
    return record


# What looks like an id's or a latency's attribute within a text.
MARKED = otlp_reading._ID_MARK.decode() + new_id()
ODD = {
    "an id in another attribute's text": {semconv.SERVER_NSID: [MARKED]},
    "an id in a text before the id": {"first": [MARKED], semconv.EVENT_ID: [new_id()]},
    "two ids, of which the last counts": {semconv.EVENT_ID: [new_id(), new_id()]},
    "two latencies, of which the last counts": {semconv.LATENCY: [0.5, 0.25]},
    "a latency before the id": {semconv.LATENCY: [0.5], semconv.EVENT_ID: [new_id()]},
    "a whole number of seconds": {semconv.LATENCY: [1]},
    "no latency": {semconv.LATENCY: []},
}


@pytest.mark.parametrize("changes", ODD.values(), ids=ODD)
def test_an_odd_record_is_read_as_it_stands(changes):
    decoder = BulkDecoder()
    for other in repeated(observation(), 4):
        record = changed(otlp.to_proto(other), changes)
        assert decoder.decode(record) == otlp.from_proto(record)


def revalued(record, key, value):
    """A record with another value in the same place."""
    for item in record.attributes:
        if item.key == key:
            item.value.CopyFrom(otlp.key_values({key: value})[0].value)
    return record


BAD = {
    "not an id": (semconv.EVENT_ID, "x" * 36),
    "not an id in ASCII": (semconv.EVENT_ID, "\u00e9" * 18),
    "a short id": (semconv.EVENT_ID, "x"),
    "a latency below zero": (semconv.LATENCY, -1.0),
    "a latency that is no number": (semconv.LATENCY, float("nan")),
    "a latency without end": (semconv.LATENCY, float("inf")),
}


@pytest.mark.parametrize(("key", "value"), BAD.values(), ids=BAD)
def test_a_bad_record_of_a_known_frame_is_refused_in_the_same_words(key, value):
    decoder = BulkDecoder()
    for other in repeated(observation(), 3):
        decoder.decode(otlp.to_proto(other))
    assert known(decoder) == 1
    record = revalued(otlp.to_proto(observation()), key, value)
    with pytest.raises(DecodeError) as plain:
        otlp.from_proto(record)
    with pytest.raises(DecodeError) as fast:
        decoder.decode(record)
    assert str(fast.value) == str(plain.value)


@pytest.mark.parametrize("record", [LogRecord(), LogRecord(event_name="dns.observation")], ids=["empty", "bare"])
def test_a_foreign_record_is_refused(record):
    with pytest.raises(DecodeError):
        BulkDecoder().decode(record)


def test_what_is_remembered_is_bounded():
    decoder = BulkDecoder(most=3)
    for serial in range(20):
        for other in repeated(observation(serial=serial), 3):
            assert decoder.decode(otlp.to_proto(other)) == other
        assert len(decoder._known) <= 3
        assert len(decoder._once) <= 3

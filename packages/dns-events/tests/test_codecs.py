"""Every event survives every codec."""

from __future__ import annotations

import datetime as dt
import json

import jsonschema
import msgspec
import pytest
from dns_events import Delegation, Observation, Probe, Server, json_schema, ndjson, new_id, otlp, semconv
from dns_events.errors import DecodeError
from hypothesis import given
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ScopeLogs
from strategies import events

NOW = dt.datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=dt.UTC)

NESTED = '{"beyond": ' + '{"a":' * 5000 + "1" + "}" * 5001


def observation(**changes):
    fields = {
        "id": new_id(),
        "time": NOW,
        "probe": Probe(id="eu-1", region="eu-west"),
        "zone": "example.com",
        "name": "www.example.com",
        "qtype": "A",
        "server": Server(address="192.0.2.53", role="authoritative"),
        "transport": "udp",
        "outcome": "answer",
        "rcode": "NOERROR",
        "latency": 0.0123,
    }
    return Observation(**(fields | changes))


@given(events)
def test_ndjson_round_trip(event):
    line = ndjson.encode(event)
    assert b"\n" not in line
    assert ndjson.decode(line) == event


@given(events)
def test_otlp_protobuf_round_trip(event):
    wire = otlp.to_proto(event).SerializeToString()
    assert otlp.from_proto(LogRecord.FromString(wire)) == event


@given(events)
def test_json_is_an_instance_of_the_schema(event):
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(ndjson.encode(event)))


def test_the_schema_refuses_what_is_no_event():
    validator = jsonschema.Draft202012Validator(json_schema())
    good = json.loads(ndjson.encode(observation()))
    assert validator.is_valid(good)
    for bad in (good | {"type": "rumour"}, good | {"outcome": "fine"}, good | {"latency": -1}):
        assert not validator.is_valid(bad)


def test_the_reference_form_has_nulls_not_zeros():
    tree = json.loads(ndjson.encode(observation(outcome="timeout", rcode=None, latency=None)))
    assert tree["type"] == "observation"
    assert tree["time"] == "2026-11-23T10:00:00.123456Z"
    assert tree["latency"] is None
    assert tree["rcode"] is None
    assert tree["dnssec"] is None


def test_unknown_fields_are_passed_over_so_that_newer_writers_can_be_read():
    tree = json.loads(ndjson.encode(observation())) | {"colour": "blue"}
    assert ndjson.decode(json.dumps(tree)).name == "www.example.com"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Input data was truncated"),
        ('{"type": "rumour"}', "Invalid value 'rumour'"),
        ('{"type": "observation"}', "missing required field"),
        ("[" * 10_000, "x"),
        (NESTED, "recursion"),
        ("x" * (ndjson.MAX_LINE_BYTES + 1), "at most"),
    ],
    ids=["cut off", "unknown type", "nothing in it", "nested", "nested where nobody looks", "too long"],
)
def test_bad_lines_are_named(line, message):
    with pytest.raises(DecodeError) as caught:
        list(ndjson.decode_lines(["", line], where="file"))
    assert str(caught.value).startswith("file:2: ")
    if message != "x":
        assert message in str(caught.value)


@pytest.mark.parametrize(
    ("outcome", "severity", "error_type"),
    [
        ("answer", "INFO", None),
        ("nxdomain", "INFO", None),
        ("nodata", "INFO", None),
        ("timeout", "WARN", "timeout"),
        ("refused", "WARN", "refused"),
        ("servfail", "ERROR", "servfail"),
    ],
)
def test_severity_and_error_type_follow_the_outcome(outcome, severity, error_type):
    silent = {"rcode": None, "latency": None} if outcome == "timeout" else {}
    fields = otlp.encode(observation(outcome=outcome, **silent))
    assert fields.event_name == "dns.observation"
    assert fields.severity_text == severity
    assert fields.attributes.get(semconv.ERROR_TYPE) == error_type


def test_attributes_have_the_names_and_types_of_the_conventions():
    attributes = otlp.encode(observation(ttl=300, flags=("aa", "rd"))).attributes
    assert attributes[semconv.DNS_QUESTION_NAME] == "www.example.com"
    assert attributes[semconv.SERVER_PORT] == 53
    assert attributes[semconv.NETWORK_TRANSPORT] == "udp"
    assert attributes[semconv.FLAGS] == ("aa", "rd")
    assert type(attributes[semconv.LATENCY]) is float
    assert semconv.SERVER_NSID not in attributes


def test_a_proven_absence_is_not_an_unknown():
    known = Delegation(id=new_id(), time=NOW, probe=Probe(id="p"), zone="example.com", ds=())
    unknown = Delegation(id=new_id(), time=NOW, probe=Probe(id="p"), zone="example.com", ds=None)
    assert otlp.from_proto(otlp.to_proto(known)).ds == ()
    assert otlp.from_proto(otlp.to_proto(unknown)).ds is None


def test_bulk_encoding_keeps_apart_what_differs_in_what_was_said_beside():
    encoder = otlp.BulkEncoder()
    said = [None, {"a": 1}, {"a": 2}, None, {"a": 1}]
    plain = observation()
    made = [encoder.encode(msgspec.structs.replace(plain, extra=extra), 1) for extra in said]
    read = ScopeLogs.FromString(b"".join(made)).log_records
    assert [otlp.from_proto(record).extra for record in read] == said
    keys = {otlp.sameness(msgspec.structs.replace(plain, extra=extra)) for extra in said[:3]}
    assert len(keys) == 3


@pytest.mark.parametrize(
    "record",
    [
        LogRecord(),
        LogRecord(event_name="something.else"),
        LogRecord(event_name="dns.observation"),
        LogRecord(event_name="dns.observation", body={"string_value": "[1]"}),
        LogRecord(event_name="dns.observation", body={"string_value": "{"}),
        LogRecord(event_name="dns.observation", body={"string_value": '{"probe": 3}'}),
        LogRecord(event_name="dns.observation", body={"int_value": 3}),
        LogRecord(event_name="dns.observation", body={"string_value": NESTED}),
    ],
    ids=["empty", "foreign", "bare", "list body", "cut body", "wrong body", "number body", "nested body"],
)
def test_foreign_records_are_refused_with_a_reason(record):
    with pytest.raises(DecodeError):
        otlp.from_proto(record)

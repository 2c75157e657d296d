"""Events as values of messages, in each form and in none."""

from __future__ import annotations

import datetime as dt
import struct

import pytest
from dns_events import Observation, Probe, Server, avro, ndjson, protobuf
from dns_events.errors import DecodeError
from kafka_bridge.errors import BridgeError, RegistryError
from kafka_bridge.kafka.registry import Registry, Written
from kafka_bridge.kafka.settings import Kafka
from kafka_bridge.kafka.settings import Registry as Settings
from kafka_bridge.kafka.values import Form, schema

EVENT = Observation(
    id="0bacc027-ce84-57c2-88bf-a8dbefea9f5d",
    time=dt.datetime(2026, 11, 24, 10, tzinfo=dt.UTC),
    probe=Probe(id="p1", region="eu-west"),
    zone="example.com",
    name="www.example.com",
    qtype="A",
    server=Server(address="192.0.2.53", port=53, role="recursive"),
    transport="udp",
    outcome="timeout",
)
NOWHERE = Settings(url="http://127.0.0.1:1/apis")


class Shelf:
    """A registry that has what it is given, and counts how often it is asked."""

    url = "http://registry.example"

    def __init__(self, **schemas: Written) -> None:
        self.schemas = {int(number[1:]): written for number, written in schemas.items()}
        self.asked = 0

    def written(self, number):
        self.asked += 1
        return self.schemas.get(number)

    def id_of(self, subject, wanted):
        assert subject == "prod.dns.normalized-value"
        return next((number for number, written in self.schemas.items() if written == wanted), None)


def form(values="json", **schemas):
    made = Form(Kafka(brokers=("b:1",), values=values, registry=NOWHERE), "prod.dns.normalized")
    made.registry.close()
    made.registry = Shelf(**schemas)
    return made


def framed(number, body):
    return struct.pack(">bI", 0, number) + body


@pytest.mark.parametrize("values", ["json", "avro", "protobuf"])
def test_what_is_written_is_read(values):
    writer = form(values, **({} if values == "json" else {"_7": schema(values)}))
    value = writer.encode(EVENT)
    assert (value[:5] == framed(7, b"")) is (values != "json")
    assert writer.decode(value) == EVENT
    # Members that write something else read it too.
    assert form("json", **({} if values == "json" else {"_7": schema(values)})).decode(value) == EVENT


@pytest.mark.parametrize("values", ["avro", "protobuf"])
def test_nothing_is_written_under_a_schema_that_is_not_registered(values):
    with pytest.raises(BridgeError, match="run `kafka-bridge schemas register`"):
        form(values, _1=Written("AVRO", '"string"')).encode(EVENT)


OLD = '[{"type": "record", "name": "Other", "namespace": "x", "fields": []}]'
BAD = {
    "empty": (b"", "truncated"),
    "not JSON": (b"\xfe", "malformed"),
    "another event": (b'{"type": "rumour"}', "rumour"),
    "header cut off": (b"\x00\x00\x00", "ends within"),
    "no such schema": (framed(99, b"x"), "no schema 99"),
    "not our Avro": (framed(1, avro.encode(EVENT)), "not an event in Avro"),
    "no Avro schema": (framed(2, avro.encode(EVENT)), "not an Avro schema"),
    "Avro cut off": (framed(7, avro.encode(EVENT)[:-1]), "not an event in Avro"),
    "Avro and more": (framed(7, avro.encode(EVENT) + b"x"), "1 bytes follow"),
    "another message": (framed(8, b"\x02\x02" + protobuf.encode(EVENT)), "another message"),
    "no message": (framed(8, b""), "another message"),
    "Protobuf cut off": (framed(8, b"\x00" + protobuf.encode(EVENT)[:-1]), "not an event in Protobuf"),
    "JSON Schema, and no JSON": (framed(9, b"\xff"), "malformed"),
    "too large": (framed(7, b"x" * (1 << 21)), "at most"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name):
    value, words = BAD[name]
    reader = form(
        _1=Written("AVRO", OLD), _2=Written("AVRO", '{"type": "unheard"}'), _7=schema("avro"), _8=schema("protobuf"),
        _9=Written("JSON", "{}"),
    )  # fmt: skip
    with pytest.raises(DecodeError, match=words):
        reader.decode(value)


def test_json_behind_a_header_is_read():
    assert form(_9=Written("JSON", "{}")).decode(framed(9, ndjson.encode(EVENT))) == EVENT


def test_without_a_registry_framed_values_are_refused_and_json_is_read():
    alone = Form(Kafka(brokers=("b:1",)), "dns.normalized")
    assert alone.decode(ndjson.encode(EVENT)) == EVENT
    with pytest.raises(DecodeError, match=r"kafka\.registry"):
        alone.decode(framed(7, avro.encode(EVENT)))


def test_an_absent_registry_is_no_fault_of_the_value():
    away = Registry(NOWHERE)
    try:
        with pytest.raises(RegistryError, match=r"the schema registry at http://127\.0\.0\.1:1/apis cannot be asked"):
            away.written(7)
    finally:
        away.close()


def test_a_password_that_cannot_be_read(tmp_path):
    with pytest.raises(BridgeError, match=r"kafka\.registry\.password_file: No such file"):
        Registry(Settings(url="https://registry", username="me", password_file=str(tmp_path / "none")))

"""The contract only grows: every released schema reads what is written now, and the other way round."""

from __future__ import annotations

import copy
import io
import json
from importlib import resources
from pathlib import Path

import fastavro
import pytest
import strategies
from compatibility import avro_breaks, avro_records, json_breaks, proto_breaks, proto_messages
from dns_events import TYPES, avro, events, json_schema
from dns_events.schemas import event_pb2
from hypothesis import given
from msgspec import structs

RELEASED = Path(__file__).parents[1] / "schemas"
AVRO = pytest.mark.parametrize("file", sorted(RELEASED.glob("*.avsc")), ids=lambda file: file.stem)
PROTO = resources.files("dns_events").joinpath("schemas/event.proto").read_text()


def test_there_are_released_schemas():
    assert {file.name for file in RELEASED.iterdir()} >= {"0.1.0.avsc", "0.1.0.proto", "0.1.0.schema.json"}


@AVRO
def test_no_released_avro_schema_is_broken(file):
    assert list(avro_breaks(json.loads(file.read_text()), avro.schema())) == []


@AVRO
@given(event=strategies.events)
def test_released_avro_schemas_read_and_are_read(file, event):
    old = fastavro.parse_schema(json.loads(file.read_text()))
    new = fastavro.parse_schema(avro.schema())
    value = avro.encode(event)
    as_old = fastavro.schemaless_reader(io.BytesIO(value), new, old, return_record_name=True)
    rewritten = io.BytesIO()
    fastavro.schemaless_writer(rewritten, old, as_old)
    back = avro.decode(rewritten.getvalue(), old)
    assert (type(back), back.id, back.time, back.zone) == (type(event), event.id, event.time, event.zone)


@pytest.mark.parametrize("file", sorted(RELEASED.glob("*.proto")), ids=lambda file: file.stem)
def test_no_protobuf_number_is_used_again(file):
    assert list(proto_breaks(file.read_text(), PROTO)) == []


@pytest.mark.parametrize("file", sorted(RELEASED.glob("*.schema.json")), ids=lambda file: file.name)
def test_the_json_schema_only_grew(file):
    assert list(json_breaks(json.loads(file.read_text()), json.loads(json.dumps(json_schema())))) == []


def test_the_proto_file_is_what_was_compiled():
    compiled = {
        name: {field.number: field.name for field in message.fields}
        for name, message in event_pb2.DESCRIPTOR.message_types_by_name.items()
    }
    written = {
        name: {number: field[0] for number, field in fields.items()} for name, fields in proto_messages(PROTO).items()
    }
    assert written == compiled


@pytest.mark.parametrize("name", ["Probe", "Server", "Ede", "Record", "Dnssec", "Violation", "ServerView", *TYPES])
def test_schemas_have_every_field_of_the_structs(name):
    kind = TYPES.get(name) or getattr(events, name)
    fields = {field.name for field in structs.fields(kind)}
    assert set(avro_records(avro.schema())[kind.__name__]) == fields
    assert {field[0] for field in proto_messages(PROTO)[kind.__name__].values()} == fields


def _observation(schema):
    return avro_records(schema)["Observation"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda s: _observation(s)["ttl"].update(type="string"), "ttl changed its type", id="type"),
        pytest.param(lambda s: _observation(s)["ttl"].pop("default"), "lost its default", id="default"),
        pytest.param(lambda s: _observation(s)["name"].update(name="qname"), "name is gone", id="renamed"),
        pytest.param(lambda s: s[0]["fields"].append({"name": "new", "type": "string"}), "no default", id="required"),
        pytest.param(lambda s: s.pop(), "Traffic is gone", id="event-gone"),
    ],
)
def test_a_breaking_avro_change_is_found(change, reason):
    changed = copy.deepcopy(avro.schema())
    change(changed)
    assert any(reason in found for found in avro_breaks(avro.schema(), changed))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        pytest.param("string qtype = 7", "int64 qtype = 7", "Observation 7 was", id="type"),
        pytest.param("string qtype = 7", "string other = 7", "Observation 7 was", id="number-used-again"),
        pytest.param("string qtype = 7", "string qtype = 99", "Observation 7 (qtype) is gone", id="number-changed"),
        pytest.param("string qtype = 7;", "string qtype = 7;\n  string b = 99;", "neither optional", id="required"),
    ],
)
def test_a_breaking_protobuf_change_is_found(before, after, reason):
    assert before in PROTO
    assert any(reason in found for found in proto_breaks(PROTO, PROTO.replace(before, after)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda d: d["properties"].pop("qtype"), "qtype is gone", id="gone"),
        pytest.param(lambda d: d["required"].append("ttl"), "also wants ['ttl']", id="required"),
        pytest.param(lambda d: d["properties"]["qtype"].update(type="integer"), "was 'string'", id="type"),
        pytest.param(lambda d: d["properties"]["qtype"].update(maxLength=3), "narrows", id="narrower"),
    ],
)
def test_a_breaking_json_change_is_found(change, reason):
    changed = json_schema()
    change(changed["$defs"]["Observation"])
    assert any(reason in found for found in json_breaks(json_schema(), changed))


def test_growing_breaks_nothing():
    grown = copy.deepcopy(avro.schema())
    grown[0]["fields"].append({"name": "new", "type": ["null", "string"], "default": None})
    schema = json_schema()
    schema["$defs"]["Observation"]["properties"]["new"] = {"type": "string"}
    proto = PROTO.replace("string qtype = 7;", "string qtype = 7;\n  optional string new = 99;")
    assert list(avro_breaks(avro.schema(), grown)) == []
    assert list(json_breaks(json_schema(), schema)) == []
    assert list(proto_breaks(PROTO, proto)) == []

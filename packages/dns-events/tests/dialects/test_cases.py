"""What single fields come to, and what no record may be."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from dns_events import DecodeError, NotAnObservationError, Observation, dialects, events
from dns_events.dialects import dnscheck
from dns_events.dialects.extra import MAX_KEYS, bounded
from dns_events.dialects.framing import MAX_MESSAGE_BYTES, MAX_RECORD_BYTES
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from test_samples import FILES, read, told

ZEEK = {
    "ts": 1795428000.0, "id.orig_h": "198.51.100.1", "id.resp_h": "192.0.2.1", "id.resp_p": 53, "proto": "udp",
    "query": "www.example.com", "qtype": 1, "rcode": 0, "AA": True, "answers": ["192.0.2.80"], "TTLs": [60.0],
}  # fmt: skip


def zeek(**changes):
    tree = {key: value for key, value in (ZEEK | changes).items() if value is not ...}
    (found,) = read("zeek", json.dumps(tree).encode())
    return found


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, "answer"),
        ({"answers": ..., "TTLs": ...}, "nodata"),
        ({"answers": ..., "TTLs": ..., "TC": True}, "answer"),
        ({"rcode": 3}, "nxdomain"),
        ({"rcode": 2}, "servfail"),
        ({"rcode": 5}, "refused"),
        ({"rcode": 4}, "error"),
        ({"rcode": ..., "rcode_name": "rcode-3841"}, "error"),
        ({"rcode": ...}, "timeout"),
        ({"answers": ["other.example.net"]}, "answer"),
        ({"answers": ["other.example.net"], "AA": False, "RA": True}, "nodata"),
        ({"qtype": 15, "answers": ["mail.example.com"]}, "answer"),
        ({"qtype": 15, "answers": ["mail.example.com"], "rcode": 3}, "nxdomain"),
        ({"query": ""}, "answer"),
        ({"qtype": "query-65280", "answers": ["<unknown type=65280>"]}, "answer"),
    ],
    ids=str,
)
def test_the_outcome_follows_code_and_answers(changes, outcome):
    assert zeek(**changes).outcome == outcome


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ts": ...}, "no ts"),
        ({"ts": "2026-11-23T10:00:00"}, "without a zone"),
        ({"ts": 1e30}, "outside of 1970"),
        ({"ts": -5}, "outside of 1970"),
        ({"ts": True}, "number"),
        ({"query": ...}, "no question"),
        ({"query": "a..b"}, "not a domain name"),
        ({"qtype": 70000}, "at most 65535"),
        ({"qtype": "x" * 100}, "mnemonic"),
        ({"qtype": ...}, "mnemonic"),
        ({"rtt": -1.0}, "0 or more"),
        ({"rtt": "soon"}, "rtt is str; a number is needed"),
        ({"TTLs": [-1]}, "outside of 32 bits"),
        ({"TTLs": [-1], "qtype": 15, "answers": ["mail.example.com"]}, "outside of 32 bits"),
        ({"TTLs": "60"}, "a list is needed"),
        ({"answers": [3]}, "a text is needed"),
        ({"answers": ["192.0.2.1"] * 5000}, "a DNS message holds"),
        ({"id.resp_p": 70000}, "a port is needed"),
        ({"proto": "sctp"}, "udp, tcp"),
        ({"AA": "yes"}, "true or false"),
        ({"qtype": 16, "answers": ["TXT 1 x"] * 4000, "query": ".".join(["b" * 60] * 4)}, "makes an event of"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_is_refused_with_its_reason(changes, reason):
    found = zeek(**changes)
    assert isinstance(found, DecodeError)
    assert not isinstance(found, NotAnObservationError)
    assert reason in str(found)


@pytest.mark.parametrize(
    "changes", [{"qclass_name": "C_CHAOS"}, {"opcode_name": "notify"}, {"id.resp_p": 5355}], ids=str
)
def test_what_tells_of_no_lookup_is_marked(changes):
    assert isinstance(zeek(**changes), NotAnObservationError)


def test_no_answer_ever_has_a_latency_of_nothing():
    batch = read("telegraf")
    assert batch[1].outcome == "timeout"
    assert batch[1].latency is None


def test_a_server_that_a_record_leaves_out_must_be_given():
    (found,) = dialects.read("ocsf", FILES["ocsf"].read_bytes().splitlines()[0], probe="p")
    assert "give the server's address" in str(found)


def test_dnscheck_is_the_same_in_protobuf():
    wire = Parse(FILES["dnscheck"].read_bytes(), ExportMetricsServiceRequest()).SerializeToString()
    assert read("dnscheck", wire) == read("dnscheck")


def test_protobuf_that_looks_like_json_is_protobuf():
    """A first message of 123 bytes makes a request begin with a newline and a brace."""
    request = Parse(FILES["dnscheck"].read_bytes(), ExportMetricsServiceRequest())
    del request.resource_metrics[0].scope_metrics[0].metrics[1:]
    del request.resource_metrics[0].resource.attributes[:]
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    del metric.gauge.data_points[1:]
    request.resource_metrics[0].scope_metrics[0].ClearField("scope")
    short = 123 - request.resource_metrics[0].ByteSize()
    metric.description = "x" * (short - 2 if short > 2 else 0)
    while request.resource_metrics[0].ByteSize() > 123:
        metric.gauge.data_points[0].attributes.pop()
        metric.description = "x" * max(0, 123 - request.resource_metrics[0].ByteSize() - 2)
    wire = request.SerializeToString()
    assert wire[:2] == b"\n{"
    assert "without its dnscheck.status" in str(read("dnscheck", wire)[0])


def test_a_duration_without_its_status_is_no_outcome():
    tree = json.loads(FILES["dnscheck"].read_bytes())
    del tree["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][1:]
    found = read("dnscheck", json.dumps(tree).encode())
    assert len(found) == 3
    assert all("no outcome is known" in str(reason) for reason in found)


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        ("read udp 192.0.2.1:1->192.0.2.2:53: i/o timeout", "timeout"),
        ("dial udp: connect: connection refused", "unreachable"),
        ("dial udp: lookup dns.example: no such host", "unreachable"),
        ("dns: overflow unpacking uint16", "malformed"),
        ("", "timeout"),
    ],
)
def test_silence_has_a_reason(message, outcome):
    assert dnscheck._silence(message) == outcome


ONE = json.dumps(ZEEK).encode()


@pytest.mark.parametrize(
    ("data", "count", "last"),
    [
        (ONE, 1, "event"),
        (b" \r\n" + json.dumps(ZEEK, indent=2).encode(), 1, "event"),
        (ONE + b"\n\n" + ONE + b"\r\n", 2, "event"),
        (ONE + b"\n{broken\n" + ONE, 3, "event"),
        (b"[" + ONE + b" , " + ONE + b"]", 2, "event"),
        (b"[]", 0, None),
        (b"[" + ONE + b", {broken", 2, "breaks off"),
        (b"[" + ONE + b" " + ONE + b"]", 2, "a comma or ]"),
        (b"[" + ONE + b"] x", 2, "something follows"),
        (b"[1]", 1, "not a JSON object"),
        (b"", 1, "empty message"),
        (b"\xff\xfe", 1, "not a JSON object"),
        (b"[\xff]", 1, "not JSON"),
        (b"[" * 100_000, 1, "breaks off"),
        (b'{"a":' * 100_000, 1, "recursion"),
        (b'{"a":' + b"9" * 100_000 + b"}", 1, ""),
        (b'{"a":"' + b"x" * MAX_RECORD_BYTES + b'"}', 1, "a record of"),
        (b"x" * (MAX_MESSAGE_BYTES + 1), 1, "a message of"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_messages_of_one_or_of_many(data, count, last):
    found = read("zeek", data)
    assert len(found) == count
    if last == "event":
        assert isinstance(found[-1], Observation)
    elif last is not None:
        assert isinstance(found[-1], DecodeError)
        assert last in str(found[-1])


def test_an_array_of_nothings_is_never_held_whole():
    data = b"[" + b"{}," * (MAX_MESSAGE_BYTES // 3 - 2) + b"{}]"
    tracemalloc.start()
    try:
        iterator = dialects.read("zeek", data)
        for _ in range(1000):
            next(iterator)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_MESSAGE_BYTES
    finally:
        tracemalloc.stop()


class TestExtra:
    def test_keys_are_bounded_and_what_is_cut_is_said(self):
        event = zeek(**{f"key{number}": number for number in range(300)})
        note = event.extra.pop("dnstower")["left_out"]
        assert len(event.extra) == MAX_KEYS
        assert note["count"] == 300 - MAX_KEYS
        assert note["names"][0] == f"key{MAX_KEYS}"

    def test_bytes_are_bounded(self):
        event = zeek(small="kept", big="x" * 20_000, other="kept too")
        assert event.extra["small"] == "kept"
        assert event.extra["other"] == "kept too"
        assert event.extra["dnstower"]["left_out"] == {"count": 1, "names": ["big"]}

    def test_depth_is_bounded(self):
        tree: dict = {"leaf": 1}
        for _ in range(50):
            tree = {"a": tree}
        listed: list = [1]
        for _ in range(50):
            listed = [listed]
        event = zeek(deep=tree, nested=listed)
        assert event.extra["dnstower"]["left_out"]["count"] == 2

    def test_worst_names_stay_within_the_bound(self):
        tree = {"\u0001" * 59 + chr(1000 + number): "x" * 16_000 for number in range(300)}
        events._extra(bounded(tree))

    def test_the_address_of_who_asked_is_dropped_wherever_it_stands(self):
        event = zeek(note="from 198.51.100.1 with love", list=["198.51.100.1", "kept"], **{"198.51.100.1": 1})
        assert event.extra == {"list": ["kept"]}


def test_ecs_keys_may_be_dotted_nested_or_mixed():
    nested = {"dns": {"question": {"name": "www.example.com", "type": "A"}, "response_code": "NXDOMAIN"}}
    common = {"@timestamp": "2026-11-23T10:00:00Z", "server": {"ip": "192.0.2.1"}}
    mixed = {"dns": {"question.name": "www.example.com", "question.type": "A"}, "dns.response_code": "NXDOMAIN"}
    dotted = {
        "dns.question.name": "www.example.com",
        "dns.question.type": "A",
        "dns.response_code": "NXDOMAIN",
        "client.geo.city_name": "Somewhere",
        "source.ip": "198.51.100.1",
    }
    seen = [read("ecs", json.dumps(common | form).encode())[0] for form in (nested, mixed, dotted)]
    assert {told(event) for event in seen} == {told(seen[0])}
    assert {event.extra is None for event in seen} == {True}


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ("CR", "resolver_log"),
        ("AR", "authoritative_log"),
        ("STUB_RESPONSE", "resolver_log"),
        ("CQ", "a query without its response"),
        ("TOOL_RESPONSE", "nothing of lookups"),
        ("GUESS", "none of dnstap's"),
    ],
)
def test_message_types_of_dnstap(operation, result):
    tree = json.loads(FILES["dnscollector"].read_bytes().splitlines()[0])
    tree["dnstap"]["operation"] = operation
    (found,) = read("dnscollector", json.dumps(tree).encode())
    assert result in (found.source if isinstance(found, Observation) else str(found))


def test_a_client_response_without_recursion_is_an_authority():
    tree = json.loads(FILES["dnscollector"].read_bytes().splitlines()[0])
    tree["dns"]["flags"]["ra"] = False
    (found,) = read("dnscollector", json.dumps(tree).encode())
    assert (found.source, found.server.role) == ("authoritative_log", "authoritative")


def test_a_flat_list_with_the_separator_in_its_data_is_refused():
    tree = json.loads(FILES["dnscollector"].read_bytes().splitlines()[1])
    tree |= {f"dns.resource-records.an.{column}": "x" for column in ("names", "rdatatypes", "ttls", "classes")}
    tree["dns.resource-records.an.rdatas"] = "a|b"
    assert "let it write nested JSON" in str(read("dnscollector", json.dumps(tree).encode())[0])

"""Events as Avro and Protobuf with a real schema registry, read by Confluent's own deserializers as well as by ours."""

from __future__ import annotations

import json

import pytest
from confluent_kafka import Consumer, Message
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext
from dns_events.schemas import event_pb2

from tests.stack.bridges import ZONES, Stack, recent, requests
from tests.stack.registry.server import Server, missing

FORMS = ("avro", "protobuf")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    if absent := missing():
        pytest.skip(absent)
    running = Server(tmp_path_factory.mktemp("registry"))
    running.start()
    yield running
    running.kill()


class Framed(Stack):
    """Bridges that write another form than JSON."""

    values = "json"
    registry = ""

    def config(self, *roles):
        found = super().config(*roles)
        found["kafka"] |= {"values": self.values, "registry": {"url": self.registry} if self.registry else None}
        return found


@pytest.fixture
def client(registry):
    with SchemaRegistryClient({"url": registry.url}) as opened:
        yield opened


@pytest.fixture
def stack(request, tmp_path, broker, postgres, registry):
    opened = Framed(tmp_path, broker, postgres, f"registry{abs(hash(request.node.name)) % 10**8}")
    opened.registry = registry.url
    yield opened
    opened.close()


def subject(stack):
    return f"{stack.prefix}dns.normalized-value"


def messages(stack) -> list[Message]:
    consumer = Consumer(
        {
            "bootstrap.servers": stack.broker.bootstrap, "group.id": f"{stack.prefix}reader",
            "auto.offset.reset": "earliest", "enable.partition.eof": True,
        }
    )  # fmt: skip
    topic = f"{stack.prefix}dns.normalized"
    partitions = len(consumer.list_topics(topic).topics[topic].partitions)
    consumer.subscribe([topic])
    found, ended = [], set()
    while len(ended) < partitions:
        for message in consumer.consume(500, 0.5):
            if message.error() is None:
                found.append(message)
            else:
                ended.add(message.partition())
    consumer.close()
    return found


def test_commands(stack):
    for stack.values in FORMS:
        done = stack.command("schemas", "check", "--json")
        assert done.returncode == 3, done.stderr
        report = json.loads(done.stdout)
        assert report == {"subject": subject(stack), "id": None, "compatible": True}
        if stack.values == FORMS[0]:
            done = stack.command("schemas", "register", "--json")
            assert done.returncode == 0, done.stderr
            made = json.loads(done.stdout)
            assert made["new"] is True
            assert json.loads(stack.command("schemas", "register", "--json").stdout) == {**made, "new": False}
            done = stack.command("schemas", "check")
            assert (done.returncode, done.stdout) == (0, f"{subject(stack)}: registered as {made['id']}\n")
    assert stack.query("select detail->>'subject' from audit_log where action = 'schemas.register'") == [
        (subject(stack),)
    ]


def test_an_incompatible_schema_is_refused(stack, client):
    client.register_schema(subject(stack), Schema('{"type": "string"}', "AVRO"))
    client.set_compatibility(subject(stack), "BACKWARD")
    stack.values = "avro"
    assert json.loads(stack.command("schemas", "check", "--json").stdout)["compatible"] is False
    done = stack.command("schemas", "register")
    assert done.returncode == 1
    assert "refuses" in done.stderr


@pytest.mark.parametrize("values", FORMS)
def test_events_in(stack, client, values):
    sent = recent()
    stack.values = values
    bridge = stack.bridge()
    for payload in requests(sent)[:3]:
        bridge.send(payload)
    # Nothing is written under a schema that nobody registered; nothing is lost meanwhile.
    stack.wait("its complaint", lambda: "run `kafka-bridge schemas register`" in bridge.log.read_text())
    assert messages(stack) == []
    assert stack.command("schemas", "register").returncode == 0
    for payload in requests(sent)[3:]:
        bridge.send(payload)
    stack.reconcile(sent)
    found = messages(stack)
    assert len(found) == len(sent)
    assert {dict(message.headers())["content-type"] for message in found} == {f"application/{values}".encode()}
    # Whoever has Confluent's client reads the same.
    if values == "avro":
        read = AvroDeserializer(client)
        zone = lambda event: event["zone"]  # noqa: E731
    else:
        # Without the registry, whose Protobuf schemas Confluent's client wants in a form that Apicurio does not know.
        read = ProtobufDeserializer(event_pb2.Event, {"use.deprecated.format": False})
        zone = lambda event: event.observation.zone  # noqa: E731
    context = SerializationContext(f"{stack.prefix}dns.normalized", MessageField.VALUE)
    zones = {(message.key().decode(), zone(read(message.value(), context))) for message in found}
    assert zones == {(zone_, zone_) for zone_ in ZONES}
    done = stack.command("replay", "--from", "20m", "--source", "kafka", "--json")
    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["same"] * len(ZONES[::2])


def test_a_topic_changes_its_form_while_it_is_used_and_the_registry_is_killed(stack, registry):
    sent = recent()
    payloads = requests(sent)
    third = len(payloads) // 3
    first = stack.bridge()
    for payload in payloads[:third]:
        first.send(payload)
    stack.wait("the first part", lambda: stack.one("select count(*) from seen_event") == third * 60)
    first.stop()
    stack.values = "avro"
    assert stack.command("schemas", "register").returncode == 0
    registry.kill()
    second = stack.bridge()
    for payload in payloads[third : 2 * third]:
        second.send(payload)
    stack.wait("its complaint", lambda: "cannot be asked" in second.log.read_text())
    registry.start()
    # Known schemas need no registry.
    stack.wait("the second part", lambda: stack.one("select count(*) from seen_event") == 2 * third * 60)
    registry.kill()
    for payload in payloads[2 * third :]:
        second.send(payload)
    stack.wait("the third part", lambda: stack.one("select count(*) from seen_event") == len(sent))
    registry.start()
    stack.reconcile(sent)
    kinds = {message.value()[:1] for message in messages(stack)}
    assert kinds == {b"{", b"\x00"}

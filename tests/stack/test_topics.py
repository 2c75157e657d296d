"""`kafka-bridge topics` against real brokers, over every way to log in; and who may do what afterwards."""

from __future__ import annotations

import base64
import json
import time

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from kafka_bridge.kafka.declared import Access, Declared, wanted_grants

from tests.stack.kafka.broker import Broker
from tests.stack.kafka.rights import USERS, bridge_yaml, command, grant, topics_yaml


def login(folder, authority, user):
    (folder / "password").write_text(USERS[user] + "\n")
    return {"tls": {"ca": str(authority.file)}, "sasl": {"username": user, "password_file": "password"}}


def tenant(tmp_path, secured, prefix):
    letter = prefix[0]
    access = [
        {"principal": f"User:bridge-{letter}", "role": "bridge"},
        {"principal": f"User:reader-{letter}", "role": "reader"},
        {"principal": f"User:probes-{letter}", "role": "forward"},
    ]
    folder = tmp_path / letter
    grant(folder, secured, prefix, access)
    return folder


def test_plan_apply_and_plan_again(tmp_path, broker):
    config = bridge_yaml(tmp_path, broker, prefix="plan.")
    declared = topics_yaml(tmp_path, "plan.", topics={"raw": {"partitions": 3, "retention": "2h"}})
    code, out, _ = command("plan", declared, "--config", config, "--json")
    assert code == 3
    changes = [json.loads(line) for line in out.splitlines()]
    assert {change["target"] for change in changes} == {
        f"topic plan.dns.{name}" for name in ("raw", "normalized", "enriched", "findings", "incidents", "deadletter")
    }
    raw = next(change["detail"] for change in changes if change["target"] == "topic plan.dns.raw")
    assert "3 partitions" in raw
    assert "retention.ms 7200000" in raw
    code, _, err = command("apply", declared, "--config", config)
    assert (code, "nothing was done; add --yes" in err) == (3, True)
    code, _, err = command("apply", declared, "--config", config, "--yes")
    assert code == 0, err
    assert "6 done" in err
    assert command("plan", declared, "--config", config) == (0, "", "")
    logged = [json.loads(line)["action"] for line in (tmp_path / "audit.ndjson").read_text().splitlines()]
    assert logged == ["topics.create"] * 6

    topics_yaml(
        tmp_path, "plan.", topics={"raw": {"partitions": 4, "retention": "1h"}, "normalized": {"partitions": 2}}
    )
    code, out, _ = command("plan", declared, "--config", config)
    assert code == 3
    assert "~ topic plan.dns.raw: 3 → 4 partitions" in out
    assert "retention.ms 7200000 → 3600000" in out
    assert "! topic plan.dns.normalized: has 6 partitions and Kafka cannot take any away; write 6" in out
    code, _, err = command("apply", declared, "--config", config, "--yes")
    assert (code, "2 done, 1 that Kafka cannot do by itself" in err) == (3, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ({"topics": {"rwa": {}}}, "no topic 'rwa'; known are raw, normalized"),
        ({"topics": {"findings": {"partitions": 2}}}, "findings has one partition, because its order is promised"),
        ({"topics": {"raw": {"retention": "soon"}}}, "'soon' is not a duration"),
        ({"enrich": "external"}, "events are enriched where they are judged; write `judge: external` beside it"),
        ({"in_sync": 3}, "has to be between 1 and `replication`, which is 1"),
        ({"access": [{"principal": "probes", "role": "forward"}]}, "write one principal, as `User:probes`"),
        ({"access": [{"principal": "User:*", "role": "reader"}]}, "write one principal"),
        ({"prefix": "other."}, "write the same"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, broker, text, message):
    config = bridge_yaml(tmp_path, broker)
    code, _, err = command("plan", topics_yaml(tmp_path, **text), "--config", config)
    assert code == 1
    assert message in err


def test_other_tools_topics_are_for_the_bridge_to_read():
    access = (Access(principal="User:b", role="bridge"), Access(principal="User:r", role="reader"))
    grants = wanted_grants(Declared(foreign=("zeek.dns",), access=access))
    found = {(grant.principal, grant.operation) for grant in grants if grant.name == "zeek.dns"}
    assert found == {("User:b", "read"), ("User:b", "describe")}


def test_a_job_that_judges_may_read_events_and_say_what_it_found_and_nothing_else():
    access = (Access(principal="User:b", role="bridge"), Access(principal="User:j", role="judge"))
    here, external = (wanted_grants(Declared(judge=judge, access=access[:1])) for judge in ("here", "external"))
    told = {(grant.operation, grant.name) for grant in external - here}
    assert {("read", "dns.findings"), ("read", "dns.incidents"), ("write", "dns.control")} <= told
    assert not any("control" in grant.name for grant in here)
    job = wanted_grants(Declared(judge="external", access=access[1:]))
    assert {(grant.operation, grant.name) for grant in job if grant.operation in {"read", "write"}} == {
        ("read", "dns.normalized"), ("read", "dns.control"), ("write", "dns.findings"), ("write", "dns.incidents"),
        ("write", "dns.deadletter"),
        ("read", "dnstower.flink."), ("write", "dnstower.flink-"),
    }  # fmt: skip


def test_who_enriches_may_write_what_the_other_reads():
    access = (Access(principal="User:b", role="bridge"), Access(principal="User:j", role="judge"))
    for enrich, writer in (("here", "User:b"), ("external", "User:j")):
        grants = wanted_grants(Declared(judge="external", enrich=enrich, access=access))
        found = {(g.principal, g.operation) for g in grants if g.name == "dns.enriched"}
        assert {principal for principal, operation in found if operation == "write"} == {writer}
        assert (("User:b", "read") in found) == (enrich == "external")


def test_grants_that_the_file_does_not_name_are_revoked(tmp_path, secured):
    folder = tenant(tmp_path, secured, "c.")
    config, declared = (
        folder / "bridge.yaml",
        topics_yaml(folder, "c.", access=[{"principal": "User:probes-c", "role": "forward"}]),
    )
    code, out, _ = command("plan", declared, "--config", config)
    assert code == 3
    assert all(line.startswith("- access: User:") for line in out.splitlines())
    assert "- access: User:reader-c read topic c.dns.enriched" in out
    assert command("apply", declared, "--config", config, "--yes")[0] == 0
    assert command("plan", declared, "--config", config) == (0, "", "")


def test_a_login_that_lacks_rights_is_told_which(tmp_path, secured, authority):
    folder = tenant(tmp_path, secured, "a.")
    bridge_yaml(folder, secured, "scram", **login(folder, authority, "bridge-a"))
    assert command("check", "--config", folder / "bridge.yaml") == (0, "", "")
    bridge_yaml(folder, secured, "scram", **login(folder, authority, "reader-a"))
    code, out, _ = command("check", "--config", folder / "bridge.yaml")
    assert code == 3
    assert "topic a.dns.enriched: this login may not WRITE" in out
    assert "topic a.dns.raw" in out
    (folder / "password").write_text("wrong")
    code, out, err = command("check", "--config", folder / "bridge.yaml")
    assert code == 1
    assert "wrong" not in out + err
    assert "refuse or cannot be asked" in err


def client(secured, authority, user, **more):
    return {
        "bootstrap.servers": f"127.0.0.1:{secured.ports['scram']}", "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(authority.file), "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": user,
        "sasl.password": USERS[user], **more,
    }  # fmt: skip


def may_write(settings, topic):
    told = []
    producer = Producer({**settings, "message.timeout.ms": 5000})
    producer.produce(topic, b"{}", on_delivery=lambda error, _: told.append(error))
    producer.flush(10)
    return len(told) == 1 and told[0] is None  # a KafkaError cannot be compared with None


def may_read(settings, topic, group):
    consumer = Consumer({**settings, "group.id": group, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    until = time.monotonic() + 8
    try:
        while time.monotonic() < until:
            message = consumer.poll(0.5)
            if message is not None:
                return message.error() is None
            if consumer.assignment():
                return True
    except KafkaException:
        return False
    finally:
        consumer.close()
    return False


def test_two_tenants_cannot_read_or_write_each_other(tmp_path, secured, authority):
    tenant(tmp_path, secured, "a.")
    tenant(tmp_path, secured, "b.")
    bridge_a, bridge_b, reader_a = (client(secured, authority, user) for user in ("bridge-a", "bridge-b", "reader-a"))
    assert may_write(bridge_a, "a.dns.raw")
    assert may_write(bridge_b, "b.dns.raw")
    assert not may_write(bridge_a, "b.dns.raw")
    assert not may_write(bridge_b, "a.dns.incidents")
    assert may_read(bridge_a, "a.dns.raw", "a.dnstower.test")
    assert not may_read(bridge_b, "a.dns.raw", "b.dnstower.test")
    assert not may_read(bridge_a, "a.dns.raw", "b.dnstower.test")  # another's group
    assert may_read(reader_a, "a.dns.incidents", "reader-a.dashboards")
    assert not may_read(reader_a, "a.dns.raw", "reader-a.dashboards")
    assert not may_write(reader_a, "a.dns.incidents")


def test_a_client_certificate_is_a_login(tmp_path, secured, authority):
    folder = tenant(tmp_path, secured, "m.")
    certificate, key = authority.issue("bridge-m")
    tls = {"ca": str(authority.file), "certificate": str(certificate), "key": str(key)}
    bridge_yaml(folder, secured, "mtls", "m.", tls=tls)
    assert command("check", "--config", folder / "bridge.yaml") == (0, "", "")
    certificate, key = authority.issue("stranger")
    bridge_yaml(folder, secured, "mtls", "m.", tls={**tls, "certificate": str(certificate), "key": str(key)})
    assert command("check", "--config", folder / "bridge.yaml")[0] == 3


def test_a_token_is_a_login(tmp_path, secured):
    folder = tenant(tmp_path, secured, "o.")
    bridge_yaml(folder, secured, "oauth", "o.", sasl={"mechanism": "OAUTHBEARER", "token_file": str(folder / "token")})
    (folder / "token").write_text(token("bridge-o"))
    assert command("check", "--config", folder / "bridge.yaml") == (0, "", "")
    (folder / "token").write_text(token("stranger"))
    assert command("check", "--config", folder / "bridge.yaml")[0] == 3


def token(subject):
    now = int(time.time())

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part({'sub': subject, 'iat': now, 'exp': now + 3600})}."


def test_an_administrator_without_an_authorizer_is_told(tmp_path_factory, tmp_path):
    plain = Broker(tmp_path_factory.mktemp("open"), settings={"authorizer.class.name": ""})
    plain.start()
    try:
        config = bridge_yaml(tmp_path, plain)
        declared = topics_yaml(tmp_path, access=[{"principal": "User:probes", "role": "forward"}])
        code, _, err = command("apply", declared, "--config", config, "--yes")
        assert code == 1
        assert "No Authorizer is configured" in err
    finally:
        plain.stop()

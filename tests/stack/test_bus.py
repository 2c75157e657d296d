"""The bus on a real broker and a real PostgreSQL, undisturbed and under `kill -9`; each time every event is counted."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time

import grpc
import psycopg
import pytest
from confluent_kafka import Producer
from dns_events import ndjson
from dns_rules import Engine, load_rules
from kafka_bridge.bridge import Bridge as InProcess
from kafka_bridge.config import Config, Notify, Otlp, Store
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tests.stack.bridges import INVENTORY, ZONES, Stack, killed_at, read_all, recent, request, requests

SEED = 20261124
NESTED = b'{"extra":' + b'{"a":' * 5000 + b"1" + b"}" * 5001
STAGES = ("normalize", "judge")


@pytest.fixture
def stack(request, tmp_path, broker, postgres):
    name = f"bus{abs(hash(request.node.name)) % 10**8}"
    opened = Stack(tmp_path, broker, postgres, name, **getattr(request, "param", {}))
    yield opened
    opened.close()


@pytest.mark.parametrize("stack", [{"settle": "20s"}], indirect=True, ids=[""])
def test_from_otlp_to_a_page_over_several_partitions(stack):
    sent = recent()
    bridge = stack.bridge()
    for payload in requests(sent):
        bridge.send(payload)
    stack.reconcile(sent)
    assert stack.one("select count(distinct partition) from zone_state") > 1
    # The topics carry what the store has: each event once under its zone, findings and incidents by id.
    normalized = read_all(stack, "dns.normalized")
    assert sorted(json.loads(value)["id"] for _, value in normalized) == sorted(event.id for event in sent)
    assert all(json.loads(value)["zone"] == key.decode() for key, value in normalized)
    enriched = [json.loads(value) for _, value in read_all(stack, "dns.enriched")]
    assert sorted({event["id"] for event in enriched}) == sorted(event.id for event in sent)
    assert {(e["enrichment"]["owner"], e["enrichment"]["criticality"]) for e in enriched} == {("web", "critical")}
    # History judged again says the same, out of the archive and out of the topic, and pages nobody.
    for source in ("archive", "kafka"):
        done = stack.command("replay", "--from", "20m", "--source", source, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["same"] * len(ZONES[::2])
        assert f"{len(sent)} events" in done.stderr
    assert stack.one("select count(*) from outbox") == len(ZONES[::2])
    told = {json.loads(value)["id"] for _, value in read_all(stack, "dns.incidents")}
    assert told == {row[0] for row in stack.query("select id from incident")}
    found = {(f["id"], f["state"]) for f in (json.loads(value) for _, value in read_all(stack, "dns.findings"))}
    assert found == set(stack.query("select id, state from finding"))


def test_a_backlog_is_judged_as_if_it_had_been_live(stack):
    """Raw partitions are read side by side: after a pause one is minutes ahead of another, and nothing is late."""
    sent = recent()
    forwarding = stack.bridge(("forward",))
    for payload in requests(sent, 20):
        forwarding.send(payload)
    stack.bridge(("normalize", "judge", "correlate", "deliver", "archive"))
    stack.reconcile(sent)


def test_repeated_and_shuffled_requests_change_nothing(stack):
    sent = recent()
    bridge = stack.bridge()
    payloads = requests(sent) + random.Random(SEED).sample(requests(sent), 30)
    random.Random(SEED).shuffle(payloads)
    for payload in payloads:
        bridge.send(payload)
    stack.reconcile(sent)


def stored(stack):
    return stack.one("select count(*) from seen_event")


@pytest.mark.parametrize("victim", ["bridge", "database", "broker"])
def test_kill_9_of(stack, postgres, broker, victim):
    rng = random.Random(SEED)
    sent = recent()
    if victim == "broker":
        # Open transactions end, groups and coordinators come together again: each waits for a time of its own.
        stack.patience = 400
    bridge = stack.bridge()
    payloads = requests(sent)
    deaths = before = 0
    for number, payload in enumerate(payloads):
        if number % (len(payloads) // (2 if victim == "broker" else 4)) == 5:
            time.sleep(rng.uniform(0, 0.5))  # in the middle of what the stages do with the ones before
            deaths += 1
            if victim == "bridge":
                bridge.kill()
                bridge = stack.bridge()
            elif victim == "database":
                stack.wait("the database back", lambda: stack.one("select 1") == 1)
                os.kill(postgres.pid, signal.SIGKILL)
            else:
                stack.wait("it goes on after the last time", lambda: stored(stack) > before)  # noqa: B023 - called here
                before = stored(stack)
                broker.kill()
                broker.start()
        bridge.send(payload)
    assert deaths >= 2
    stack.reconcile(sent)


_IMPATIENT = """
from kafka_bridge.kafka import clock, hanging
hanging._PATIENCE, clock._LOOK = 3, 0.5
from kafka_bridge.cli import main
main()
"""


def test_a_transaction_that_nobody_ends_is_told_of(stack):
    """As after a broker that lost its end: readers wait for it, and only an administrator can end it."""
    sent = recent()
    bridge = stack.bridge(program=_IMPATIENT)
    options = {"transactional.id": f"{stack.prefix}forgotten", "transaction.timeout.ms": 600_000}
    producer = Producer({"bootstrap.servers": stack.broker.bootstrap, **options})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(4):
        producer.produce(stack.prefix + "dns.normalized", b"{}", partition=number)
    assert producer.flush(30) == 0
    for payload in requests(sent):
        bridge.send(payload)
    stack.wait("told of it", lambda: "dns.normalized does not end" in bridge.log.read_text())
    assert "3 (offset 0)" in bridge.log.read_text()
    assert stored(stack) == 0
    stack.end_hanging()
    stack.reconcile(sent)


STEPS = {
    "normalize": [
        ("kafka_bridge.kafka.normalizer:_produce", "before"),
        ("kafka_bridge.kafka.normalizer:Normalizer._transaction", "after"),
    ],
    "judge": [
        ("kafka_bridge.pipeline.write:fresh", "after"),
        ("kafka_bridge.pipeline.write:aggregates", "after"),
        ("kafka_bridge.pipeline.write:judgement", "after"),
        ("kafka_bridge.pipeline.write:states", "after"),
        ("kafka_bridge.pipeline.partition:Partition.commit", "after"),
        ("kafka_bridge.pipeline.write:incidents", "after"),
        ("kafka_bridge.pipeline.write:pages", "after"),
        ("kafka_bridge.pipeline.write:correlation", "after"),
        ("kafka_bridge.kafka.publisher:Publisher.send", "before"),
        ("kafka_bridge.kafka.publisher:Publisher.send", "after"),
    ],
    "archive": [
        ("kafka_bridge.archive.archiver:Archiver._mark", "after"),
        ("kafka_bridge.archive.place:Place.write", "after"),
        ("kafka_bridge.archive.archiver:Archiver._done", "before"),
    ],
}


@pytest.mark.parametrize("stack", [{"settle": "0s"}], indirect=True, ids=[""])
def test_killed_at_every_step_of_the_loop(stack):
    """All events are on the bus before; each bridge dies at its step, and the last one finds everything in order."""
    sent = recent()
    forwarding = stack.bridge(("forward",))
    for payload in requests(sent):
        forwarding.send(payload)
    forwarding.stop()

    def die(where, when, *roles):
        doomed = stack.bridge(roles, program=killed_at(where, when), wait=False)
        doomed.process.wait(180)
        assert doomed.process.returncode == -signal.SIGKILL, (where, doomed.log.read_text())

    for step in STEPS["normalize"]:
        die(*step, "normalize")
    # Time passes for the steps behind it: all that was sent is to be there by then.
    normalizing = stack.bridge(("normalize",))
    stack.wait("all normalized", lambda: len(read_all(stack, "dns.normalized")) >= len(sent))
    normalizing.stop()
    # None of them does the work of the steps behind it.
    for step in STEPS["judge"]:
        die(*step, "judge", "correlate", "deliver")
    for step in STEPS["archive"]:
        die(*step, "archive")
    stack.bridge()
    stack.reconcile(sent)


def test_workers_that_come_and_go(stack):
    sent = recent()
    steady = stack.bridge()
    others = [stack.bridge(STAGES, wait=False)]
    payloads = requests(sent)
    for number, payload in enumerate(payloads):
        steady.send(payload)
        if number % (len(payloads) // 6) == 5:
            if len(others) < 2:
                others.append(stack.bridge(STAGES, wait=False))
            else:
                gone = others.pop(0)
                gone.kill() if number % 2 else gone.stop()
    stack.reconcile(sent)
    assert stack.one("select max(epoch) from bus_offset") > 1


def test_poison_in_every_position(stack):
    sent = recent()
    bridge = stack.bridge()
    producer = Producer({"bootstrap.servers": stack.broker.bootstrap})

    def poison(topic, value):
        producer.produce(stack.prefix + topic, value)
        assert producer.flush(10) == 0

    whole = request(sent[:3])
    deep = ExportLogsServiceRequest.FromString(request(sent[:1]))
    deep.resource_logs[0].scope_logs[0].log_records[0].body.string_value = NESTED.decode()
    nested = deep.SerializeToString()
    bad = [b"", b"\x00" * 50, b"{", b"[]", b'{"resourceLogs": 3}', b"\xff" * 9000, whole[: len(whole) // 2], nested]
    payloads = requests(sent)
    dead = 0
    for number, payload in enumerate(payloads):
        if number == 0 or number % (len(payloads) // len(bad)) == 0 or number == len(payloads) - 1:
            poison("dns.raw", bad[dead % len(bad)] or b"\x01")
            poison("dns.normalized", (b'{"type": "observation"}', b"\xfe", NESTED)[dead % 3])
            dead += 1
        bridge.send(payload)
    stack.wait("every dead letter", lambda: stack.one("select count(*) from deadletter") == 2 * dead)
    stack.reconcile(sent, dead=2 * dead)
    letters = stack.query('select topic, partition, "offset", reason, payload from deadletter')
    assert {letter[0] for letter in letters} == {stack.prefix + "dns.raw", stack.prefix + "dns.normalized"}
    assert all(letter[3] for letter in letters)
    assert {bytes(letter[4]) for letter in letters} >= {item or b"\x01" for item in bad}


def test_a_letter_sent_again_is_judged_and_counted(stack):
    """A normalized event behind a broken reader, say: the letter has its topic, and goes back there.

    A finding that a job wrote does not: it is left, and keeps nothing else from being sent.
    """
    sent = recent()
    bridge = stack.bridge()
    _letter(stack, "dns.findings", b"{")
    for payload in requests(sent[:-1]):
        bridge.send(payload)
    stack.wait("all but one", lambda: stack.one("select count(*) from seen_event") == len(sent) - 1)
    for topic, value in (("dns.raw", request(sent[-1:])), ("dns.normalized", ndjson.encode(sent[-1]))):
        _letter(stack, topic, value)
        done = stack.command("deadletter", "retry", "--reason", "test", "--json")
        assert (done.returncode, done.stdout) == (0, '{"sent": 1}\n'), done.stderr
        assert "1 left" in done.stderr
        stack.wait("the last one", lambda: stack.one("select count(*) from seen_event") == len(sent))
    stack.reconcile(sent, dead=3)
    assert stack.query("select topic from deadletter where retried is null") == [(f"{stack.prefix}dns.findings",)]
    assert stack.one("select count(*) from audit_log where action = 'deadletter.retry'") == 2
    (left,) = stack.query("select id from deadletter where retried is null")[0]
    done = stack.command("deadletter", "retry", str(left))
    assert (done.returncode, "cannot be sent again" in done.stderr) == (1, True)


def _letter(stack, topic, value):
    with psycopg.connect(stack.store, options="-c search_path=dnstower") as connection:
        connection.execute(
            "insert into deadletter (topic, partition, \"offset\", reason, payload) values (%s, 0, 0, 'test', %s)",
            (stack.prefix + topic, value),
        )


def test_forward_alone_needs_neither_store_nor_inventory(stack):
    sent = recent()
    command = [
        sys.executable, "-m", "kafka_bridge", "forward", "--broker", stack.broker.bootstrap, "--prefix", stack.prefix,
        "--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0",
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=stack.folder)
    try:
        line = process.stderr.readline()
        port = re.search(r"grpc (\d+)", line)[1]
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            export = channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")
            for payload in requests(sent):
                export(payload, timeout=15)
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stderr.close()
    assert sorted(value for _, value in read_all(stack, "dns.raw")) == sorted(requests(sent))
    stack.bridge()
    stack.reconcile(sent)


def test_a_changed_inventory_is_judged_by_without_a_restart(stack):
    sent = recent()
    bridge = stack.bridge()
    file = stack.folder / "inventory.yaml"
    whole = json.loads(file.read_text())
    file.write_text(json.dumps({**whole, "zones": whole["zones"][:1]}))
    stack.wait("the record", lambda: stack.one(_RECORDED) == 2)
    file.write_text(json.dumps(whole))
    stack.wait("the other record", lambda: stack.one(_RECORDED) == 3)
    for payload in requests(sent):
        bridge.send(payload)
    stack.reconcile(sent)


_RECORDED = "select count(*) from audit_log where action = 'inventory.change'"


def test_a_standby_takes_over_the_correlation(stack):
    sent = recent()
    first = stack.bridge()
    stack.wait("a leader", lambda: stack.one(_LEADERS) == 1)
    second = stack.bridge()
    half = len(sent) // 2
    for payload in requests(sent[:half]):
        first.send(payload)
    first.kill()
    for payload in requests(sent[half:]):
        second.send(payload)
    stack.reconcile(sent)
    assert stack.one(_LEADERS) == 1


_LEADERS = "select count(*) from pg_locks where locktype = 'advisory' and objid = x'0D257076'::int and granted"


def test_embedded_and_kafka_give_the_same_incidents(stack, tmp_path, postgres):
    sent = recent()
    bridge = stack.bridge()
    for payload in requests(sent):
        bridge.send(payload)
    config = Config(
        inventory=str(tmp_path / "inventory.yaml"), settle="10s", board=None, notify=Notify(console=False),
        otlp=Otlp(grpc=None, http=None), store=Store(directory=str(tmp_path / "pg")),
    )  # fmt: skip
    columns = "id, rule, zone, class, severity, since, owner, title"
    with InProcess(config) as embedded:
        for payload in requests(sent):
            embedded.bus.way_in.append(payload, "test")
        stack.reconcile(sent)
        kafka = stack.query(f"select {columns} from incident order by id")

        def embedded_rows():
            with embedded.pool.connection() as connection:
                return connection.execute(f"select {columns} from incident order by id").fetchall()

        stack.wait("the same incidents", lambda: embedded_rows() == kafka)
    engine = Engine(INVENTORY, load_rules())
    alone = [*engine.step(sent).incidents, *engine.finish().incidents]
    assert {row[0] for row in kafka} == {incident.id for incident in alone if incident.state == "firing"}
    assert {row[2] for row in kafka} == set(ZONES[::2])

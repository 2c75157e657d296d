"""Zones that are spread over partitions by name are judged as if they were not."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from confluent_kafka import Consumer, TopicPartition
from dns_events import ndjson

from tests.stack.bridges import ROLES, ZONES, Stack, recent, requests

SEED = 20261125
LABELS = ("www", "api", "mail", "login", "cdn")
#: One that fails and one that does not.
HOT = ZONES[:2]
STAGES = ("normalize", "judge")


class Spread(Stack):
    """Bridges that know of hot zones."""

    def config(self, roles=ROLES):
        found = super().config(roles)
        found["kafka"]["hot"] = list(HOT)
        return found


@pytest.fixture
def stack(request, tmp_path, broker, postgres):
    opened = Spread(tmp_path, broker, postgres, f"hot{abs(hash(request.node.name)) % 10**8}")
    yield opened
    opened.close()


def partitions(stack):
    """Where the events of each zone are, and of each of its names."""
    consumer = Consumer({"bootstrap.servers": stack.broker.bootstrap, "group.id": f"{stack.prefix}reader"})
    topic = f"{stack.prefix}dns.normalized"
    zones, names = defaultdict(set), defaultdict(set)
    for number in consumer.list_topics(topic).topics[topic].partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number))
        consumer.assign([TopicPartition(topic, number, low)])
        place = consumer.position([TopicPartition(topic, number)])[0].offset
        while place < high:
            message = consumer.poll(1)
            if message is not None:
                assert message.error() is None
                event = ndjson.decode(message.value())
                assert message.key() == event.zone.encode()
                zones[event.zone].add(number)
                names[event.zone, event.name].add(number)
            place = max(place, consumer.position([TopicPartition(topic, number)])[0].offset)
    consumer.close()
    return zones, names


def test_undisturbed(stack):
    sent = recent(labels=LABELS)
    bridge = stack.bridge()
    for payload in requests(sent, 200):
        bridge.send(payload)
    stack.reconcile(sent)
    zones, names = partitions(stack)
    assert {len(found) > 1 for zone, found in zones.items() if zone in HOT} == {True}
    assert {len(found) for zone, found in zones.items() if zone not in HOT} == {1}
    assert {len(found) for found in names.values()} == {1}
    # Everything that was relayed was judged, and each zone has one state.
    assert stack.one("select count(*) from relay") == 0
    assert stack.query("select zone from zone_state order by zone") == [(zone,) for zone in sorted(ZONES)]


def test_workers_are_killed_and_come_and_go(stack):
    rng = random.Random(SEED)
    sent = recent(labels=LABELS)
    steady = stack.bridge(("forward", "correlate", "deliver", "archive"))
    workers = [stack.bridge(STAGES, wait=False) for _ in range(2)]
    payloads = requests(sent, 200)
    for number, payload in enumerate(payloads):
        steady.send(payload)
        if number % (len(payloads) // 4) == 2:
            # Once something was judged, and before all of it.
            stack.wait("some stored", lambda: stack.one("select count(*) from seen_event") > 0)
            gone = workers.pop(0)
            gone.kill() if rng.random() < 0.5 else gone.stop()
            workers.append(stack.bridge(STAGES, wait=False))
    stack.reconcile(sent)
    assert stack.one("select count(*) from relay") == 0


def test_time_passes_in_two_workers_that_have_parts_of_a_zone_each(stack):
    sent = recent(labels=LABELS)
    first = stack.bridge()
    for payload in requests(sent, 200):
        first.send(payload)
    stack.wait("every event stored", lambda: stack.one("select count(*) from seen_event") == len(sent))
    first.stop()
    stack.settle = "0s"
    workers = [stack.bridge(), stack.bridge(STAGES)]
    stack.reconcile(sent)
    assert [worker.process.poll() for worker in workers] == [None, None]
    assert stack.one("select count(*) from bus_offset where heard is not null") == 4

"""Other tools' topics: their records become our events, under the zones of the inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from dns_events import Event, dialects

from tests.stack.bridges import Stack

SAMPLES = Path("packages/dns-events/tests/dialects/samples")


@pytest.fixture
def stack(tmp_path, broker, postgres):
    opened = Stack(tmp_path, broker, postgres, "foreign")
    yield opened
    opened.close()


def messages(dialect):
    (file,) = SAMPLES.glob(f"{dialect}.*")
    data = file.read_bytes()
    return [data] if file.suffix == ".json" else [line for line in data.splitlines() if line.strip()]


def test_each_dialect_is_read_beside_the_raw_topic(stack):
    names = {dialect: f"{stack.prefix}{dialect}" for dialect in dialects.DIALECTS}
    admin = AdminClient({"bootstrap.servers": stack.broker.bootstrap})
    for future in admin.create_topics([NewTopic(topic, 2, 1) for topic in names.values()]).values():
        future.result(20)
    stack.foreign = tuple(
        {"topic": topic, "dialect": dialect, "region": "eu-west", "server": "192.0.2.53"}
        for dialect, topic in names.items()
    )
    producer = Producer({"bootstrap.servers": stack.broker.bootstrap})
    expected = set()
    for dialect, topic in names.items():
        for message in messages(dialect):
            producer.produce(topic, message)
            expected |= {
                item.id
                for item in dialects.read(dialect, message, region="eu-west", server="192.0.2.53")
                if isinstance(item, Event)
            }
        producer.produce(topic, b"\xff not of this dialect")
    assert producer.flush(20) == 0
    assert len(expected) > len(dialects.DIALECTS)
    stack.bridge(("normalize", "judge", "correlate", "deliver", "archive"))
    stack.wait("every record", lambda: stack.one("select count(*) from seen_event") >= len(expected))
    assert {row[0] for row in stack.query("select id::text from seen_event")} == expected
    told = "select count(distinct topic) from deadletter"
    stack.wait("what was none", lambda: stack.one(told) >= len(dialects.DIALECTS))
    letters = stack.query("select topic, reason from deadletter")
    assert {topic for topic, _ in letters} >= set(names.values())
    stack.wait("read to the end", lambda: stack.one("select count(*) from v_server_minute") > 0)
    done = stack.command("deadletter", "retry", "--reason", "zeek", "--json")
    assert done.returncode == 0, done.stderr

"""What a job enriched goes into the archive's queue: each event once, from where the bridge left off."""

from __future__ import annotations

import os

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from dns_events import ndjson
from dns_rules.enrichment import Enriched
from kafka_bridge.kafka.connection import Connection
from kafka_bridge.kafka.enriched import Archiving, begin, end
from kafka_bridge.kafka.settings import Kafka
from kafka_bridge.pipeline import write
from kafka_bridge.store.pool import open_pool

from tests.stack.bridges import recent

PARTITIONS = 2


@pytest.fixture
def pool(postgres):
    name = f"enriched{os.getpid()}"
    with psycopg.connect(postgres.conninfo, autocommit=True) as connection:
        connection.execute(f"drop database if exists {name} with (force)")
        connection.execute(f"create database {name}")
    with open_pool(psycopg.conninfo.make_conninfo(postgres.conninfo, dbname=name), size=3) as opened:
        yield opened


class Topic:
    """A topic of enriched events, and whoever reads it."""

    def __init__(self, broker, pool, name):
        self.name, self.pool = name, pool
        self.connection = Connection(Kafka(brokers=(broker.bootstrap,), group=name))
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(20)
        self._producer = Producer({"bootstrap.servers": broker.bootstrap})

    def send(self, events, garbage=()):
        for value in [*(Enriched(event, ndjson.encode(event), b"{}").encode() for event in events), *garbage]:
            self._producer.produce(self.name, value, value[:8])
        assert self._producer.flush(20) == 0

    def one(self, sql):
        with self.pool.connection() as connection:
            return connection.execute(sql).fetchone()[0]

    def read(self, until):
        """Have a stage read until a count is reached."""
        stage = Archiving(self.connection, self.name, self.pool).start()
        try:
            for _ in range(300):
                if self.one('select sum("offset")::int from bus_offset') >= until:
                    return
                stage.stopping.wait(0.1)
            pytest.fail(f"not read: {stage.trouble}")
        finally:
            stage.stop()

    def queued(self):
        with self.pool.connection() as connection:
            rows = connection.execute("select event from archive_queue order by seq").fetchall()
        return [ndjson.decode(event).id for (event,) in rows]


@pytest.mark.parametrize("before", [False, True], ids=["new", "taken-over"])
def test_each_event_once_from_where_the_bridge_left_off(broker, pool, before):
    """Of events that the bridge has archived, those that the job comes to once more are passed over."""
    topic = Topic(broker, pool, f"enriched{os.getpid()}-{before}")
    events = recent()[:60]
    old, both, new = events[:20], events[20:30], events[30:]
    if before:
        with pool.connection() as connection, connection.cursor() as cursor:
            write.fresh(cursor, [event.id for event in [*old, *both]])
            write.archive(cursor, [Enriched(event, ndjson.encode(event), b"{}") for event in [*old, *both]])
        topic.send([*old, *both])
    for _ in range(2):  # the second finds it settled
        begin(topic.connection, topic.name, pool)
    topic.send([*both, *new, *new[:5]], garbage=[b"{}"])
    sent = 10 + 30 + 5 + 1 + 30 * before
    topic.read(sent)
    assert sorted(topic.queued()) == sorted(event.id for event in (events if before else [*both, *new]))
    assert topic.one("select reason from deadletter").startswith("not an enriched event: ")
    # What was read is not read again, whoever comes next.
    topic.send(old)
    topic.read(sent + 20)
    assert sorted(topic.queued()) == sorted(event.id for event in events)
    end(topic.name, pool)
    assert topic.one("select count(*) from bus_offset") == 0

"""Events of hot zones on their way to the partition in which their zone is judged."""

from __future__ import annotations

import datetime as dt

import pytest
from dns_rules.generate import Span, events
from kafka_bridge.config import load_config
from kafka_bridge.errors import ConfigError
from kafka_bridge.pipeline.relay import Relay
from kafka_bridge.store.columns import CONSUMER

NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC)
NAMES = tuple(f"n{number}.hot.example" for number in range(40))
HOT = events("hot.example", (Span(to="4s", every="4s", names=NAMES),), NOW)
COLD = events("cold.example", (Span(to="4s", every="4s"),), NOW)
RELAY = Relay(("hot.example",), 4)
(HOME,) = (number for number in range(4) if RELAY.is_home(number))
OTHER = (HOME + 1) % 4


def exchange(pool, relay, number, listed):
    """Ids; their order is the judgement's business."""
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        return sorted(event.id for event in relay.exchange(cursor, number, listed, {}))


def ids(listed):
    return sorted(event.id for event in listed)


def heard(pool, number, time):
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        return RELAY.heard(cursor, CONSUMER, number, time)


def test_a_name_has_one_place_and_a_zone_many():
    places = {event.name: RELAY.place(event) for event in HOT}
    assert set(places.values()) == {0, 1, 2, 3}
    assert all(RELAY.place(event) == places[event.name] for event in HOT)
    assert {RELAY.place(event) for event in COLD} == {None}


def test_what_others_judge_gets_there_once(pool):
    assert exchange(pool, RELAY, OTHER, HOT + COLD) == ids(COLD)
    assert exchange(pool, RELAY, (HOME + 2) % 4, []) == []
    assert exchange(pool, RELAY, HOME, COLD) == ids(COLD + HOT)
    assert exchange(pool, RELAY, HOME, []) == []


def test_what_is_on_its_way_follows_its_zone_to_another_home(pool):
    """The number of partitions was changed meanwhile."""
    exchange(pool, RELAY, OTHER, HOT)
    larger = next(
        relay for relay in (Relay(("hot.example",), number) for number in range(5, 20)) if not relay.is_home(HOME)
    )
    assert exchange(pool, larger, HOME, []) == []
    (home,) = (number for number in range(20) if larger.is_home(number))
    assert exchange(pool, larger, home, []) == ids(HOT)


def test_at_home_no_time_passes_before_everybody_has_heard_of_it(pool):
    with pool.connection() as connection:
        connection.execute("delete from bus_offset")
        connection.cursor().executemany(
            "insert into bus_offset (consumer, partition, epoch) values (%s, %s, 1)",
            [(CONSUMER, number) for number in range(4)],
        )
    later = [NOW + dt.timedelta(seconds=number) for number in range(4)]
    assert heard(pool, HOME, later[3]) is None
    for number, time in zip((n for n in range(4) if n != HOME), later, strict=False):
        assert heard(pool, HOME, later[3]) is None
        assert heard(pool, number, time) == time  # it waits for nobody
    assert heard(pool, HOME, later[3]) == later[0]  # the slowest


@pytest.mark.parametrize("zone", ["Hot.Example", "hot..example"])
def test_names_of_hot_zones_are_checked(tmp_path, zone):
    file = tmp_path / "bridge.yaml"
    file.write_text(f"version: 1\nbus: kafka\ninventory: i.yaml\nkafka:\n  brokers: [kafka:9092]\n  hot: [{zone}]\n")
    with pytest.raises(ConfigError, match=r"bridge\.yaml:6:9: "):
        load_config(file)

"""Enrichment in the bridge: of a batch, and from the store after a restart."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from dns_events import Delegation, Probe, Registration, ZoneChange, ndjson, new_id
from dns_rules.generate import Span, events
from dns_rules.inventory import Change, Expectation
from kafka_bridge.pipeline.partition import Batch, Partition
from msgspec import structs
from wire import INVENTORY, RULES, outage

PROBE = Probe(id="eu-1", region="eu-west")
NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def inventory():
    first, *rest = INVENTORY.zones
    window = Change(id="CHG-7", start=NOW - dt.timedelta(hours=1), end=NOW + dt.timedelta(hours=1), allow=("records",))
    expectation = Expectation(name="example.com", type="A", expect=("198.51.100.1",))
    zone = structs.replace(first, dnssec="required", changes=(window,), records=(expectation,))
    return structs.replace(INVENTORY, zones=(zone, *rest))


@pytest.fixture
def enriched(pool, inventory):
    """Commits events on a partition and returns what was published, as JSON objects."""
    told = []
    partition = Partition(pool, inventory, RULES, publish=told.append)

    def run(*listed, anew=False):
        nonlocal partition
        if anew:
            partition = Partition(pool, inventory, RULES, publish=told.append)
        told.clear()
        partition.commit(lambda _cursor, offset: Batch(list(listed), (), offset + 1), lambda _: None)
        return [json.loads(e.encode()) for batch in told for e in batch]

    return run


def delegation(**fields):
    return Delegation(id=new_id(), time=NOW, probe=PROBE, zone="example.com", **fields)


def test_the_inventory_is_joined(enriched):
    found = enriched(*outage(1))
    assert sorted(ndjson.decode(json.dumps(e)).id for e in found) == sorted(event.id for event in outage(1))
    joined = found[0]["enrichment"]
    assert (joined["owner"], joined["owner_name"], joined["criticality"]) == ("web", "Web platform", "critical")
    assert joined["expect"] == ["198.51.100.1"]
    assert joined["window"] == "CHG-7"
    assert joined["dnssec"] == {"wanted": "required", "was_secure": False, "signed": None}
    assert joined["delegation"] is None


@pytest.mark.parametrize("anew", [False, True], ids=["in memory", "after a restart"])
def test_what_was_seen_before_is_joined(enriched, anew):
    enriched(
        delegation(parent_ns=("a.example.net",), ds=("1 13 2 ab",)),
        Registration(id=new_id(), time=NOW, probe=PROBE, zone="example.com", registrar="Example Inc"),
        Registration(id=new_id(), time=NOW, probe=PROBE, zone="example.com", error="429 Too Many Requests"),
        ZoneChange(id=new_id(), time=NOW, probe=PROBE, zone="example.com", actor="alice", serial_from=1, serial_to=2),
    )
    (event, *_) = outage(0.2)
    (found,) = enriched(event, anew=anew)
    joined = found["enrichment"]
    assert joined["delegation"]["parent_ns"] == ["a.example.net"]
    assert joined["registration"]["registrar"] == "Example Inc"
    assert (joined["zone_change"]["actor"], joined["zone_change"]["serial_to"]) == ("alice", 2)
    assert joined["dnssec"]["signed"] is True


def test_propagation_is_what_the_judgement_knows(enriched):
    """Regions that agreed, and then one that gives another answer."""
    start = NOW - dt.timedelta(minutes=5)
    both = (Span(to="3m", every="5s", servers=("192.0.2.53",), role="recursive"), Span(to="3m", every="5s"))
    agreeing = events("example.com", both, start)
    enriched(*agreeing)
    last = structs.replace(agreeing[-1], id=new_id(), time=start + dt.timedelta(minutes=3))
    joined = enriched(last)[0]["enrichment"]["propagation"]
    assert joined["share"] == 1.0
    assert joined["agreed"] is not None
    assert joined["diverged"] is None
    assert joined["old_ttl"] == 30


def test_where_another_engine_judges_nothing_hangs_on_the_judgement(pool, inventory):
    told = []
    partition = Partition(pool, inventory, RULES, publish=told.append, external=True)
    partition.commit(lambda _cursor, offset: Batch(outage(1), (), offset + 1), lambda _: None)
    beside = {e.enrichment for e in told[0]}
    assert {(json.loads(text)["owner"], json.loads(text)["propagation"]) for text in beside} == {("web", None)}

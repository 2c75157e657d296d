"""How a zone is: the share of regions that agree."""

from __future__ import annotations

import pytest
from dns_rules import Inventory, Judgement, Team, Zone, load_rules
from dns_rules.generate import Span, events
from dns_rules.inventory import Expectation

RULES = load_rules()
ZONE = Zone(zone="example.com", owner="web", criticality="critical")
SPLIT = Zone(
    zone="example.com",
    owner="web",
    criticality="critical",
    records=(Expectation(name="example.com", type="A", split=True),),
)
RESOLVER = {"role": "recursive", "servers": ("127.0.0.53",)}
AGREED = Span(to="3m", **RESOLVER)
DIFFERS = (
    Span(from_="3m", to="4m", regions=("eu-west", "us-east"), **RESOLVER),
    Span(from_="3m", to="4m", regions=("ap-south",), data=("203.0.113.9",), **RESOLVER),
)


@pytest.mark.parametrize(
    ("zone", "spans", "agreement"),
    [
        (ZONE, (AGREED,), 1.0),
        (ZONE, (AGREED, *DIFFERS), 0.6667),
        (ZONE, (Span(to="30s", **RESOLVER),), None),
        (ZONE, (Span(to="3m", regions=("eu-west",), **RESOLVER),), None),
        (SPLIT, (AGREED, *DIFFERS), None),
        (ZONE, (Span(to="3m", qtype="SOA", **RESOLVER),), None),
    ],
    ids=["all", "two of three", "not for long enough", "one region", "split by design", "serials"],
)
def test_agreement(zone, spans, agreement):
    judgement = Judgement(Inventory(version=1, teams={"web": Team(name="Web")}, zones=(zone,)), RULES)
    assert judgement.step(events(zone.zone, spans)).health[-1].agreement == agreement

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
    judgement.step(events(zone.zone, spans))
    (health,) = judgement.health([zone.zone])
    assert health.agreement == agreement


def judged(*spans):
    zone = Zone(zone="example.com", owner="web", criticality="critical")
    judgement = Judgement(Inventory(version=1, teams={"web": Team(name="Web")}, zones=(zone,)), load_rules())
    step = judgement.step(events("example.com", spans))
    judgement.step((), judgement.end())
    (health,) = judgement.health([zone.zone])
    return step, health


def test_a_region_whose_probe_is_blind_is_unknown():
    others = Span(to="5m", regions=("ap-south", "eu-west"), reach=("ipv4",))
    _, health = judged(others, Span(to="5m", regions=("us-east",), outcome="timeout", reach=()))
    assert health.regions == {"ap-south": "ok", "eu-west": "ok", "us-east": "unknown"}
    assert health.status == "healthy"


def test_where_all_probes_are_blind_it_may_be_the_zone():
    _, health = judged(Span(to="60s"), Span(from_="60s", to="5m", outcome="timeout", reach=()))
    assert set(health.regions.values()) == {"failing"}
    assert health.status == "unhealthy"


@pytest.mark.parametrize(("reach", "sure"), [(("ipv4",), 0.93), ((), 0.93 * 5 / 6)])
def test_what_is_found_while_a_probe_is_blind_is_less_sure(reach, sure):
    step, _ = judged(
        Span(to="60s", reach=("ipv4",)),
        Span(from_="60s", to="5m", regions=("ap-south", "eu-west"), outcome="servfail", reach=("ipv4",)),
        Span(from_="60s", to="5m", regions=("us-east",), outcome="servfail" if reach else "timeout", reach=reach),
    )
    (finding,) = [f for f in step.findings if f.rule == "zone-outage" and f.state == "active"]
    assert finding.confidence == pytest.approx(sure, abs=0.02)
    assert ("; blind meanwhile: us-east-1" in finding.what) == (not reach)

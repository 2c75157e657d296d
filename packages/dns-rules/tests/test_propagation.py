"""The cache-aware verdict of each vantage."""

from __future__ import annotations

import datetime as dt

import pytest
from dns_rules import Inventory, Judgement, Team, Zone, load_rules, spread_of
from dns_rules.generate import EPOCH, Span, events
from dns_rules.inventory import Expectation

RULES = load_rules()
OLD, NEW, OTHER = ("198.51.100.1",), ("203.0.113.9",), ("192.0.2.66",)
ZONE = Zone(zone="example.com", owner="web", criticality="critical")


def resolver(region, *spans):
    """What the resolver of a region gives: ``(from, to, data or outcome, ttl)`` each."""
    for begin, end, said, ttl in spans:
        fields = {"data": said} if isinstance(said, tuple) else {"outcome": said}
        yield Span(from_=begin, to=end, role="recursive", servers=("127.0.0.53",), regions=(region,), ttl=ttl, **fields)


def judged(*spans, zone=ZONE, until="15m"):
    judgement = Judgement(Inventory(version=1, teams={"web": Team(name="Web")}, zones=(zone,)), RULES)
    happened = [e for e in events(zone.zone, spans) if e.time < EPOCH + dt.timedelta(minutes=int(until[:-1]))]
    judgement.step(happened)
    return spread_of(judgement.state(zone.zone), f"{zone.zone}/A")


#: The authority changes OLD to NEW after five minutes; its TTL is five minutes.
CHANGE = (Span(to="5m", ttl=300), Span(from_="5m", to="30m", data=NEW, ttl=300))
STEADY = (Span(to="30m", ttl=300),)
FOLLOWS = tuple(resolver("eu-west", ("0s", "5m", OLD, 300), ("5m", "30m", NEW, 300)))
STAYS = tuple(resolver("eu-west", ("0s", "30m", OLD, 300)))


@pytest.mark.parametrize(
    ("published", "others", "ours", "until", "verdict"),
    [
        (CHANGE, FOLLOWS, [("0s", "30m", OLD, 300)], "9m", "in_window"),
        (CHANGE, FOLLOWS, [("0s", "30m", OLD, 300)], "12m", "overdue"),
        (CHANGE, FOLLOWS, [("0s", "10m", OLD, 300), ("10m", "30m", OLD, 30)], "13m", "stale_served"),
        (CHANGE, FOLLOWS, [("0s", "9m", OLD, 300), ("9m", "30m", NEW, 300)], "9m", "in_window"),
        (STEADY, STAYS, [("0s", "8m", OLD, 300), ("8m", "30m", OTHER, 300)], "9m", "rogue"),
        (STEADY, STAYS, [("0s", "8m", OLD, 300), ("8m", "30m", "nxdomain", 0)], "9m", "rogue"),
        ((), STAYS, [("0s", "8m", OLD, 300), ("8m", "30m", "nxdomain", 0)], "12m", "in_window"),
    ],
    ids=[
        "the old answer within its TTL",
        "the old answer later",
        "the old answer with the TTL of stale answers",
        "a moment before it follows",
        "an answer that was never published",
        "a denial that was never published",
        "a denial where nobody knows what was published",
    ],
)
def test_of_a_region(published, others, ours, until, verdict):
    spread = judged(*published, *others, *resolver("ap-south", *ours), until=until)
    assert spread.regions["ap-south"].verdict == verdict


def test_a_region_that_follows_is_current_and_the_rest_have_a_time():
    spread = judged(*CHANGE, *FOLLOWS, *resolver("ap-south", ("0s", "30m", OLD, 300)), until="9m")
    assert spread.regions["eu-west"].verdict == "current"
    assert spread.data == NEW
    minutes = (spread.converges / 1e6 - EPOCH.timestamp()) / 60
    assert 10 <= minutes <= 11


def test_the_window_goes_on_while_a_server_gives_the_old_answer():
    lagging = Span(from_="5m", to="30m", servers=("192.0.2.3",), ttl=300)
    ours = tuple(resolver("ap-south", ("0s", "30m", OLD, 300)))
    spread = judged(*CHANGE, lagging, *FOLLOWS, *ours, until="14m")
    assert spread.regions["ap-south"].verdict == "in_window"
    assert set(spread.lagging) == {"192.0.2.3"}
    assert spread.servers == 3


def test_a_ttl_that_was_cut_long_before_shortens_the_window():
    """A day's TTL, cut to five minutes; the change comes when the day has passed."""
    published = (
        Span(to="30m", every="5m", ttl=3600),
        Span(from_="30m", to="95m", every="1m", ttl=300),
        Span(from_="95m", to="120m", every="1m", data=NEW, ttl=300),
    )
    eu = tuple(resolver("eu-west", ("0s", "95m", OLD, 300), ("95m", "120m", NEW, 300)))
    ours = tuple(resolver("ap-south", ("0s", "120m", OLD, 300)))
    assert judged(*published, *eu, *ours, until="99m").regions["ap-south"].verdict == "in_window"
    assert judged(*published, *eu, *ours, until="103m").regions["ap-south"].verdict == "overdue"


def test_what_differs_by_design_is_split():
    zone = Zone(zone="example.com", owner="web", records=(Expectation(name="example.com", type="A", split=True),))
    spread = judged(*STEADY, *STAYS, *resolver("ap-south", ("0s", "30m", OTHER, 300)), zone=zone)
    assert spread.regions["ap-south"].verdict == "split"


def test_one_answer_from_everywhere_is_no_spread():
    assert judged(*STEADY, *STAYS, *resolver("ap-south", ("0s", "30m", OLD, 300))) is None

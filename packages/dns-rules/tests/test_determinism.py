"""The same events give the same findings and incidents: in any order, in any batches, over restarts."""

from __future__ import annotations

import datetime as dt
import random
import sys
from collections import Counter
from functools import cache

import msgspec
import pytest
from dns_rules import Engine, Inventory, Rules, StateError, Team, Zone, load_rules
from dns_rules.generate import Span, events
from dns_rules.inventory import Expectation
from dns_rules.museum import recordings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RULES = load_rules()
ZONES = ("example.com", "example.net", "example.org")
INVENTORY = Inventory(
    version=1,
    teams={"web": Team(name="Web")},
    zones=tuple(
        Zone(
            zone=zone,
            owner="web",
            criticality="critical",
            dnssec="required",
            nameservers=("ns1.example.com",),
            records=(Expectation(name=zone, type="A", expect="any"),),
        )
        for zone in ZONES
    ),
)
RESOLVERS = {"role": "recursive", "servers": ("127.0.0.53",)}
TIMELINES = {
    "example.com": (
        Span(to="60s", dnssec="secure"),
        Span(from_="60s", to="150s", outcome="timeout"),
        Span(from_="150s", to="260s", dnssec="secure"),
        Span(to="260s", **RESOLVERS),
    ),
    "example.net": (
        Span(to="60s", dnssec="secure"),
        Span(from_="60s", to="200s", dnssec="bogus", cause="ds_mismatch"),
        Span(to="100s", **RESOLVERS),
        Span(from_="100s", to="200s", outcome="servfail", **RESOLVERS),
        Span(event="delegation", to="60s", every="20s", parent_ns=("ns1.example.com",)),
        Span(event="delegation", from_="60s", to="200s", every="20s", parent_ns=("ns9.rogue.net",)),
    ),
    "example.org": (
        Span(to="260s", dnssec="secure"),
        Span(from_="90s", to="260s", outcome="nodata"),
    ),
}
RECORDING = sorted(
    (event for zone, spans in TIMELINES.items() for event in events(zone, spans)),
    key=lambda e: (e.time, e.id),
)


def transcript(*steps):
    """Findings by zone in their order, and every state of every incident: as bytes."""
    findings = [f for step in steps for f in step.findings]
    incidents = [i for step in steps for i in step.incidents]
    return msgspec.json.encode(
        (
            sorted(findings, key=lambda f: (f.zone, f.time, f.rule, f.key)),
            sorted(incidents, key=lambda i: (i.zone, i.id, i.updated, i.state, i.title, i.findings)),
        )
    )


def in_one_go(recording):
    engine = Engine(INVENTORY, RULES)
    return transcript(engine.step(recording), engine.finish())


def one_by_one(recording):
    engine = Engine(INVENTORY, RULES)
    return transcript(*[engine.step((event,)) for event in recording], engine.finish())


REFERENCE = one_by_one(RECORDING)


def test_the_recording_has_something_to_find():
    assert REFERENCE.count(b'"firing"') >= 3


def test_one_go_and_one_by_one():
    assert in_one_go(RECORDING) == REFERENCE


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_any_order_within_the_lateness(seed):
    rng = random.Random(seed)
    slack = RULES.lateness
    shuffled = sorted(RECORDING, key=lambda e: e.time + dt.timedelta(seconds=rng.uniform(0, slack)))
    assert shuffled != RECORDING
    assert one_by_one(shuffled) == REFERENCE


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_twice_the_same_event_counts_once(seed):
    rng = random.Random(seed)
    doubled = [event for event in RECORDING for _ in range(rng.choice((1, 1, 2)))]
    assert one_by_one(doubled) == REFERENCE


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(1, len(RECORDING) - 1), min_size=1, max_size=4, unique=True))
def test_a_restart_anywhere_changes_nothing(cuts):
    engine = Engine(INVENTORY, RULES)
    steps = []
    for number, event in enumerate(RECORDING):
        if number in cuts:
            after = Engine(INVENTORY, RULES)
            for zone in ZONES:
                try:
                    after.judgement.load(zone, engine.judgement.dump(zone))
                except KeyError:
                    continue
            after.correlation.load(engine.correlation.dump())
            engine = after
        steps.append(engine.step((event,)))
    assert transcript(*steps, engine.finish()) == REFERENCE


SELDOM = sorted(
    (
        event
        for zone, outcome in zip(ZONES, ("timeout", "answer", "nodata"), strict=True)
        for event in events(
            zone,
            (Span(to="9m", every="100s"), Span(from_="9m", to="15m", every="20s", outcome=outcome),
             Span(from_="15m", to="40m", every="100s")),
        )
    ),
    key=lambda event: (event.time, event.id),
)  # fmt: skip


@cache
def stepped(cuts=frozenset()):
    """Batches of a second, a tick every five; at the cuts, what was written is loaded. Also how often each part was."""
    engine, written, steps, writes, at = Engine(INVENTORY, RULES), {}, [], Counter(), 0
    now = ticked = SELDOM[0].time
    for number in range(2600):
        now += dt.timedelta(seconds=1)
        if number in cuts:
            after = Engine(INVENTORY, RULES)
            for zone, parts in written.items():
                after.judgement.load(zone, parts["rest"], parts["blocks"], parts["opened"])
            after.judgement.resume(ticked)
            for zone in written:
                assert after.judgement.state(zone) == engine.judgement.state(zone)
            after.correlation.load(engine.correlation.dump())
            engine = after
        until = at
        while until < len(SELDOM) and SELDOM[until].time <= now:
            until += 1
        ticks = number % 5 == 0
        ticked = now if ticks else ticked
        step = engine.step(SELDOM[at:until], now if ticks else None)
        at = until
        steps.append(step)
        for zone in step.zones:
            parts = engine.judgement.save(zone)._asdict()
            changed = {part: data for part, data in parts.items() if data is not None}
            written[zone] = written.get(zone, {}) | changed
            writes.update(list(changed))
    return transcript(*steps, engine.finish()), writes


def test_zones_at_rest_are_not_written_as_time_passes():
    told, writes = stepped()
    assert b"zone-outage" in told
    assert writes["opened"] - len(SELDOM) < len(ZONES) * 520 / 2
    assert writes["rest"] < len(ZONES) * 520 / 2


def test_what_changes_seldom_is_written_seldom():
    """A block is whole once in two minutes, and one is dropped as often; events alone bring neither it nor the rest."""
    _, writes = stepped()
    assert writes["blocks"] <= len(ZONES) * 40
    assert writes["blocks"] < writes["rest"] / 4
    assert writes["rest"] < 0.75 * writes["opened"]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.integers(10, 2599), min_size=1, max_size=6))
def test_a_restart_from_what_was_written_changes_nothing(cuts):
    assert stepped(frozenset(cuts))[0] == stepped()[0]


def test_ticks_bring_what_silence_would_hide():
    engine = Engine(INVENTORY, RULES)
    quiet = [event for event in RECORDING if event.time < RECORDING[0].time + dt.timedelta(seconds=120)]
    steps = [engine.step(quiet)]
    end = quiet[-1].time
    steps += [engine.step((), end + dt.timedelta(seconds=s)) for s in range(1, 40)]
    assert any(f.rule == "zone-outage" for step in steps for f in step.findings)


def test_zones_that_are_not_ours_are_passed_over():
    engine = Engine(INVENTORY, RULES)
    step = engine.step(events("elsewhere.test", (Span(to="2m"),)))
    assert (step.findings, step.zones) == ((), frozenset())


def test_state_stays_bounded():
    engine = Engine(INVENTORY, RULES)
    sizes = []
    for hour in range(3):
        start = RECORDING[0].time + dt.timedelta(hours=hour)
        engine.step(events("example.com", (Span(to="20m", every="5s"),), start))
        sizes.append(len(engine.judgement.dump("example.com")))
    assert sizes[2] <= sizes[0] * 1.1


def test_an_event_that_is_too_late_is_counted_and_changes_nothing():
    engine = Engine(INVENTORY, RULES)
    engine.step(RECORDING)
    findings = engine.step((RECORDING[0],)).findings
    assert findings == ()
    assert b"late" in engine.judgement.dump(RECORDING[0].zone)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x81\xa7version\x09", b"\xff" * 50])
def test_damaged_state_is_refused(data):
    with pytest.raises(StateError):
        Engine(INVENTORY, RULES).judgement.load("example.com", data)
    with pytest.raises(StateError):
        Engine(INVENTORY, RULES).correlation.load(data)


def test_the_pace_is_data():
    quick = Rules(rules=RULES.rules, step=1.0, lateness=2.0)
    engine = Engine(INVENTORY, quick)
    assert engine.step(RECORDING).findings


#: Seldom asked, so that much is due in between: a registration, a probe that has gone, an old answer in caches.
SPARSE = {
    "example.com": (
        Span(to="3h", every="400s", ttl=300),
        Span(from_="3h", to="200m", outcome="timeout"),
        Span(from_="200m", to="6h", every="400s", data=("192.0.2.9",)),
        Span(to="200m", every="500s", **RESOLVERS),
        Span(from_="200m", to="6h", every="500s", data=("192.0.2.9",), regions=("eu-west", "us-east"), **RESOLVERS),
        Span(from_="200m", to="6h", every="500s", regions=("ap-south",), **RESOLVERS),
        Span(event="registration", to="6h", every="1h", expires="506.1h"),
    ),
    "example.net": (
        Span(to="6h", every="400s", regions=("eu-west", "us-east")),
        Span(to="2h", every="400s", regions=("ap-south",)),
    ),
    "example.org": (
        Span(to="6h", every="400s", regions=("eu-west", "us-east")),
        Span(to="2h", every="400s", regions=("ap-south",)),
        Span(event="delegation", from_="3h", to="4h", every="60s", parent_ns=("ns1.example.com",)),
    ),
}


def recordings_of_both_kinds():
    yield (
        "sparse",
        INVENTORY,
        sorted(
            (event for zone, spans in SPARSE.items() for event in events(zone, spans)), key=lambda e: (e.time, e.id)
        ),
    )
    for _, recording in recordings():
        yield recording.id, recording.inventory, recording.events()


@pytest.mark.parametrize(("inventory", "listed"), [
    pytest.param(inventory, listed, id=id_) for id_, inventory, listed in recordings_of_both_kinds()
])  # fmt: skip
def test_steps_that_are_passed_over_would_have_said_nothing(inventory, listed):
    assert Engine(inventory, RULES).run(listed) == unhurried(inventory, listed)


def unhurried(inventory, listed):
    """What comes of it where each rule is asked at each step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["dns_rules.judge"], "_due", lambda state, _zone, _memory: state.sealed)
        return Engine(inventory, RULES).run(listed)


FAILURES = st.lists(
    st.tuples(
        st.sampled_from(ZONES),
        st.integers(0, 100),
        st.integers(1, 12),
        st.sampled_from(("7s", "40s", "130s")),
        st.sampled_from(("timeout", "servfail", "refused", "nodata")),
        st.sampled_from((("eu-west",), ("ap-south", "us-east"), ("ap-south", "eu-west", "us-east"))),
    ),
    min_size=1,
    max_size=8,
)


@given(failures=FAILURES, every=st.sampled_from(("20s", "75s", "300s")))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_so_would_those_between_failures_that_are_not_enough_for_a_finding(failures, every):
    listed = [event for zone in ZONES for event in events(zone, (Span(to="110m", every=every),))]
    for number, (zone, begin, minutes, pace, outcome, regions) in enumerate(failures, 1):
        span = Span(from_=f"{begin}m", to=f"{begin + minutes}m", every=pace, outcome=outcome, regions=regions)
        listed += events(zone, (span,), number=10_000 * number)
    listed.sort(key=lambda event: (event.time, event.id))
    assert Engine(INVENTORY, RULES).run(listed) == unhurried(INVENTORY, listed)

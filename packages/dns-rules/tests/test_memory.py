"""What is remembered beside a state changes nothing that is said or saved."""

from __future__ import annotations

import copy
import datetime as dt
from pathlib import Path

import msgspec
import pytest
from dns_events import Observation, new_id
from dns_rules import Engine, Inventory, Rules, StateError, Team, Zone, load_rules
from dns_rules.generate import Span, events
from dns_rules.intake import take
from dns_rules.inventory import Change, Expectation, Lock
from dns_rules.memory import Memory, recall
from dns_rules.plans import Plans
from dns_rules.routes import MOST, Routes
from dns_rules.state import Bucket, Tally, ZoneState, decode, encode
from dns_rules.window import Window
from hypothesis import given
from hypothesis import strategies as st

RULES = load_rules()
OUTAGE = RULES.rule("zone-outage")
ZONE = Zone(
    zone="example.com",
    owner="web",
    criticality="critical",
    records=(
        Expectation(name="example.com", type="A", expect="any"),
        Expectation(name="www.example.com", type="A", expect=("198.51.100.1",)),
        Expectation(name="example.com", type="MX", expect=("10 mail.example.com.",)),
    ),
    ttl_minimum=25,
    registration=Lock(lock="required", registrar="Good Names"),
)
LOCKED = "client transfer prohibited"
#: Rules that would need another recording: more servers, or a day of traffic.
SILENT = {
    "authoritative-server-failing", "zone-not-resolving", "nxdomain-spike", "servfail-spike", "probe-silent",
    "answers-slow", "resolver-failing", "probe-blind", "answers-rogue", "server-lagging", "server-without-data",
    "ipv6-failing", "tcp-failing", "delegation-lame", "nameserver-dangling", "alias-dangling", "delegation-mismatch",
    "glue-stale", "expire-outlives-signatures", "region-outage", "zone-unobserved",
    "errors-elevated", "name-errors-elevated", "traffic-surge", "traffic-drop", "queries-concentrated",
}  # fmt: skip
#: A zone in whose recording every rule has something to say.
RECORDING = events(
    ZONE.zone,
    (
        Span(to="60s", dnssec="secure"),
        Span(from_="60s", to="140s", dnssec="bogus", cause="ds_mismatch"),
        Span(from_="140s", to="230s", outcome="timeout"),
        Span(from_="230s", to="300s", outcome="nodata"),
        Span(to="300s", regions=("sa-east",), names=("sa.example.com",), outcome="timeout", skew=60),
        Span(to="150s", role="recursive", servers=("127.0.0.53",)),
        Span(from_="150s", to="230s", role="recursive", servers=("127.0.0.53",), regions=("eu-west",)),
        Span(from_="150s", to="230s", role="recursive", servers=("127.0.0.54",), data=("203.0.113.9",)),
        Span(
            event="delegation",
            to="100s",
            every="20s",
            parent_ns=("ns1.example.com",),
            ds=("12345 13 2 AB",),
            dnskey=("257 3 13 12345",),
            ttls={"ds": 120, "dnskey": 60},
        ),
        Span(event="delegation", from_="100s", to="300s", every="20s", parent_ns=("ns9.rogue.net",), ds=(), dnskey=()),
        Span(event="delegation", from_="210s", to="300s", every="20s", signatures="1h"),
        Span(event="registration", to="60s", every="30s", statuses=(LOCKED,), registrar="Good Names", expires="90d"),
        Span(event="registration", from_="60s", to="300s", every="30s", statuses=(), registrar="Cheap Names"),
        Span(event="registration", from_="220s", to="300s", every="30s", expires="2d"),
        Span(to="80s", every="20s", names=("www.example.com",)),
        Span(from_="80s", to="140s", every="20s", names=("www.example.com",), data=("203.0.113.9",), ttl=5),
        Span(to="90s", every="20s", qtype="MX", data=("10 mail.example.com",)),
        Span(from_="90s", to="140s", every="20s", qtype="MX", data=("5 mail.rogue.net",)),
    ),
)


def inventory(zone=ZONE):
    return Inventory(version=1, teams={"web": Team(name="Web")}, zones=(zone,))


def told(engine, step):
    health = tuple(engine.judgement.health(step.evaluated))
    return msgspec.json.encode((step.findings, health, step.incidents))


def restarted(engine):
    """The engine as it is after a restart: with what is saved, and nothing beside."""
    other = Engine(engine.judgement.inventory, engine.judgement.rules)
    if ZONE.zone in engine.judgement:
        other.judgement.load(ZONE.zone, engine.judgement.dump(ZONE.zone))
    other.correlation.load(engine.correlation.dump())
    return other


FEWER = Rules(rules=tuple(rule for rule in RULES.rules if rule.id != "zone-outage"))
REPLACED = {
    "nothing": {},
    "the pack, there and back": {100: (ZONE, FEWER), 140: (ZONE, RULES)},
    "the criticality": {90: (msgspec.structs.replace(ZONE, criticality="normal"), RULES), 150: (ZONE, RULES)},
    "what is expected": {80: (msgspec.structs.replace(ZONE, records=()), RULES)},
    "the change windows": {
        130: (
            msgspec.structs.replace(
                ZONE, changes=(Change(id="all-day", schedule="FREQ=DAILY", duration="24h", allow=("ns",)),)
            ),
            RULES,
        )
    },
}


@pytest.mark.parametrize("replaced", REPLACED.values(), ids=REPLACED)
def test_with_and_without_memory(replaced):
    kept, fresh = Engine(inventory(), RULES), Engine(inventory(), RULES)
    for number, event in enumerate(RECORDING):
        if number in replaced:
            zone, rules = replaced[number]
            for part in (kept.judgement, kept.correlation, fresh.judgement, fresh.correlation):
                part.inventory, part.rules = inventory(zone), rules
        fresh = restarted(fresh)
        assert told(kept, kept.step((event,))) == told(fresh, fresh.step((event,)))
    assert told(kept, kept.finish()) == told(fresh, fresh.finish())


def test_with_and_without_memory_where_questions_are_refused(monkeypatch):
    monkeypatch.setattr("dns_rules.intake.MAX_QUESTIONS", 2)
    names = tuple(f"n{number}.example.com" for number in range(4))
    kept, fresh = Engine(inventory(), RULES), Engine(inventory(), RULES)
    spans = (
        Span(to="30s", names=names[:2]),
        Span(from_="30s", to="34s", every="4s", names=names),
        Span(from_="40s", to="80s"),
    )
    for event in events(ZONE.zone, spans):
        fresh = restarted(fresh)
        assert told(kept, kept.step((event,))) == told(fresh, fresh.step((event,)))
        states = [engine.judgement.state(ZONE.zone) for engine in (kept, fresh)]
        assert states[0] == states[1]
    assert states[0].refused


def test_the_recording_has_something_for_every_rule():
    engine = Engine(inventory(), RULES)
    found = {f.rule for step in (engine.step(RECORDING), engine.finish()) for f in step.findings}
    assert found >= {rule.id for rule in RULES.rules} - SILENT


def test_what_is_packed_once_is_what_is_packed_whole():
    engine = Engine(inventory(), RULES)
    for event in RECORDING:
        engine.step((event,))
        state = engine.judgement.state(ZONE.zone)
        dumped = engine.judgement.dump(ZONE.zone)
        assert decode(dumped, ZoneState) == state
        anew = copy.copy(state)
        vars(anew).clear()  # of what was packed before
        assert dumped == encode(anew)


def test_a_damaged_state_is_no_state():
    engine = Engine(inventory(), RULES)
    engine.step(RECORDING)
    dumped = engine.judgement.dump(ZONE.zone)
    packed = msgspec.msgpack.decode(dumped)["packed"]
    assert packed
    for damaged in (
        dumped[:-1],
        dumped.replace(packed[3], bytes(len(packed[3]))),
        msgspec.msgpack.encode({"version": 3}),
    ):
        with pytest.raises(StateError):
            decode(damaged, ZoneState)


@pytest.mark.parametrize("version", [1, 2])
def test_a_state_that_an_older_version_saved_goes_on(version):
    saved = (Path(__file__).parent / "data" / f"zone-state-{version}.msgpack").read_bytes()
    state = decode(saved, ZoneState)
    assert (state.zone, len(state.ring), len(state.open)) == ("example.net", 20, 3)
    # The ids of open buckets are a set, of which the order means nothing.
    assert decode(encode(state), ZoneState) == state
    engine = Engine(
        inventory(msgspec.structs.replace(ZONE, zone="example.net", nameservers=("ns1.example.com",))), RULES
    )
    engine.judgement.load("example.net", saved)
    assert state.active
    # Its open buckets are judged; what was wrong before is not over.
    step = engine.step((), engine.judgement.end() + dt.timedelta(minutes=10))
    assert "zone-not-resolving" in {finding.rule for finding in step.findings}
    assert engine.judgement.state("example.net").active.keys() > state.active.keys()


REGIONS = ("ap", "eu", "us")
buckets = st.lists(
    st.dictionaries(
        st.sampled_from(("192.0.2.1", "192.0.2.2")),
        st.dictionaries(
            st.sampled_from([f"{region}\tprobe\t192.0.2.1" for region in REGIONS]),
            st.dictionaries(st.sampled_from(("timeout", "refused")), st.integers(1, 3), max_size=2),
            min_size=1,
        ),
    ),
    min_size=4,
    max_size=20,
)


def tallies(bucket, slot):
    return {
        key: {
            vantage: Tally(
                total=1 + sum(why.values()), failing=sum(why.values()), why=why, evidence=(slot, f"{slot}{vantage}")
            )
            for vantage, why in vantages.items()
        }
        for key, vantages in bucket.items()
    }


def shown(window):
    places = {
        key: (p.total, p.failing, p.tallies, p.regions, p.servers, p.why) for key, p in sorted(window.places.items())
    }
    return window.failing, places


def newest(state, after):
    """The evidence as it stands in the ring."""
    failed = [
        tally.evidence
        for slot, sealed in state.ring
        for vantages in sealed[OUTAGE.id].values()
        for seen_from, tally in vantages.items()
        if slot >= after and tally.failing and seen_from.split("\t")[0] in state.reached
    ]
    return tuple(id_ for _, id_ in sorted(set(failed), reverse=True)[:5])


@given(buckets, st.integers(1, 5), st.lists(st.integers(0, 5), max_size=3), st.sets(st.integers(0, 20)))
def test_running_sums_are_the_sums(listed, length, reached_at, skipped):
    state = ZoneState(version=1, zone="example.com", started=0, sealed=0, watermark=0)
    running = Window(OUTAGE, state)
    for slot, bucket in enumerate(listed):
        state.ring.append((slot, {OUTAGE.id: tallies(bucket, slot)}))
        state.ring = [entry for entry in state.ring if entry[0] >= slot - length]
        for number, when in enumerate(reached_at):
            if when == slot:
                state.reached = sorted({*state.reached, REGIONS[number]})
        if slot in skipped:
            continue  # nobody asked
        running.advance(state, slot - length)
        anew = Window(OUTAGE, state)
        anew.advance(state, slot - length)
        assert shown(running) == shown(anew)
        assert running.evidence(running.places.values(), 5) == newest(state, slot - length)
        # All of the window, counted another way.
        assert running.since(state, slot - length) == {k: (p.total, p.failing) for k, p in running.places.items()}


def test_a_window_forgets_what_has_left_it():
    state = ZoneState(version=1, zone="example.com", started=0, sealed=0, watermark=0, reached=["eu"])
    window = Window(OUTAGE, state)
    state.ring.append((0, {OUTAGE.id: tallies({"192.0.2.1": {"eu\tprobe\t192.0.2.1": {"timeout": 2}}}, 0)}))
    window.advance(state, 0)
    assert (window.failing, list(window.places)) == (2, ["192.0.2.1"])
    window.advance(state, 1)
    assert (window.failing, window.places) == (0, {})


def test_routes_are_bounded():
    routes = Routes(ZONE, RULES, Plans(ZONE))
    event = next(event for event in RECORDING if isinstance(event, Observation))
    for number in range(MOST + 10):
        name = f"n{number}.example.com"
        assert routes.of(msgspec.structs.replace(event, name=name)).question == f"{name}/A"
    assert len(routes._known) <= MOST


def test_what_buckets_share_is_never_added_to():
    state = ZoneState(version=1, zone="example.com", started=0, sealed=0, watermark=0)
    routes = Routes(ZONE, RULES, Plans(ZONE))
    first = next(event for event in RECORDING if isinstance(event, Observation) and routes.of(event).well)
    second = msgspec.structs.replace(first, id=new_id())
    one, two = Bucket(), Bucket()
    take(state, one, first, 1, routes)
    take(state, two, first, 1, routes)
    assert one.tallies is two.tallies
    take(state, two, second, 2, routes)
    totals = [
        {tally.total for keys in bucket.tallies.values() for vantages in keys.values() for tally in vantages.values()}
        for bucket in (one, two)
    ]
    assert totals == [{1}, {2}]


def test_a_memory_is_of_one_entry_and_one_pack():
    state = ZoneState(version=1, zone="example.com", started=0, sealed=0, watermark=0, open={0: Bucket()})
    first = recall(state, ZONE, RULES)
    assert isinstance(first, Memory)
    assert recall(state, ZONE, RULES) is first
    assert recall(state, msgspec.structs.replace(ZONE), RULES) is not first


def test_of_two_entries_for_one_question_the_first_counts():
    zone = Zone(
        zone="example.com",
        records=(
            Expectation(name="example.com", type="A", expect="any"),
            Expectation(name="example.com", type="A", split=True),
        ),
    )
    assert zone.expectation("example.com", "A") is zone.records[0]
    assert zone.expectation("example.com", "AAAA") is None

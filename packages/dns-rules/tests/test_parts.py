"""A zone's state in parts: together they are the state, and each is new only where something of it changed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from dns_rules import Engine, Inventory, Team, Zone, load_rules
from dns_rules.errors import StateError
from dns_rules.generate import Span, events
from dns_rules.museum import recordings
from dns_rules.parts import restore
from dns_rules.state import BLOCK, ZoneState, decode, moment

RULES = load_rules()
ZONE = "example.com"
INVENTORY = Inventory(version=1, teams={"web": Team(name="Web")}, zones=(Zone(zone=ZONE, owner="web"),))
SPANS = (Span(to="6m", every="7s"), Span(from_="6m", to="9m", every="7s", outcome="timeout"))
#: In a step of its own, past the last block's end.
RECORDING = tuple(events(ZONE, SPANS, moment(100 * BLOCK)))


def judged(listed=RECORDING):
    engine = Engine(INVENTORY, RULES)
    engine.step(listed)
    return engine


def parts_of(engine):
    opened, rest, blocks = engine.judgement.save(ZONE)
    return rest, blocks, opened


def test_together_they_are_the_state():
    engine = Engine(INVENTORY, RULES)
    written = [None, None, None]
    for event in RECORDING:
        engine.step((event,))
        written = [new if new is not None else old for new, old in zip(parts_of(engine), written, strict=True)]
        assert restore(*written) == engine.judgement.state(ZONE)
    # Byte for byte, too: what is worked out of it has nothing else to go by.
    other = Engine(INVENTORY, RULES)
    other.judgement.load(ZONE, *written)
    assert decode(other.judgement.dump(ZONE), ZoneState) == decode(engine.judgement.dump(ZONE), ZoneState)


@pytest.mark.parametrize("name", ["nytimes-2013", "perl-2021", "fox-it-2017"])
def test_whatever_the_events_are(name):
    """Delegations, registrations, edits: between two ends of a step nothing but `Opened` changes."""
    ((_, recording),) = recordings(only=(name,))
    inventory = Inventory(version=1, teams=recording.teams, observers="tower", zones=recording.zones)
    engine, written = Engine(inventory, RULES), {}
    for number, event in enumerate(recording.events()):
        for zone in engine.step((event,)).zones:
            changed = engine.judgement.save(zone)._asdict()
            written[zone] = written.get(zone, {}) | {part: data for part, data in changed.items() if data is not None}
            if number % 5 == 0:
                assert restore(**written[zone]) == engine.judgement.state(zone)
    assert len(written) >= 1


def test_what_is_saved_twice_is_what_events_bring_alone():
    engine = judged()
    assert None not in parts_of(engine)
    rest, blocks, opened = parts_of(engine)
    assert (rest, blocks) == (None, None)
    assert len(opened) < len(engine.judgement.dump(ZONE)) / 2


def test_a_step_that_ends_brings_the_rest_and_a_block_that_is_whole_the_blocks():
    engine = judged()
    parts_of(engine)
    end = engine.judgement.end()
    # What fails is asked after in each step.
    engine.step((), end)
    rest, blocks, _ = parts_of(engine)
    assert (rest is None, blocks) == (False, None)
    more = [msgspec.structs.replace(event, time=event.time + dt.timedelta(minutes=9)) for event in RECORDING]
    engine.step(more[: len(more) // 2])
    assert None not in parts_of(engine)


def test_after_a_restart_all_of_it_is_saved_once():
    engine = judged()
    other = Engine(INVENTORY, RULES)
    other.judgement.load(ZONE, *parts_of(engine))
    assert None not in parts_of(other)


@pytest.mark.parametrize("version", [1, 2])
def test_a_state_that_was_saved_whole_goes_on_in_parts(version):
    saved = (Path(__file__).parent / "data" / f"zone-state-{version}.msgpack").read_bytes()
    engine = Engine(INVENTORY, RULES)
    engine.judgement.load("example.net", saved)
    opened, rest, blocks = engine.judgement.save("example.net")
    assert restore(rest, blocks, opened) == decode(saved, ZoneState)


def damaged(rest, blocks, opened):
    return {
        "a rest cut short": (rest[:-1], blocks, opened),
        "blocks cut short": (rest, blocks[:-1], opened),
        "a block of nothing": (rest, msgspec.msgpack.encode([b"x"]), opened),
        "no part that events bring": (rest, blocks, b""),
        "another's part": (rest, blocks, msgspec.msgpack.encode({"started": 1})),
        "a rest alone": (rest, None, None),
        "a rest without blocks": (rest, None, opened),
        "a whole state with parts": (judged().judgement.dump(ZONE), blocks, opened),
    }


@pytest.mark.parametrize("case", damaged(b"", b"", b""))
def test_what_is_no_state(case):
    with pytest.raises(StateError, match="saved state"):
        restore(*damaged(*parts_of(judged()))[case])

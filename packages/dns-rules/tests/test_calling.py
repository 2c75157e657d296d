"""Whom an incident calls, and when."""

from __future__ import annotations

import datetime as dt

import pytest
from dns_rules import (
    Acknowledgement,
    Correlation,
    CorrelationState,
    Finding,
    Inventory,
    Offender,
    Silence,
    Team,
    Tick,
    Zone,
    correlate,
    load_rules,
)
from dns_rules.inventory import Escalation, Hours
from dns_rules.state import decode, encode
from msgspec import structs

RULES = load_rules()
#: A Monday, 10:00 in UTC.
START = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
POLICY = (Escalation(after="15m", to="lead"), Escalation(after="1h", to="board", severity="critical"))
MINUTE, HOUR, DAY = 60, 3600, 86_400


def estate(*, criticality="critical", zones=("example.com",), **team):
    return Inventory(
        version=1,
        teams={
            "web": Team(name="Web", **({"escalate": POLICY} | team)),
            **{key: Team(name=key) for key in ("lead", "board", "night")},
        },
        zones=tuple(Zone(zone=zone, owner="web", criticality=criticality) for zone in zones),
    )


def at(seconds):
    return START + dt.timedelta(seconds=seconds)


def finding(rule, seconds, state="active", *, key="", zone="example.com", what="it is so"):
    facts = dict.fromkeys(("regions", "servers", "names", "count", "total", "why", "before", "after", "share"), "x")
    return Finding(
        id=f"{rule}-{key}-{zone}-{seconds}", rule=rule, zone=zone, key=key, state=state, time=at(seconds),
        since=at(seconds), where=Offender(regions=("eu",), servers=("192.0.2.1",)), what=what,
        facts=facts | {"change": ""},
    )  # fmt: skip


def run(*turns, inventory=None, silences=(), acknowledged=None, state=None):
    state = state or CorrelationState()
    state.silences = list(silences)
    incidents = []
    for turn in turns:
        if isinstance(turn, Acknowledgement):
            state.acknowledged = {incidents[-1].id: turn}
            continue
        state, changed = correlate(state, turn, inventory or estate(), RULES)
        incidents += changed
    return state, incidents


def calls(incidents):
    """Of the incident that changed last: who was called, why, and after how many seconds."""
    return [(call.team, call.why, round((call.time - START).total_seconds())) for call in incidents[-1].calls]


def test_the_owner_is_called_when_it_fires_and_its_escalation_follows_until_it_is_over():
    turns = [
        finding("zone-outage", 0),
        Tick(at(20)),
        Tick(at(2 * HOUR)),
        finding("zone-outage", 2 * HOUR + 1, "cleared"),
    ]
    _, incidents = run(*turns, Tick(at(3 * HOUR)))
    assert calls(incidents) == [("web", "firing", 15), ("lead", "escalated", 915), ("board", "escalated", 3615)]
    assert incidents[-1].state == "resolved"


def test_the_same_calls_however_time_passes():
    whole = run(finding("zone-outage", 0), Tick(at(2 * HOUR)))[1]
    pieces = run(finding("zone-outage", 0), *(Tick(at(7 * n)) for n in range(1, 1100)))[1]
    assert [i for i in pieces if i.calls][-1].calls == whole[-1].calls
    assert pieces == whole


def test_a_step_for_what_is_graver_is_left_out():
    _, incidents = run(finding("zone-not-resolving", 0), Tick(at(20 * MINUTE)), inventory=estate(criticality="normal"))
    assert calls(incidents) == [("web", "firing", 25), ("lead", "escalated", 925)]


def test_what_is_over_or_quiet_escalates_no_more():
    _, incidents = run(finding("zone-outage", 0), Tick(at(20)), finding("zone-outage", 899, "cleared"), Tick(at(DAY)))
    assert calls(incidents) == [("web", "firing", 15)]


def test_nobody_is_called_once_somebody_has_taken_it_on():
    taken = Acknowledgement(time=at(60), by="ann@example.com", note="rolling back")
    _, incidents = run(finding("zone-outage", 0), Tick(at(20)), taken, Tick(at(70)), Tick(at(DAY)))
    assert calls(incidents) == [("web", "firing", 15)]
    assert incidents[-1].acknowledged == taken


def test_what_becomes_graver_is_told_again_whoever_has_taken_it_on():
    taken = Acknowledgement(time=at(300), by="ann@example.com")
    _, incidents = run(
        finding("ds-changed", 0), Tick(at(200)), taken, Tick(at(301)),
        finding("zone-not-resolving", 400), Tick(at(405)),
        inventory=estate(criticality="high"),
    )  # fmt: skip
    assert len({i.id for i in incidents}) == 1
    assert calls(incidents) == [("web", "firing", 180), ("web", "graver", 400)]
    assert incidents[-1].severity == "critical"
    assert incidents[-1].acknowledged is None
    _, later = run(
        finding("ds-changed", 0), Tick(at(200)), finding("zone-not-resolving", 400), Tick(at(2000)),
        inventory=estate(criticality="high"),
    )  # fmt: skip
    assert calls(later)[2:] == [("lead", "escalated", 1300)]


def test_what_explains_the_monitorings_own_trouble_makes_it_no_graver():
    inventory = structs.replace(estate(zones=("a.example", "b.example", "c.example")), observers="night")
    found = [finding("resolver-failing", 0, key="192.0.2.1", zone=z.zone) for z in inventory.zones]
    found += [finding("zone-not-resolving", 100, zone=z.zone) for z in inventory.zones]
    _, incidents = run(*found, Tick(at(200)), inventory=inventory)
    assert calls(incidents) == [("night", "firing", 15)]
    assert incidents[-1].severity == "warning"


def test_what_lasts_becomes_graver_unless_somebody_has_taken_it_on():
    turns = [finding("zone-not-resolving", 0), Tick(at(60))]
    inventory = estate(criticality="normal", escalate=())
    _, incidents = run(*turns, Tick(at(DAY)), inventory=inventory)
    assert calls(incidents) == [("web", "firing", 25), ("web", "graver", 25 + 1800)]
    assert incidents[-1].severity == "critical"
    taken = Acknowledgement(time=at(90), by="ann@example.com")
    _, incidents = run(*turns, taken, Tick(at(100)), Tick(at(DAY)), inventory=inventory)
    assert calls(incidents) == [("web", "firing", 25)]
    assert incidents[-1].severity == "warning"


def test_what_many_zones_share_is_graver():
    zones = tuple(f"z{number}.example" for number in range(12))
    inventory = estate(criticality="normal", zones=zones, escalate=())
    found = [finding("authoritative-server-failing", n, key="192.0.2.1", zone=zone) for n, zone in enumerate(zones)]
    _, few = run(*found[:9], Tick(at(60)), inventory=inventory)
    assert (few[-1].severity, calls(few)) == ("info", [("web", "firing", 20)])
    late = [structs.replace(f, time=at(100 + n), since=at(100)) for n, f in enumerate(found)]
    state, _ = run(*late[:9], Tick(at(200)), inventory=inventory)
    _, many = run(
        *(structs.replace(f, time=at(201)) for f in late[9:]), Tick(at(220)), inventory=inventory, state=state
    )
    assert many[-1].severity == "warning"
    assert calls(many) == [("web", "firing", 120), ("web", "graver", 201)]


OFFICE = Hours(timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("hours", "time", "opens"),
    [
        (OFFICE, "2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
        (OFFICE, "2026-11-23T07:59:59Z", "2026-11-23T08:00:00Z"),
        (OFFICE, "2026-11-23T16:00:00Z", "2026-11-24T08:00:00Z"),
        (OFFICE, "2026-11-27T20:00:00Z", "2026-11-30T08:00:00Z"),
        (OFFICE, "2026-03-28T12:00:00Z", "2026-03-30T07:00:00Z"),  # summer time begins on the 29th
        (Hours(from_="22:00", to="06:00", days=("fri",)), "2026-11-28T05:00:00Z", "2026-11-28T05:00:00Z"),
        (Hours(from_="22:00", to="06:00", days=("fri",)), "2026-11-28T06:00:00Z", "2026-12-04T22:00:00Z"),
    ],
)
def test_hours(hours, time, opens):
    assert hours.next(dt.datetime.fromisoformat(time)) == dt.datetime.fromisoformat(opens)


#: Eleven hours after the start it is 22:00 in Berlin.
NIGHT = 11 * HOUR


def test_what_can_wait_waits_for_the_owners_hours():
    inventory = estate(criticality="normal", hours=OFFICE, escalate=POLICY)
    morning = 22 * HOUR
    state, incidents = run(finding("ttl-below-policy", NIGHT), Tick(at(NIGHT + 900)), inventory=inventory)
    assert incidents[-1].state == "firing"
    assert calls(incidents) == []
    _, incidents = run(Tick(at(morning + 5)), inventory=inventory, state=decode(encode(state), CorrelationState))
    assert calls(incidents) == [("web", "firing", morning)]


def test_what_is_over_before_the_hours_begin_calls_nobody():
    inventory = estate(criticality="normal", hours=OFFICE)
    turns = [
        finding("ttl-below-policy", NIGHT),
        Tick(at(NIGHT + 900)),
        finding("ttl-below-policy", NIGHT + 950, "cleared"),
    ]
    _, incidents = run(*turns, Tick(at(DAY)), inventory=inventory)
    assert incidents[-1].state == "resolved"
    assert calls(incidents) == []


@pytest.mark.parametrize(("after_hours", "who"), [("night", "night"), (None, "web")])
def test_what_is_critical_waits_for_no_hours(after_hours, who):
    inventory = estate(hours=OFFICE, after_hours=after_hours)
    _, incidents = run(finding("zone-outage", NIGHT), Tick(at(NIGHT + 60)), inventory=inventory)
    assert calls(incidents) == [(who, "firing", NIGHT + 15)]


def test_what_becomes_critical_at_night_waits_no_longer():
    inventory = estate(criticality="normal", hours=OFFICE, after_hours="night", escalate=())
    _, incidents = run(
        finding("zone-not-resolving", NIGHT), Tick(at(NIGHT + 100)), Tick(at(NIGHT + HOUR)), inventory=inventory
    )
    assert calls(incidents) == [("night", "firing", NIGHT + 25 + 1800)]


def silence(begin, end, **of):
    return Silence(id="s1", start=at(begin), end=at(end), reason="provider's maintenance", by="ann@example.com", **of)


@pytest.mark.parametrize(
    ("of", "covered"),
    [
        ({"zone": "example.com"}, True),
        ({"rule": "zone-outage"}, True),
        ({"owner": "web"}, True),
        ({"zone": "example.com", "rule": "zone-outage", "owner": "web"}, True),
        ({"zone": "example.org"}, False),
        ({"zone": "example.com", "rule": "ttl-below-policy"}, False),
        ({"owner": "lead"}, False),
    ],
)
def test_a_silence_covers_what_it_names(of, covered):
    _, incidents = run(finding("zone-outage", 0), Tick(at(60)), silences=[silence(0, HOUR, **of)])
    assert calls(incidents) == ([] if covered else [("web", "firing", 15)])
    assert (incidents[-1].silenced is not None) is covered


def test_what_lasts_longer_than_its_silence_calls_then():
    silences = [silence(0, HOUR, zone="example.com")]
    _, incidents = run(finding("zone-outage", 0), Tick(at(60)), Tick(at(HOUR + 5)), silences=silences)
    assert calls(incidents) == [("web", "firing", HOUR)]
    assert incidents[-1].silenced is None


def test_a_silence_that_is_ended_sooner_calls_then():
    state, _ = run(finding("zone-outage", 0), Tick(at(60)), silences=[silence(0, DAY, zone="example.com")])
    _, incidents = run(Tick(at(700)), silences=[silence(0, 600, zone="example.com")], state=state)
    assert calls(incidents) == [("web", "firing", 600)]


def test_what_is_over_within_its_silence_calls_nobody():
    turns = [finding("zone-outage", 0), Tick(at(60)), finding("zone-outage", 100, "cleared"), Tick(at(HOUR + 5))]
    _, incidents = run(*turns, silences=[silence(0, HOUR, zone="example.com")])
    assert incidents[-1].state == "resolved"
    assert calls(incidents) == []


def test_a_silence_that_begins_later_stops_the_escalation():
    _, incidents = run(finding("zone-outage", 0), Tick(at(DAY // 2)), silences=[silence(600, DAY, zone="example.com")])
    assert calls(incidents) == [("web", "firing", 15)]
    assert incidents[-1].silenced is not None


def test_a_silence_of_one_zone_does_not_silence_what_others_share():
    zones = ("a.example", "b.example")
    found = [finding("zone-outage", n, zone=zone) for n, zone in enumerate(zones)]
    silences = [silence(0, HOUR, zone="a.example")]
    _, incidents = run(*found, Tick(at(60)), inventory=estate(zones=zones), silences=silences)
    assert calls(incidents) == [("web", "firing", 15)]


def flaps(number, pace, *, rule="zone-outage", length=100):
    for n in range(number):
        yield finding(rule, n * pace)
        yield Tick(at(n * pace + 60))
        yield finding(rule, n * pace + length, "cleared")
        yield Tick(at(n * pace + length + 40))


def test_what_comes_back_again_and_again_pages_ever_less():
    _, incidents = run(*flaps(30, 300), Tick(at(30 * 300 + 2 * HOUR)), inventory=estate(escalate=()))
    ids = {i.id for i in incidents if i.calls}
    assert len(ids) == 3
    assert incidents[-1].state == "resolved"
    told = {i.id: i for i in incidents}
    assert [i.returns for i in told.values()] == [0, 1, 2]
    assert [i.what.rpartition("; ")[2] for i in told.values()] == ["it is so", "2 times in 6 h", "3 times in 6 h"]


def test_what_comes_back_on_another_day_pages_as_ever():
    _, incidents = run(*flaps(5, 8 * HOUR), Tick(at(5 * DAY)), inventory=estate(escalate=()))
    assert len({i.id for i in incidents if i.calls}) == 5
    assert {i.returns for i in incidents} == {0}


def test_a_drill_damps_nothing_and_is_not_damped():
    state = CorrelationState(drills={"example.com": (0, None)})
    state, incidents = run(*flaps(5, 600), Tick(at(3000)), inventory=estate(escalate=()), state=state)
    assert len({i.id for i in incidents if i.calls}) == 5
    assert state.ended == {}


def test_another_server_is_told_while_the_one_that_keeps_coming_back_is_quiet():
    first = [structs.replace(f, key="192.0.2.1") if isinstance(f, Finding) else f
             for f in flaps(3, 300, rule="authoritative-server-failing")]  # fmt: skip
    inventory = estate(escalate=())
    state, before = run(*first, inventory=inventory)
    known = {i.id for i in before if i.calls}
    _, same = run(
        finding("authoritative-server-failing", 820, key="192.0.2.1"), Tick(at(900)), inventory=inventory,
        state=decode(encode(state), CorrelationState),
    )  # fmt: skip
    assert {i.id for i in same if i.calls} <= known
    _, other = run(
        finding("authoritative-server-failing", 820, key="192.0.2.9"), Tick(at(900)), inventory=inventory, state=state
    )
    assert len({i.id for i in other if i.calls} - known) == 1


def test_a_resolution_says_how_long_it_lasted_and_how_it_ended():
    over = finding("zone-outage", 20 * MINUTE, "cleared", what="192.0.2.1 answered again")
    _, incidents = run(finding("zone-outage", 0), Tick(at(60)), over, Tick(at(HOUR)))
    assert incidents[-1].resolution == "lasted 20 min; 192.0.2.1 answered again"


def test_the_engine_is_told_of_silences_and_acknowledgements():
    correlation = Correlation(estate(), RULES)
    correlation.set_silences([silence(0, HOUR, zone="example.com")])
    start = int(START.timestamp() * 1e6)
    changed = correlation.step([finding("zone-outage", 0)], start + 60_000_000)
    assert changed[-1].silenced is not None
    correlation.set_silences([])
    changed = correlation.step([], start + (HOUR + 1) * 1_000_000)
    assert calls(changed) == [("web", "firing", HOUR)]
    correlation.set_acknowledged({changed[-1].id: Acknowledgement(time=at(HOUR + 5), by="ann")})
    changed = correlation.step([], start + (HOUR + 10) * 1_000_000)
    assert changed[-1].acknowledged is not None
    assert correlation.step([], start + DAY * 1_000_000) == ()

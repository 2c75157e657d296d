"""The simulated week: the same from the same seed, and it does what it should to queues, delays and pages."""

from __future__ import annotations

import pytest
from msgspec import structs

from benchmarks.capacity.model.load import Load
from benchmarks.capacity.times import DAY, HOUR
from benchmarks.capacity.week.capacity import capacity
from benchmarks.capacity.week.setting import Setting
from benchmarks.capacity.week.simulation import run

from .figures import FIGURES, but

LOAD = Load(zones=20_000, interval=300.0, teams=50)
MEMBERS = 6
SETTING = Setting(load=LOAD, members=MEMBERS, zone_faults=0.1)
#: The correlation costs nothing: what is late is late because of the rest.
FREE = but(correlate_cpu=0, correlate_open=0, correlate_joined=0, correlate_dump=0)


def faults(week):
    return {fault.name: fault for fault in week.faults}


def waiting(week, begin, end):
    return max(sample.waiting for sample in week.samples if begin <= sample.time <= end)


def test_the_same_seed_gives_the_same_week():
    one, again, other = (run(structs.replace(SETTING, seed=seed), FIGURES) for seed in (1, 1, 2))
    assert one == again
    assert one.samples != other.samples


def test_each_happening_is_seen_in_the_queue():
    week = run(SETTING, FREE)
    assert LOAD.rate < week.capacity
    for name, begin in (("death", SETTING.death), ("pause", SETTING.pause[0])):
        assert waiting(week, begin, begin + HOUR) > 10 * LOAD.rate / MEMBERS, name
    # Two minutes without the database are two minutes of events.
    assert waiting(week, SETTING.pause[0], SETTING.pause[0] + 300) == pytest.approx(120 * LOAD.rate, rel=0.2)
    assert waiting(week, 6 * DAY, 7 * DAY) == 0


def test_too_few_members_never_catch_up():
    slow = but(worker_event=5e-3)
    need = LOAD.rate / capacity(SETTING, slow)
    week = run(structs.replace(SETTING, members=int(need * 0.8)), slow)
    assert week.samples[-1].waiting > DAY * LOAD.rate / 10


def test_an_incident_comes_when_it_is_meant_to_where_nothing_waits():
    found = faults(run(SETTING, FREE))["a provider's outage"]
    assert found.zones == found.told == 1_600
    # The window, 10 s for late events, 15 s of hold, up to a step and a turn or two.
    assert 0.9 * 300 + 25 <= found.at(0.5) <= found.at(0.99) <= 300 + 25 + 5 + 5 + 3


@pytest.mark.parametrize(
    ("change", "provider", "parent"),
    [
        # The TLD's zones fail for longer than others join an incident: those that do late are another one.
        ({}, 50, 100),
        ({"joins": 3600.0}, 50, 50),
        ({"together": False}, 1_600, None),
    ],
    ids=["by cause", "by cause, joining for an hour", "each for itself"],
)
def test_pages(change, provider, parent):
    """Zones of 50 owners: one page an owner, or one a zone."""
    found = faults(run(structs.replace(SETTING, **change), FREE))
    assert found["a provider's outage"].pages == provider
    tld = found["a TLD's failure"]
    assert tld.pages == (parent or tld.told)
    # Delegations that resolvers know for an hour run out evenly; of those that do late, nobody is told.
    assert 0.5 < tld.told / (0.3 * LOAD.zones) < 40 / 60


def test_a_slow_correlation_holds_up_what_has_nothing_to_do_with_the_fault():
    slow, setting = but(correlate_open=5e-3), structs.replace(SETTING, zone_faults=2.0, together=False)
    quick, late = (faults(run(setting, figures))["zones of their own"] for figures in (FREE, slow))
    assert quick.at(0.99) < 400
    assert late.at(0.99) > 10 * quick.at(0.99)


def test_on_flink_the_database_stops_no_judgement():
    setting = structs.replace(SETTING, engine="flink", members=2)
    week = run(setting, FREE)
    assert waiting(week, setting.pause[0] - 60, setting.pause[0] + 600) == 0
    # A slot that dies stops all of them.
    assert waiting(week, setting.death, setting.death + 300) > 60 * LOAD.rate

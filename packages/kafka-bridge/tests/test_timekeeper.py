"""Clocks that jump, and what is believed of them."""

from __future__ import annotations

import datetime as dt

import pytest
from kafka_bridge.timekeeper import DOUBT, Timekeeper, believed, departure

START = 1_800_000_000.0


class Clocks:
    """This host's, the database's and a steady one, by hand."""

    def __init__(self, *, own: float = 0.0, store: float | None = 0.0) -> None:
        self.passed = 0.0
        self.own = own
        self.store = store
        self.keeper = Timekeeper(own=lambda: START + self.passed + self.own, steady=lambda: self.passed)
        self.keeper._anchor = None  # the first look is to be with the store
        self.look()

    def look(self, seconds: float = 0.0) -> float:
        """Let time pass and look; returns how far what is believed is from the truth."""
        self.passed += seconds
        self.keeper.heard(None if self.store is None else START + self.passed + self.store)
        return round(self.off, 3)

    @property
    def off(self) -> float:
        return (self.keeper.now() - dt.datetime.fromtimestamp(START + self.passed, dt.UTC)).total_seconds()


@pytest.mark.parametrize(
    ("own", "store", "carried", "found"),
    [
        pytest.param(0.0, 0.5, 0.1, 0.5, id="all agree"),
        pytest.param(3600.0, 0.0, 0.0, 0.0, id="this host ahead"),
        pytest.param(-600.0, 0.0, 0.0, 0.0, id="this host behind"),
        pytest.param(0.0, 3600.0, 0.0, 0.0, id="the database ahead"),
        pytest.param(3600.0, 3600.0, 0.0, 3600.0, id="both ahead"),
        pytest.param(3600.0, -600.0, 0.0, -600.0, id="all differ"),
        pytest.param(3600.0, 0.0, None, 0.0, id="at first, the database"),
        pytest.param(1.0, None, 0.0, 1.0, id="no database"),
    ],
)
def test_two_of_three_are_believed(own, store, carried, found):
    assert believed(own, store, carried) == found


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (1.0, None),
        (3600.0, "this host's clock is 3600 s ahead of the database's"),
        (-600.0, "this host's clock is 600 s behind the database's"),
    ],
)
def test_how_far_it_is_in_words(ahead, sentence):
    assert departure(START + ahead, START) == sentence


@pytest.mark.parametrize("jump", [3600.0, -600.0])
@pytest.mark.parametrize("whose", ["own", "store"])
def test_a_clock_that_jumps_and_comes_back_moves_nothing(whose, jump):
    clocks = Clocks()
    setattr(clocks, whose, jump)
    assert [clocks.look(1) for _ in range(3)] == [0.0] * 3
    assert "this host's clock is" in clocks.keeper.notice
    setattr(clocks, whose, 0.0)
    assert clocks.look(1) == 0.0
    assert clocks.keeper.notice is None


def test_however_long_it_stays_away():
    clocks = Clocks()
    clocks.own = 3600.0
    assert clocks.look(10 * DOUBT) == clocks.look(10 * DOUBT) == 0.0


@pytest.mark.parametrize("store", [True, False], ids=["database on this host", "no database"])
def test_where_all_jump_together_they_are_doubted_and_then_believed(store):
    clocks = Clocks(store=0.0 if store else None)
    clocks.own = 3600.0
    clocks.store = 3600.0 if store else None
    assert clocks.look(1) == 0.0
    assert "jumped 3600 s forwards" in clocks.keeper.notice
    assert clocks.look(DOUBT - 1) == 0.0
    assert clocks.look(1) == 3600.0
    assert clocks.keeper.notice is None


def test_together_and_back_moves_nothing():
    clocks = Clocks()
    clocks.own = clocks.store = 3600.0
    clocks.look(DOUBT / 2)
    clocks.own = clocks.store = 0.0
    assert clocks.look(DOUBT / 2) == 0.0
    clocks.own = clocks.store = 3600.0
    assert clocks.look(DOUBT - 1) == 0.0, "doubt begins anew"


@pytest.mark.parametrize(
    ("jumps", "told"),
    [
        pytest.param([-600.0], [600.0], id="back"),
        pytest.param([3600.0, 0.0], [3600.0], id="forwards and back"),
        pytest.param([3600.0], [], id="forwards"),
        pytest.param([-5.0, -10.0], [], id="back in small steps"),
    ],
)
def test_a_clock_that_is_set_back_is_told_once(jumps, told):
    clocks = Clocks()
    found = []
    clocks.keeper._set_back = lambda seconds: found.append(round(seconds, 3))
    for jump in jumps:
        clocks.own = jump
        clocks.look(1)
        clocks.look(1)
    assert found == told


def test_an_event_is_ahead_only_when_it_is_ahead_of_every_clock():
    clocks = Clocks()
    for own, ahead in ((-600.0, 0.0), (3600.0, 3600.0)):
        clocks.own = own
        clocks.look()
        assert clocks.keeper.latest().timestamp() == pytest.approx(START + ahead)


def test_a_clock_that_runs_askew_follows_the_database():
    clocks = Clocks()
    for _ in range(100):
        clocks.store += 1.0  # slower than any doubt
        clocks.own += 1.0
        clocks.look(3600)
    assert clocks.off == pytest.approx(100.0)


def test_a_database_that_is_away_is_done_without(pool):
    keeper = Timekeeper(pool)
    assert abs(keeper.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=60)
    keeper.heard(None)
    assert keeper.notice is None

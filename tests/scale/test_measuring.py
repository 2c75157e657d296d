"""What is measured is what the coefficients say of it; how large it is, is nobody's business here."""

from __future__ import annotations

import os

import pytest

from benchmarks.capacity import bus, correlating, judging, measure, storing


def test_each_question_has_its_own_moment():
    events = judging.asked("example.com", 2, 2, 120, 60)
    assert len(events) == 2 * 3 * 3 * 2
    assert len({event.time for event in events}) == len(events)
    assert {(event.server.role, event.server.address) for event in events} == {
        ("authoritative", "192.0.2.1"), ("authoritative", "192.0.2.2"), ("recursive", "192.0.2.53"),
    }  # fmt: skip


def test_a_zone_is_written_with_an_event_and_once_more_as_its_step_ends():
    found = judging.paced(4, minutes=4)
    assert found.events == pytest.approx(4 * 9 * 2, abs=4)
    assert 0.5 < found.writes - 1 < 1.1
    assert found.state > 1000
    assert found.memory == 0 < judging.paced(2, minutes=2, traced=True).memory


def test_zones_that_fail_for_one_cause_are_one_incident():
    alone, shared = (correlating.cost(30, shared=together) for together in (False, True))
    assert alone.state > shared.state


def test_a_plane_is_found_in_its_points():
    points = [(x, y, 3.0 * x + 0.5 * y) for x, y in ((1, 10), (2, 5), (7, 3))]
    assert measure.plane(points) == measure.positive(points) == pytest.approx((3.0, 0.5))


def test_nothing_costs_less_than_nothing():
    points = [(1.0, 1.0, 2.0), (1.0, 10.0, 21.0)]
    assert measure.plane(points)[0] < 0
    assert measure.positive(points) == (0.0, pytest.approx(212 / 101))


def test_events_take_room_in_the_archive():
    cpu, size = bus.archived(judging.asked("example.com", 1, 2, 600, 60))
    assert cpu > 0
    assert 10 < size < 2000


def test_cpu_of_a_process_counts():
    before = storing.spent(os.getpid())
    sum(range(5_000_000))
    assert storing.spent(os.getpid()) > before

"""A healthy lab is silent: no incident, not even a pending one, for ten minutes."""

from __future__ import annotations

import os
import time

import pytest

from tests.e2e.tower import Tower

SOAK_SECONDS = float(os.environ.get("DNSTOWER_SOAK_SECONDS", "600"))


@pytest.fixture
def tower(tmp_path):
    running = Tower(tmp_path)
    yield running
    running.stop()


@pytest.mark.soak
@pytest.mark.lab
def test_ten_minutes_of_the_healthy_lab_bring_no_incident(tower):
    tower.wait("all zones healthy", tower.all_healthy, 90)
    while time.monotonic() - tower.started < SOAK_SECONDS:
        tower.wait("the board", lambda: isinstance(tower.incidents("pending", "firing", "resolved"), list), 30)
        time.sleep(2)
    assert tower.incidents("pending", "firing", "resolved") == []
    assert tower.pages() == []
    zones = tower.get("api/zones")
    assert {zone["status"] for zone in zones} == {"healthy"}
    assert sum(zone["questions"] for zone in zones) > 1000
    assert "the receiver of" not in tower.log()
    assert tower.stop() == 0

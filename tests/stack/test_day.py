"""Some hours of many zones, of many teams and on one provider, come to the same incidents in each way of judging."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.stack import ways
from tests.stack.flink.running import missing
from tests.year.day import Day

MINUTES = 120


@pytest.fixture(scope="module")
def day():
    """Up to a moment ago, for the store forgets by the clock of now."""
    end = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
    return Day(40, minutes=MINUTES, start=end - dt.timedelta(minutes=MINUTES))


@pytest.fixture(scope="module")
def meant(day):
    """What the engine says, with which the others are compared; something of each kind has to be in it."""
    told, end = ways.pure(day)
    fired = [changes[-1] for changes in told.lives.values() if any(change.state == "firing" for change in changes)]
    assert {"zone-outage", "authoritative-server-failing", "dnssec-validation-failing"} <= {one.rule for one in fired}
    assert any(len(one.zones) > 1 for one in fired)
    assert len({one.owner for one in fired}) > 1
    return told, end


def test_the_consumer_group(day, meant, broker, postgres, tmp_path):
    found = ways.by_group(day, tmp_path, broker, postgres, *meant, patience=180)
    assert ways.differing(found, meant[0]) == {}


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_the_job_on_flink(day, meant, broker, tmp_path):
    found = ways.by_flink(day, tmp_path, broker, *meant, patience=180, slots=2)
    assert ways.differing(found, meant[0]) == {}

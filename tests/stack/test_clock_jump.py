"""The clock of the bridge's host jumps ten minutes backwards and back, an hour forwards and back, while events come."""

from __future__ import annotations

import datetime as dt
import glob
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from dns_rules.generate import Span, events
from dns_rules.parts import restore

from tests.stack.bridges import ZONES, recent, requests, servers_of
from tests.stack.told import Embedded, Told

_LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"
#: Seconds between one event of a zone and region and the next.
TURN = 4
#: How far the clock is from the truth during each turn of live events, and what the bridge says of it.
JUMPS = (
    (0, ""), (-600, "600 s behind"), (-600, "600 s behind"), (0, ""), (0, ""), (3600, "3600 s ahead"),
    (3600, "3600 s ahead"),
)  # fmt: skip
#: Seconds from when all was well to the first of them: the answers are out of the window of `zone-outage` by then.
BEFORE = 80
#: The place of a span in its timeline is part of its events' ids; `recent` has the first two.
_NOTHING = Span(to="0s")


class HostClock:
    """The clock of processes that are started with its environment; `jump` moves it while they run."""

    def __init__(self, folder):
        found = sorted(glob.glob(_LIBRARY))  # noqa: PTH207 - an absolute pattern
        if not found:
            pytest.skip("no libfaketime (Debian: apt-get install faketime)")
        if shutil.which("cc") is None:
            pytest.skip("no C compiler for what libfaketime leaves out (Debian: apt-get install gcc libc6-dev)")
        rest = folder / "hostclock.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", rest, Path(__file__).parent / "hostclock.c"], check=True)
        self._file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": f"{rest}:{found[0]}",
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.jump(0)

    def jump(self, seconds):
        """Be so far from the truth, from now on."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)


@pytest.fixture
def clock(tmp_path):
    return HostClock(tmp_path)


def live(turns):
    """Zones as they are from now on, turn by turn: the ones that were well do not answer any more."""
    start = dt.datetime.now(dt.UTC)
    found = [[] for _ in range(turns)]
    for number, zone in enumerate(ZONES):
        outcome = "timeout" if number % 2 else "answer"
        span = Span(to=f"{TURN * turns}s", every=f"{TURN}s", outcome=outcome, servers=servers_of(zone))
        for event in events(zone, (_NOTHING, _NOTHING, span), start):
            found[int((event.time - start).total_seconds() / TURN)].append(event)
    return [sorted(turn, key=lambda event: event.time) for turn in found]


def ahead(stack):
    """By how many seconds more has passed than is true; ``None`` before any has."""
    return stack.one("select extract(epoch from max(sealed) - clock_timestamp())::float8 from bus_offset")


def reached(stack, time):
    return stack.one("select count(*) from bus_offset where sealed is not null and sealed < %s", time) == 0


@pytest.mark.parametrize("kind", [Told, Embedded], ids=["kafka", "embedded"])
def test_events_are_judged_as_if_it_had_not(tmp_path, broker, postgres, monkeypatch, clock, kind):
    stack = kind(tmp_path, broker, postgres, f"jump_{kind.__name__.lower()}", settle="20s")
    try:
        sent = recent(ago=BEFORE)
        with monkeypatch.context() as patched:
            for name, value in clock.environment.items():
                patched.setenv(name, value)
            bridge = stack.bridge()
        for payload in requests(sent):
            bridge.send(payload)
        stack.wait("time passes", lambda: ahead(stack) is not None and reached(stack, sent[-1].time))
        for number, turn in enumerate(live(len(JUMPS))):
            far, said = JUMPS[number]
            clock.jump(far)
            stack.wait("it is noticed", lambda: said in stack.notices().get("time", ""))  # noqa: B023 - called here
            remaining = turn[-1].time - dt.datetime.now(dt.UTC)
            time.sleep(max(0.0, remaining.total_seconds()))  # as they happen
            for payload in requests(turn):
                bridge.send(payload)
            sent += turn
            assert ahead(stack) < 0, f"{far} s: what is to come would be too late"
        clock.jump(0)  # and now nothing comes that might wake whoever waits for the time of day
        stack.wait("all well", lambda: stack.troubles() == {} and stack.notices() == {})
        stack.reconcile(sent)
        assert {zone for (zone,) in stack.query(_PAGED)} == set(ZONES)
        assert {zone: restore(*parts).late for zone, *parts in stack.query(_STATES)} == dict.fromkeys(ZONES, 0)
    finally:
        stack.close()


_PAGED = "select zone from incident where state in ('firing', 'resolved')"
_STATES = "select zone, state, blocks, opened from zone_state"

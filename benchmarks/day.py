"""A generated day of many zones through each way of judging it: whether they say the same, and the pace of each."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

from tests.stack import ways
from tests.stack.flink.running import missing
from tests.year.day import Day
from tests.year.zone import DAY

from . import backbone
from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = ("group", "flink")
#: Seconds for a way to judge it all, on a machine that has other work too.
_PATIENCE = 6 * 3600


def figures(zones: int = 1000, seed: int = 20261125, interval: int = 300, part: str | None = None) -> Iterator[Figure]:
    """The consumer group and, where it can be run, the job on Flink, beside the engine alone.

    Args:
        zones: how many.
        seed: of all that happens.
        interval: seconds from one question to the same one again.
        part: one of `WAYS` alone.
    """
    end = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=1)
    day = Day(zones, seed, interval=interval, start=end - dt.timedelta(minutes=DAY))
    meant, end = ways.pure(day)
    _say(f"the engine: {meant.events:,} events, {len(meant.lives)} incidents, {meant.rate:,.0f} events/s")
    # Each with a broker of its own: the disk of the first is free again for the second.
    if part in {None, "group"}:
        with backbone.servers() as (folder, broker, postgres):
            (folder / "day").mkdir()
            found = ways.by_group(day, folder / "day", broker, postgres, meant, end, _PATIENCE)
        yield from _compared("the consumer group, one worker", found, meant)
    if part in {None, "flink"}:
        if (why := missing()) is not None:
            _say(f"not through Flink: {why}")
            return
        with backbone.servers() as (folder, broker, _):
            (folder / "day").mkdir()
            found = ways.by_flink(day, folder / "day", broker, meant, end, _PATIENCE)
        yield from _compared("the job on Flink, one slot", found, meant)


def _compared(way: str, found: ways.Told, meant: ways.Told) -> Iterator[Figure]:
    differing = ways.differing(found, meant)
    _say(f"{way}: {found.rate:,.0f} events/s; {'identical' if not differing else f'{len(differing)} incidents differ'}")
    for one, other in list(differing.values())[:10]:
        for whose, said in (("it", one), ("engine", other)):
            for incident in said or ():
                _say(f"  {whose}: {incident.updated:%H:%M:%S} {incident.state} {incident.title}")
    yield Figure(f"a day of zones through {way}, events/s", found.rate, "the engine alone", meant.rate)
    yield Figure("the same, incidents that differ", len(differing), "all of them", len(meant.lives))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)

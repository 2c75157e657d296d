"""Months of healthy zones with the noise of every day, and one fault in each: what is found, and what is false.

Each zone-month is a zone of its own (`tests.year.zone`) with 30 days of questions from three regions, to two servers
and a resolver. The engine judges it a day at a time. What came of each is a line of NDJSON, so that a year of 200 zones
may take many runs.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

import msgspec
from dns_rules import Engine, Inventory, Team, load_rules

from tests.year.faults import FAULTS
from tests.year.zone import DAY, MONTH, START, Watched, month

from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dns_rules import Incident

_BAR = 30


class Outcome(msgspec.Struct, frozen=True):
    """What was said of one zone-month."""

    seed: int
    interval: int
    """Seconds."""
    number: int
    kind: str
    """Of its fault."""
    found: bool
    """By its rule, within the promise."""
    after: float | None
    """Minutes from the fault to its rule's page; none where that said nothing."""
    said: tuple[str, ...]
    """Rules that paged in the time of the fault."""
    false: tuple[str, ...]
    """Titles of pages at other times."""
    state: int
    """Bytes at the end."""
    events: int
    cpu: float
    """Seconds, of making it and of judging it."""


def judge(number: int, seed: int, interval: int) -> Outcome:
    """Put a zone-month through the engine."""
    began = time.process_time()
    watched = month(number, seed, interval)
    assert watched.fault is not None
    engine = _engine(watched)
    changes: list[Incident] = []
    events = 0
    for begin in range(0, MONTH, DAY):
        listed = watched.events(begin, begin + DAY)
        events += len(listed)
        changes += engine.step(listed).incidents
    changes += engine.finish().incidents
    during, false = _parted(watched, changes)
    mine = [minute for minute, incident in during if watched.fault.rule in incident.findings]
    after = min(mine) - watched.fault.begin if mine else None
    return Outcome(
        seed=seed,
        interval=interval,
        number=number,
        kind=watched.fault.kind,
        found=bool(mine) and min(mine) <= watched.fault.promised,
        after=after,
        said=tuple(incident.rule for _, incident in during),
        false=tuple(f"{watched.name}: {i.updated:%m-%d %H:%M}: {i.title}" for _, i in false),
        state=len(engine.judgement.dump(watched.name)),
        events=events,
        cpu=time.process_time() - began,
    )


def grown(seed: int, interval: int) -> int:
    """Bytes of the state of one zone on the day of a year on which it was largest."""
    days = 365
    watched = Watched(0, seed, interval=interval, minutes=days * DAY)
    engine = _engine(watched)
    most = 0
    for day in range(days):
        engine.step(watched.events(day * DAY, (day + 1) * DAY))
        most = max(most, len(engine.judgement.dump(watched.name)))
        _show(day + 1, days, f"days of a zone, {most / 1000:.1f} kB at most")
    return most


def _engine(watched: Watched) -> Engine:
    return Engine(Inventory(version=1, teams={"web": Team(name="Web")}, zones=(watched.zone,)), load_rules())


def _parted(
    watched: Watched, changes: list[Incident]
) -> tuple[list[tuple[float, Incident]], list[tuple[float, Incident]]]:
    """Incidents that fired in the time of the fault and the others, with the minute in which each did."""
    assert watched.fault is not None
    fired: dict[str, tuple[float, Incident]] = {}
    for incident in changes:
        if incident.state == "firing":
            fired.setdefault(incident.id, ((incident.updated - START).total_seconds() / 60, incident))
    during = [each for each in fired.values() if watched.fault.begin <= each[0] <= watched.fault.over]
    return during, [each for each in fired.values() if each not in during]


def known(into: Path | None, seed: int, interval: int) -> list[Outcome]:
    """What earlier runs have written of this year; a last line that was cut is taken out of the file."""
    if into is None or not into.exists():
        return []
    whole, _, cut = into.read_bytes().rpartition(b"\n")
    if cut:
        os.truncate(into, len(whole) + bool(whole))
    found = [msgspec.json.decode(line, type=Outcome) for line in whole.splitlines()]
    return [outcome for outcome in found if (outcome.seed, outcome.interval) == (seed, interval)]


def run(months: int, seed: int, interval: int, jobs: int, into: Path | None) -> list[Outcome]:
    """Outcomes of zone-months 0 up to `months`, in their order: those that are known, and those that are judged now."""
    outcomes = {outcome.number: outcome for outcome in known(into, seed, interval) if outcome.number < months}
    missing = [number for number in range(months) if number not in outcomes]
    began, before = time.monotonic(), len(outcomes)
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(judge, number, seed, interval) for number in missing]):
            outcome = future.result()
            outcomes[outcome.number] = outcome
            if into is not None:
                with into.open("ab") as file:
                    file.write(msgspec.json.encode(outcome) + b"\n")
            left = (time.monotonic() - began) / (len(outcomes) - before) * (months - len(outcomes))
            missed, false = sum(not o.found for o in outcomes.values()), sum(len(o.false) for o in outcomes.values())
            state = f"zone-months, {missed} missed, {false} false pages, {left / 60:,.0f} min to go"
            _show(len(outcomes), months, state)
    return [outcome for _, outcome in sorted(outcomes.items())]


def _show(done: int, whole: int, what: str) -> None:
    """How far it is: a line that is renewed where somebody looks at it, one for each hundredth elsewhere."""
    seen = sys.stderr.isatty()
    if not seen and done * 100 // whole == (done - 1) * 100 // whole:
        return
    bar = f"{'#' * (done * _BAR // whole):.<{_BAR}}"
    print(f"{bar} {done} of {whole} {what}", end="\r" if seen and done < whole else "\n", file=sys.stderr, flush=True)


def figures(
    months: int = 9, seed: int = 20261125, interval: int = 60, jobs: int = 1, into: Path | None = None
) -> Iterator[Figure]:
    """Recall, false pages and the size of a zone's state; the confusion table goes to stderr.

    Args:
        months: how many zone-months; a multiple of the number of faults has all of them equally often.
        seed: of all that happens.
        interval: seconds from one question to the same one again.
        jobs: processes.
        into: a file of outcomes to which those that it does not have are added.
    """
    outcomes = run(months, seed, interval, jobs, into)
    for line in table(outcomes):
        print(line, file=sys.stderr)
    cpu, events = sum(o.cpu for o in outcomes), sum(o.events for o in outcomes)
    false = sum(len(o.false) for o in outcomes)
    yield Figure("faults found in time, share", sum(o.found for o in outcomes) / len(outcomes), "the limit", 0.99)
    yield Figure("false pages in 100 zone-months", 100 * false / len(outcomes), "the limit", 1)
    yield Figure("state of a zone after a month, kB", max(o.state for o in outcomes) / 1000, "the limit", 30)
    yield Figure("state of a zone in a year, on its largest day, kB", grown(seed, interval) / 1000, "the limit", 30)
    yield Figure("a zone-month made and judged, s of CPU", cpu / len(outcomes), "its events", events / len(outcomes))


def table(outcomes: list[Outcome]) -> Iterator[str]:
    """By kind of fault how many were found in time, how long that took, and what paged; then each that was not well."""
    for kind in FAULTS:
        mine = [outcome for outcome in outcomes if outcome.kind == kind]
        told = Counter(rule for outcome in mine for rule in outcome.said)
        listed = ", ".join(f"{rule} {number}" for rule, number in sorted(told.items()))
        longest = max((outcome.after for outcome in mine if outcome.after is not None), default=0)
        yield (
            f"{kind:22} {sum(o.found for o in mine)} of {len(mine)} in time, at most {longest:.1f} min; paged: {listed}"
        )
    for outcome in outcomes:
        if not outcome.found:
            late = "never" if outcome.after is None else f"after {outcome.after:.1f} min"
            yield f"missed: zone-month {outcome.number}, {outcome.kind}: {late}; paged: {', '.join(outcome.said)}"
        yield from (f"false: {title}" for title in outcome.false)

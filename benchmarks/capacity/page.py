"""The tables of ``docs/scale.md``, each between two marks; what stands outside of them is written by hand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .model.ground import Ground
from .model.load import Load
from .model.mode import MODES
from .model.plan import Plan, plan
from .words import number, size, small, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .coefficients import Coefficients
    from .model.needs import Need
    from .week.outcome import Week

SIZES = (1_000, 100_000, 1_000_000, 10_000_000)
INTERVALS = (60.0, 300.0)
_NAMES = {"embedded": "embedded", "group": "consumer group", "flink": "Flink"}
_MARK = re.compile(r"<!-- (\w+) -->\n.*?<!-- /\1 -->", re.DOTALL)


class PageError(Exception):
    """A mark of the page that nothing is known for."""


def filled(text: str, tables: Mapping[str, str]) -> str:
    """The page with each marked table as it is now.

    Raises:
        PageError: names the mark.
    """

    def table(match: re.Match[str]) -> str:
        if match[1] not in tables:
            raise PageError(f"no table {match[1]}; there are {', '.join(tables)}")
        return f"<!-- {match[1]} -->\n\n{tables[match[1]]}\n\n<!-- /{match[1]} -->"

    return _MARK.sub(table, text)


def tables(figures: Coefficients, ground: Ground | None = None) -> dict[str, str]:
    """Those of the model, by their marks."""
    ground = ground or Ground()
    plans = {
        (interval, mode): [plan(Load(zones=n, interval=interval), figures, ground, mode) for n in SIZES]
        for interval in INTERVALS
        for mode in MODES
    }
    found = {"coefficients": coefficients(figures), "first": first(plans.values())}
    for interval in INTERVALS:
        found[f"sizes{interval:.0f}"] = sizes([plans[interval, "group"], plans[interval, "flink"]])
        found[f"limits{interval:.0f}"] = limits([plans[interval, mode] for mode in MODES])
    return found


def coefficients(figures: Coefficients) -> str:
    """What was measured."""
    rows = [
        (name, "**not measured**" if known.value is None else small(known.value, known.unit), known.how)
        for name, known in sorted(figures.figures.items())
    ]
    return f"{figures.machine}; {figures.measured}.\n\n{_table(('coefficient', 'figure', 'conditions'), rows)}"


def sizes(plans: Iterable[list[Plan]]) -> str:
    """What each number of zones needs, of the parts that both modes have and those that differ."""
    group, flink = plans
    cells = [
        ("events a second", [number(p.rate) for p in group]),
        ("state of all zones", [size(p.state) for p in group]),
    ]
    for at, part in enumerate(need.part for need in group[0].needs):
        needs = [p.needs[at] for p in group]
        if any(need.cores for need in needs):
            cells.append((f"{part}: cores", [number(need.cores) for need in needs]))
        if any(need.memory for need in needs):
            cells.append((f"{part}: memory", [size(need.memory) for need in needs]))
        if any(need.disk for need in needs):
            cells.append((f"{part}: disk", [size(need.disk) for need in needs]))
        if any(need.machines for need in needs):
            cells.append((f"{part}: machines", [number(need.machines) for need in needs]))
    cells += [
        ("workers of one core", [number(p.workers) for p in group]),
        ("partitions of `dns.normalized`", [number(p.partitions) for p in group]),
        ("**all, cores**", [number(p.cores) for p in group]),
        ("**all, machines**", [number(p.machines) for p in group]),
        ("Flink: cores that judge", [number(_of(p, "Flink").cores) for p in flink]),
        ("Flink: cores that store", [number(_of(p, "store").cores) for p in flink]),
        ("Flink: cores of PostgreSQL", [number(_of(p, "PostgreSQL").cores) for p in flink]),
    ]
    heads = ("", *(f"{p.load.zones:,} zones" for p in group))
    return _table(heads, [(name, *values) for name, values in cells])


def limits(plans: Iterable[list[Plan]]) -> str:
    """For each mode, what each size uses of each limit, and at how many zones it is reached."""
    rows = []
    for listed in plans:
        for limit in listed[0].limits:
            uses = [next(other for other in p.limits if other.part == limit.part) for p in listed]
            rows.append(
                (
                    _NAMES[listed[0].mode],
                    limit.part,
                    f"{number(limit.most)} {limit.unit}",
                    *(_use(use.use, use.most) for use in uses),
                    number(float(f"{limit.zones:.2g}")),
                )
            )
    return _table(("mode", "part", "most", *(f"{n:,}" for n in SIZES), "reached at, zones"), rows)


def first(plans: Iterable[list[Plan]]) -> str:
    """Where each mode ends, and by what."""
    rows = []
    for listed in plans:
        one, two = [limit for limit in listed[0].limits if limit.breaks][:2]
        rows.append(
            (
                _NAMES[listed[0].mode],
                f"{listed[0].load.interval:.0f} s",
                *(f"{number(float(f'{limit.zones:.2g}'))} zones: {limit.part}" for limit in (one, two)),
            )
        )
    return _table(("mode", "each question in", "breaks first", "then"), rows)


def weeks(listed: Iterable[tuple[str, Week]]) -> str:
    """What became of the faults of the simulated weeks."""
    rows = []
    for name, week in listed:
        most = max(sample.waiting for sample in week.samples)
        load = week.setting.load.rate / week.capacity
        for fault in week.faults:
            whole = fault.zones and len(fault.delays)
            rows.append(
                (
                    name,
                    f"{load:.0%}",
                    number(most),
                    fault.name,
                    f"{fault.zones:,}",
                    span(fault.at(0.5)) if whole else "–",
                    span(fault.at(0.99)) if whole else "–",
                    f"{fault.told:,}",
                    f"{fault.pages:,}",
                )
            )
    return _table(
        ("run", "load", "most events waiting", "fault", "zones", "p50", "p99", "told in the week", "pages"), rows
    )


def _of(found: Plan, part: str) -> Need:
    return next(need for need in found.needs if need.part == part)


def _use(use: float, most: float) -> str:
    """Bold where it is over."""
    return f"**{number(use)}**" if use > most else number(use)


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = tuple(heads)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])

"""Charts as SVG elements in plain numbers; the template draws them, the stylesheet colours them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .queries import Latency, Point

#: A minute with more than this share of failures is drawn as failing, with any failure as degraded.
FAILING = 0.2
#: Minutes that a chart may span.
SPANS = (15, 30, 60)


class Bar(Struct):
    """One minute of availability: where it stands, how tall it is, and how it was."""

    x: float
    width: float
    height: float
    kind: str
    label: str


class Line(Struct):
    """One series: a path and the colour's number."""

    name: str
    path: str
    number: int
    last: str
    end_x: float
    end_y: float


class Axis(Struct):
    """A grid line."""

    y: float
    label: str


class LineChart(Struct):
    """A line chart in a box of `width` × `height` units."""

    width: int
    height: int
    lines: list[Line]
    axes: list[Axis]
    times: list[tuple[float, str]]


def minutes_shown(points: Iterable[Point], now: dt.datetime) -> int:
    """A quarter of an hour, half of one, or one: the least that shows all there is."""
    first = min((point.minute for point in points), default=now)
    age = (now - first).total_seconds() / 60
    return next((minutes for minutes in SPANS if age < minutes), SPANS[-1])


def availability(points: Iterable[Point], now: dt.datetime, minutes: int, width: int = 240) -> list[Bar]:
    """A bar for each minute: full where all was answered, shorter by the share that failed."""
    by_minute: dict[dt.datetime, tuple[int, int]] = {}
    for point in points:
        total, failed = by_minute.get(point.minute, (0, 0))
        by_minute[point.minute] = (total + point.total, failed + point.failed)
    last = now.replace(second=0, microsecond=0)
    step = width / minutes
    bars = []
    for index in range(minutes):
        minute = last - dt.timedelta(minutes=minutes - 1 - index)
        total, failed = by_minute.get(minute, (0, 0))
        share = failed / total if total else 0.0
        kind = "none" if not total else "failing" if share > FAILING else "degraded" if failed else "ok"
        label = f"{minute:%H:%M}: " + (f"{100 * (1 - share):.1f} % of {total} answered" if total else "no data")
        bars.append(
            Bar(
                x=round(index * step, 2),
                width=round(step * 0.82, 2),
                height=1.0 if not total else max(0.15, 1 - share),
                kind=kind,
                label=label,
            )
        )
    return bars


def latency(rows: Sequence[Latency], now: dt.datetime, minutes: int, width: int = 760, height: int = 180) -> LineChart:
    """p95 by region over time, in milliseconds on a linear axis from 0."""
    last = now.replace(second=0, microsecond=0)
    first = last - dt.timedelta(minutes=minutes - 1)
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if row.p95 is not None and row.minute >= first:
            x = (row.minute - first).total_seconds() / 60 / max(1, minutes - 1) * width
            series.setdefault(row.region, []).append((x, row.p95 * 1000))
    top = _ceiling(max((y for values in series.values() for _, y in values), default=1.0))
    lines = []
    for number, (name, values) in enumerate(sorted(series.items())):
        placed = [(round(x, 1), round(height - y / top * height, 1)) for x, y in values]
        # A gap in the data is a gap in the line.
        commands = []
        previous: float | None = None
        for x, y in placed:
            gap = previous is None or x - previous > 2.5 * width / max(1, minutes - 1)
            commands.append(f"{'M' if gap else 'L'}{x} {y}")
            previous = x
        lines.append(
            Line(
                name=name,
                path=" ".join(commands),
                number=number % 6,
                last=f"{values[-1][1]:.3g} ms",
                end_x=placed[-1][0],
                end_y=placed[-1][1],
            )
        )
    axes = [Axis(y=round(height - height * part, 1), label=f"{top * part:.3g} ms") for part in (0, 0.5, 1)]
    times = [
        (round(part * width, 1), f"{first + dt.timedelta(minutes=part * (minutes - 1)):%H:%M}")
        for part in (0, 0.25, 0.5, 0.75, 1)
    ]
    return LineChart(width=width, height=height, lines=lines, axes=axes, times=times)


def _ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** _floor_log10(value)
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)


def _floor_log10(value: float) -> int:
    exponent = 0
    while value >= 10:
        value /= 10
        exponent += 1
    while 0 < value < 1:
        value *= 10
        exponent -= 1
    return exponent

"""Charts as SVG elements in plain numbers; the templates draw them, the stylesheet colours them.

Every chart is drawn in a box of 1000 × 100 units that the page stretches; words and numbers stand beside it, as text.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from .figures import percent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .choice import Choice

    Row = dict[str, Any]

WIDTH, HEIGHT = 1000.0, 100.0
#: A slot with more than this share of failures is drawn as failing, with any failure as degraded.
FAILING = 0.2
COLORS = 6
#: More lines than these are not told apart.
MOST_LINES = 12
STATES = {
    "healthy": "ok", "at_risk": "degraded", "unhealthy": "failing", "unknown": "none",
    **dict.fromkeys(("timeout", "servfail", "refused", "unreachable", "malformed", "error", "referral"), "failing"),
    **dict.fromkeys(("nodata", "nxdomain"), "degraded"),
}  # fmt: skip


class Bar(Struct, frozen=True):
    """One slot of time: where it stands, how tall it is, how it was, and that in words."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    label: str


class Line(Struct, frozen=True):
    """One series: its path, its colour's number, and what it says in words."""

    name: str
    path: str
    number: int
    least: str
    most: str
    last: str


class Chart(Struct, frozen=True):
    """Bars or lines with their axes; `says` is all of it in a sentence."""

    bars: list[Bar]
    lines: list[Line]
    ticks: list[str]
    """Of the vertical axis, from the top."""
    times: list[str]
    says: str
    more: int = 0
    """Lines that are not drawn."""


class Band(Struct, frozen=True):
    """One row of a timeline."""

    name: str
    spans: list[Bar]
    last: str


class Timeline(Struct, frozen=True):
    """Bands over one time, and what their colours mean."""

    bands: list[Band]
    legend: list[tuple[str, str]]
    times: list[str]


def slots(choice: Choice) -> list[dt.datetime]:
    """The beginnings of a chart's slots, in order."""
    step = choice.step
    first = int(choice.start.timestamp() // step) * step
    return [dt.datetime.fromtimestamp(at, dt.UTC) for at in range(first, int(choice.end.timestamp()) + 1, step)]


def since_first(choice: Choice, rows: Iterable[Row]) -> Choice:
    """A shorter choice for an estate that is watched for less than was asked for."""
    from msgspec import structs  # noqa: PLC0415 - beside its only use

    first = min((row["time"] for row in rows), default=choice.end)
    quarter = choice.end - dt.timedelta(minutes=15)
    start = max(choice.start, min(first, quarter))
    return choice if start == choice.start else structs.replace(choice, start=start)


def availability(rows: Iterable[Row], choice: Choice) -> list[Bar]:
    """A bar for each slot of rows `time`, `total`, `failed`: full where all was answered, shorter by what failed."""
    by_time = {row["time"]: (int(row["total"]), int(row["failed"])) for row in rows}
    times = slots(choice)
    step = WIDTH / len(times)
    bars = []
    for index, time in enumerate(times):
        total, failed = by_time.get(time, (0, 0))
        share = failed / total if total else 0.0
        kind = "none" if not total else "failing" if share > FAILING else "degraded" if failed else "ok"
        height = HEIGHT if not total else HEIGHT * max(0.15, 1 - share)
        label = f"{_time(time, choice)}: " + (f"{percent(1 - share)} of {total} answered" if total else "no data")
        bars.append(Bar(round(index * step, 2), HEIGHT - height, round(step * 0.82, 2), height, kind, label))
    return bars


def lines(rows: Sequence[Row], value: str, choice: Choice, shown: Callable[[float | None], str], *,
          what: str, top: float | None = None, names: Sequence[str] | None = None) -> Chart:  # fmt: skip
    """Lines over time.

    Args:
        rows: `time`, `metric` and a number; or `time` and a number for each of `names`.
        value: the number's column, without `names`.
        choice: whose time is drawn.
        shown: a number for people.
        what: is drawn, in words.
        top: of the vertical axis, which begins at 0.
        names: columns that are lines of their own.
    """
    points: dict[str, list[tuple[dt.datetime, float]]] = {}
    for row in rows:
        for name, number in ((n, row[n]) for n in names) if names else ((str(row["metric"]), row[value]),):
            if number is not None:
                points.setdefault(name, []).append((row["time"], float(number)))
    worst = sorted(points, key=lambda name: (-max(v for _, v in points[name]), name))[:MOST_LINES]
    order = [name for name in (names or sorted(points)) if name in points and (names or name in worst)]
    peak = max((v for name in order for _, v in points[name]), default=0.0)
    ceiling = top if top is not None else _ceiling(peak * 1000) / 1000 if peak else 1.0
    drawn = [
        _line(name, points[name], number, choice, ceiling, shown) for number, name in enumerate(order)
    ]  # fmt: skip
    said = "; ".join(f"{line.name} {line.least} to {line.most}, at last {line.last}" for line in drawn)
    return Chart(
        bars=[], lines=drawn, ticks=[shown(ceiling), shown(ceiling / 2), shown(0.0)], times=ticks(choice),
        says=f"{what}, {choice.called}: {said or 'nothing'}", more=len(points) - len(order),
    )  # fmt: skip


def stacked(rows: Sequence[Row], names: Sequence[str], choice: Choice, *, what: str) -> Chart:
    """A bar for each slot, of what there was of each name; the legend has the sums."""
    by_time = {row["time"]: row for row in rows}
    sums = {name: sum(int(row[name] or 0) for row in rows) for name in names}
    there = [name for name in names if sums[name]]
    most = max((sum(int(row[name] or 0) for name in there) for row in rows), default=0)
    ceiling = _ceiling(float(most)) if most else 1.0
    times = slots(choice)
    step = WIDTH / len(times)
    bars = []
    for index, time in enumerate(times):
        y, row = HEIGHT, by_time.get(time)
        for number, name in enumerate(there):
            count = int(row[name] or 0) if row else 0
            if count:
                height = HEIGHT * count / ceiling
                y -= height
                label = f"{_time(time, choice)}: {count} {name}"
                bars.append(Bar(round(index * step, 2), round(y, 2), round(step * 0.82, 2), round(height, 2),
                                f"c{number % COLORS}", label))  # fmt: skip
    drawn = [Line(name, "", number % COLORS, "", "", f"{sums[name]}") for number, name in enumerate(there)]
    said = ", ".join(f"{sums[name]} {name}" for name in there)
    return Chart(
        bars=bars, lines=drawn, ticks=[f"{ceiling:.0f}", f"{ceiling / 2:g}", "0"], times=ticks(choice),
        says=f"{what}, {choice.called}: {said or 'none'}",
    )  # fmt: skip


def timeline(rows: Iterable[Row], choice: Choice, *, known: bool = True) -> Timeline:
    """Bands of states from rows `time`, `series`, `state`, each of which lasts until the next of its series.

    Args:
        rows: in the order of time.
        choice: whose time is drawn.
        known: states are words of ours; else texts of others, which get a colour each.
    """
    series: dict[str, list[tuple[dt.datetime, str]]] = {}
    for row in rows:
        states = series.setdefault(str(row["series"]), [])
        if not states or states[-1][1] != str(row["state"]):
            states.append((row["time"], str(row["state"])))
    kinds: dict[str, str] = {}
    for state in dict.fromkeys(state for states in series.values() for _, state in states):
        kinds[state] = STATES.get(state) or (
            "none" if known else f"c{len([k for k in kinds.values() if k[0] == 'c']) % COLORS}"
        )
    span = (choice.end - choice.start).total_seconds()

    def x(time: dt.datetime) -> float:
        return round(min(max((time - choice.start).total_seconds() / span, 0), 1) * WIDTH, 2)

    bands = []
    for name, states in series.items() if known else sorted(series.items()):
        spans = []
        for (time, state), following in zip(states, [*states[1:], (choice.end, "")], strict=True):
            left, right = x(time), x(following[0])
            label = f"{_time(max(time, choice.start), choice)} – {_time(following[0], choice)}: {state}"
            spans.append(Bar(left, 0, max(right - left - 1, 2), HEIGHT, kinds[state], label))
        bands.append(Band(name, spans, states[-1][1]))
    return Timeline(bands, list(kinds.items()), ticks(choice))


def ticks(choice: Choice) -> list[str]:
    """Five times of a horizontal axis."""
    span = choice.end - choice.start
    return [_time(choice.start + span * part / 4, choice) for part in range(5)]


def _line(name: str, points: Sequence[tuple[dt.datetime, float]], number: int, choice: Choice, ceiling: float,
          shown: Callable[[float | None], str]) -> Line:  # fmt: skip
    span, commands = (choice.end - choice.start).total_seconds(), []
    previous: dt.datetime | None = None
    for time, value in points:
        x = round(min(max((time - choice.start).total_seconds() / span, 0), 1) * WIDTH, 1)
        y = round(HEIGHT - min(value / ceiling, 1) * HEIGHT, 1)
        # A gap in the data is a gap in the line.
        gap = previous is None or (time - previous).total_seconds() > 2.5 * choice.step
        commands.append(f"{'M' if gap else 'L'}{x} {y}")
        previous = time
    values = [value for _, value in points]
    return Line(name, " ".join(commands), number % COLORS, shown(min(values)), shown(max(values)), shown(values[-1]))


def _time(time: dt.datetime, choice: Choice) -> str:
    long = choice.end - choice.start > dt.timedelta(hours=48)
    return f"{time:%d %b %H:%M}" if long or time.date() != choice.end.date() else f"{time:%H:%M}"


def _ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value:
        power /= 10
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value)

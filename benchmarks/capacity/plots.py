"""The simulated weeks as pictures, with text and lines that can be read on white and on black."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

from .times import DAY, HOUR, WEEK

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .week.outcome import Week

_INK, _GRID = "#7a7f87", "#9aa0a6"
_COLOURS = ("#2f81f7", "#e8710a", "#1a9a5b", "#b04fd6")
_WIDTH = 600.0
_STYLE: Any = {
    "svg.hashsalt": "dnstower",  # the same picture has the same bytes
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "axes.titlesize": 11,
    "axes.titlecolor": _INK,
    "axes.titlelocation": "left",
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": _GRID,
    "grid.alpha": 0.25,
    "legend.frameon": False,
}


def lag(listed: Iterable[tuple[str, Week]], file: Path) -> None:
    """Events that wait, as seconds in which so many come, over the week."""
    listed = list(listed)
    with mpl.rc_context(_STYLE):
        figure, rows = plt.subplots(len(listed), 1, figsize=(9, 1.75 * len(listed)), sharex=True, layout="constrained")
        for axes, (name, week), colour in zip(rows, listed, _COLOURS, strict=False):
            rate = week.setting.load.rate
            days, behind = _most((sample.time, sample.waiting / rate) for sample in week.samples)
            axes.fill_between(days, 0.1, [max(0.1, seconds) for seconds in behind], color=colour, alpha=0.7, lw=0)
            axes.set_title(f"{name}: load {week.setting.load.rate / week.capacity:.0%} of what they can take")
            axes.set_yscale("log")
            axes.set_ylabel("waiting, s of load")
            axes.set_ylim(0.1, 3000)
            _happenings(axes, week, first=axes is rows[0])
        _week(rows[-1])
        _save(figure, file)


def delays(listed: Iterable[tuple[str, Week]], file: Path) -> None:
    """Which share of a fault's zones had an incident after how long."""
    listed = list(listed)
    names = [fault.name for fault in listed[0][1].faults]
    with mpl.rc_context(_STYLE):
        figure, columns = plt.subplots(1, len(names), figsize=(9, 3.4), sharey=True, layout="constrained")
        for axes, name in zip(columns, names, strict=True):
            for (label, week), colour, style in zip(listed, _COLOURS, ("-", "--", ":"), strict=False):
                fault = next(fault for fault in week.faults if fault.name == name)
                ordered = sorted(fault.delays)
                ordered = ordered[:: max(1, len(ordered) // 400)]
                shares = [fault.told / fault.zones * (n + 1) / len(ordered) for n in range(len(ordered))]
                axes.plot([delay / 60 for delay in ordered], shares, style, color=colour, label=label, lw=2)
            axes.set_title(name)
            axes.set_xscale("log")
            axes.set_xlabel("minutes, fault to incident")
            axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.set_ylim(0, 1.02)
        columns[0].set_ylabel("share of its zones")
        columns[0].yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        columns[-1].legend(loc="lower right", fontsize=8)
        _save(figure, file)


def pages(listed: Iterable[tuple[str, Week]], file: Path) -> None:
    """Pages a minute, with and without zones put together."""
    listed = list(listed)
    with mpl.rc_context(_STYLE):
        figure, rows = plt.subplots(len(listed), 1, figsize=(9, 1.75 * len(listed)), sharex=True, layout="constrained")
        for axes, (name, week), colour in zip(rows, listed, _COLOURS, strict=False):
            days, most = _most((minute * 60, number) for minute, number in week.pages.items())
            axes.fill_between(days, 0.5, [max(0.5, number) for number in most], color=colour, alpha=0.7, lw=0)
            axes.set_title(f"{name}: {sum(week.pages.values()):,} pages, {max(week.pages.values()):,} in one minute")
            axes.set_yscale("log")
            axes.set_ylim(0.5, 1e6)
            axes.set_ylabel("pages a minute")
            _happenings(axes, week, first=axes is rows[0])
        _week(rows[-1])
        _save(figure, file)


def _most(points: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Days, and the most in each ten minutes: as much as the eye sees of a week."""
    found = dict.fromkeys(range(int(WEEK / _WIDTH)), 0.0)
    for time, value in points:
        place = int(time / _WIDTH)
        found[place] = max(found[place], value)
    return [place * _WIDTH / DAY for place in found], list(found.values())


def _happenings(axes: Axes, week: Week, *, first: bool) -> None:
    setting = week.setting
    for time, what in (
        (setting.dark[0], "region dark"), (setting.provider[0], "provider out"), (setting.death, "a member dies"),
        (setting.parent[0], "TLD fails"), (setting.pause[0], "database pauses"),
    ):  # fmt: skip
        axes.axvline(time / DAY, color=_INK, lw=0.8, ls=":")
        if first:
            axes.annotate(what, (time / DAY, 0.86), (3, 0), xycoords=("data", "axes fraction"),
                          textcoords="offset points", fontsize=8, color=_INK)  # fmt: skip


def _week(axes: Axes) -> None:
    axes.set_xlim(0, WEEK / DAY)
    axes.set_xticks(
        [n + 12 * HOUR / DAY for n in range(7)], ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    )  # fmt: skip
    axes.tick_params(axis="x", length=0)


def _save(figure: Figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, transparent=True, metadata={"Date": None})
    plt.close(figure)

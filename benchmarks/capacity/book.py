"""``docs/scale.md`` and its pictures, made anew: the tables of the model, and the weeks of the simulation."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import msgspec

from . import plots
from .page import filled, tables, weeks
from .week.capacity import capacity
from .week.setting import Setting
from .week.simulation import run

if TYPE_CHECKING:
    from pathlib import Path

    from .coefficients import Coefficients
    from .week.outcome import Week


def settings(figures: Coefficients) -> dict[str, Setting]:
    """The weeks of the page: a group that is planned tight, one with room, its zones for themselves, and Flink."""
    one = Setting(members=1)
    flink = msgspec.structs.replace(one, engine="flink")

    def members(setting: Setting, load: float) -> Setting:
        number = math.ceil(setting.load.rate / (load * capacity(setting, figures)))
        return msgspec.structs.replace(setting, members=number)

    tight, roomy, slots = members(one, 0.85), members(one, 0.6), members(flink, 0.6)
    alone = msgspec.structs.replace(roomy, together=False)
    return {
        f"group, {tight.members} workers": tight,
        f"group, {roomy.members} workers": roomy,
        "the same, each zone for itself": alone,
        f"Flink, {slots.members} slots": slots,
    }


def write(figures: Coefficients, docs: Path) -> int:
    """Simulate, draw, and fill the page's tables; says how long it took."""
    began = time.monotonic()
    found = {name: run(setting, figures) for name, setting in settings(figures).items()}
    draw(found, docs / "pictures")
    page = docs / "scale.md"
    page.write_text(filled(page.read_text(), tables(figures) | {"weeks": weeks(found.items())}))
    events = sum(week.events for week in found.values())
    print(f"{page}: {len(found)} weeks, {events:,} events, {time.monotonic() - began:.0f} s")
    return 0


def draw(found: dict[str, Week], pictures: Path) -> None:
    """Three pictures: what waits, how late incidents are, how many page."""
    listed = list(found.items())
    tight, roomy, alone, slots = listed
    plots.lag([tight, roomy, slots], pictures / "scale-lag.svg")
    plots.delays([roomy, alone, slots], pictures / "scale-delay.svg")
    plots.pages([alone, roomy], pictures / "scale-pages.svg")

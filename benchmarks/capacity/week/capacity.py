"""What one member of an engine can take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.capacity.model.workers import worker_cores
from benchmarks.capacity.times import STEP

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .setting import Setting


def capacity(setting: Setting, figures: Coefficients) -> float:
    """Events a second that one member takes: of CPU alone, the database keeping up."""
    load = setting.load
    if setting.engine == "flink":
        ticks = load.zones / STEP * figures["tick_cpu"] / load.rate
        return 1.0 / (setting.flink_cost * (figures["judge_cpu"] + ticks))
    return load.rate / worker_cores(load, figures)

"""What judges: its cores, its processes, and the partitions that they share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .states import written

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .ground import Ground
    from .load import Load
    from .mode import Mode


def worker_cores(load: Load, figures: Coefficients) -> float:
    """Cores that judging and storing take of the workers, PostgreSQL not with them."""
    return load.rate * figures["worker_event"] + written(load, figures, "worker")


def judging_cores(load: Load, figures: Coefficients, mode: Mode) -> float | None:
    """Cores of what judges in this mode: on Flink it stores nothing. ``None`` where that is not measured."""
    if mode != "flink":
        return worker_cores(load, figures)
    return load.rate * figures["flink_judge_cpu"] if figures.has("flink_judge_cpu") else None


def processes(cores: float, ground: Ground) -> int:
    """Of one core each, as busy as planned."""
    return max(1, math.ceil(cores / ground.busy))


def partitions(workers: int) -> int:
    """Two for each worker, so that one that is gone is shared by many; and a round number, for it seldom changes.

    That is the next of 4, 6, 8, 12, 16, 24, 32, …: halves of it are whole.
    """
    size = 4
    while size < 2 * workers:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size

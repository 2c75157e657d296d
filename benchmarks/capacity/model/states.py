"""States of zones: how large one is, and how often they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from benchmarks.capacity.times import STEP, WINDOW

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .load import Load


def state(load: Load, figures: Coefficients) -> float:
    """Bytes of one zone's state, as it is written: of its questions, and of what they brought in half an hour.

    Two answers within a step of the rules are one sample.
    """
    return load.asked * figures["state_question"] + samples(load) * figures["state_sample"]


def samples(load: Load) -> float:
    """Of a zone, in half an hour."""
    return min(WINDOW / STEP, load.asked * WINDOW / load.interval)


def writes(load: Load, figures: Coefficients) -> float:
    """States that are written a second: those of zones that events came of (a batch a second), and once more as their
    step ends."""
    events = load.asked / load.interval
    return load.zones * (min(1.0, events) + min(1.0 / STEP, figures["step_writes"] * events))


def written(load: Load, figures: Coefficients, of: Literal["worker", "postgres", "wal"]) -> float:
    """What is spent each second on states that are written: a worker's cores, PostgreSQL's, or bytes of WAL."""
    each = figures[f"{of}_write"] + state(load, figures) * figures[f"{of}_byte"]
    return writes(load, figures) * each

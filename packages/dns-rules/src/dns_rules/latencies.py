"""Latencies as steps of a fourth of a power of two, from a tenth of a millisecond on: small numbers to be counted."""

from __future__ import annotations

from math import log2

#: Seconds.
_FINEST = 0.0001
#: Between a latency and twice as much.
STEPS = 4


def step_of(seconds: float) -> int:
    """The step that a latency is in."""
    return max(0, int(log2(max(seconds, _FINEST) / _FINEST) * STEPS))


def seconds_of(step: float) -> float:
    """The middle of a step."""
    return float(_FINEST * 2 ** ((step + 0.5) / STEPS))

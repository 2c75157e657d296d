"""Latency histograms that merge: fixed buckets, so that a quantile over any stretch is exact to the bucket.

Bucket `i` counts latencies up to ``FIRST * 2 ** (i / 4)`` seconds: 19 % apart, from 0.1 ms to 32.8 s. What is
beyond the last boundary is counted in the last bucket.
"""

from __future__ import annotations

import math
from bisect import bisect_left

FIRST = 0.0001
#: Upper bounds in seconds.
BOUNDS: tuple[float, ...] = tuple(FIRST * 2 ** (i / 4) for i in range(74))
SIZE = len(BOUNDS)


def bucket(seconds: float) -> int:
    """The index of the bucket of a latency."""
    return min(bisect_left(BOUNDS, seconds), SIZE - 1)


def quantile(counts: list[int] | tuple[int, ...], share: float) -> float | None:
    """The upper bound in seconds of the bucket in which the quantile lies; ``None`` without data."""
    total = sum(counts)
    if total == 0:
        return None
    rank = max(1, math.ceil(share * total))
    seen = 0
    for index, count in enumerate(counts):
        seen += count
        if seen >= rank:
            return BOUNDS[index]
    return BOUNDS[-1]

"""How many incidents were open at the end of each minute."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MINUTE = dt.timedelta(minutes=1)


class Life(NamedTuple):
    """Of one incident."""

    severity: str
    since: dt.datetime
    until: dt.datetime | None
    """``None``: it is open still."""


def open_at_end(lives: Iterable[Life], minutes: Sequence[dt.datetime]) -> dict[dt.datetime, dict[str, int]]:
    """Counts by minute and severity.

    Args:
        lives: of incidents, in any order.
        minutes: in their order.
    """
    steps: dict[str, list[int]] = {}
    for life in lives:
        first = bisect_right(minutes, life.since - _MINUTE)
        last = len(minutes) if life.until is None else bisect_right(minutes, life.until - _MINUTE)
        if first < last:
            changes = steps.setdefault(life.severity, [0] * (len(minutes) + 1))
            changes[first] += 1
            changes[last] -= 1
    found: dict[dt.datetime, dict[str, int]] = {minute: {} for minute in minutes}
    for severity, changes in sorted(steps.items()):
        for minute, count in zip(minutes, accumulate(changes), strict=False):
            if count:
                found[minute][severity] = count
    return found

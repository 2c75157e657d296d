"""How much of what strangers report is taken. Pure; time is passed in, in monotonic seconds."""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

_MOST_REPORTERS = 10_000
_MOST_REMEMBERED = 50_000


class Limits:
    """Bounds for each reporter, for all together, and for the same report again.

    Args:
        each: reports a second from one address.
        all_: reports a second in all.
        again: seconds within which the same report of the same reporter counts once.
    """

    def __init__(self, each: float, all_: float, again: float) -> None:
        self._each, self._all, self._again = each, all_, again
        self._left, self._filled = all_, 0.0
        self._reporters: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._seen: OrderedDict[tuple[str, object], float] = OrderedDict()

    def take(self, reporter: str, report: object, now: float) -> Literal["taken", "repeated", "over_limit"]:
        """Whether a report counts."""
        key = reporter, report
        if now - self._seen.get(key, float("-inf")) < self._again:
            return "repeated"
        self._left = min(self._all, self._left + (now - self._filled) * self._all)
        self._filled = now
        left, filled = self._reporters.pop(reporter, (self._each, now))
        left = min(self._each, left + (now - filled) * self._each)
        fine = left >= 1 and self._left >= 1
        self._reporters[reporter] = (left - 1 if fine else left, now)
        if len(self._reporters) > _MOST_REPORTERS:
            self._reporters.popitem(last=False)
        if not fine:
            return "over_limit"
        self._left -= 1
        self._seen[key] = now
        self._seen.move_to_end(key)
        while self._seen and (
            len(self._seen) > _MOST_REMEMBERED or now - next(iter(self._seen.values())) > self._again
        ):
            self._seen.popitem(last=False)
        return "taken"

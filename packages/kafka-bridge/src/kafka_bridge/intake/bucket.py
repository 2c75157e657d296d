"""A token bucket: a rate that can be saved up for a while."""

from __future__ import annotations


class Bucket:
    """Holds what may still be taken. Who shares it locks it.

    Args:
        rate: what flows in each second.
        burst: seconds until it is full.
        now: seconds of a monotonic clock.
    """

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._most = rate * burst
        self._level = self._most
        self._at = now

    def take(self, amount: float, now: float) -> float:
        """Take all of it and return 0, or nothing and return the seconds to wait.

        More than it ever holds is taken once it is full, and owed: a large request waits, but is never stuck.
        """
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now
        lacking = min(amount, self._most) - self._level
        if lacking > 0:
            return lacking / self._rate
        self._level -= amount
        return 0.0

    def owe(self, amount: float) -> None:
        """Take what was used already; below zero it is given back."""
        self._level -= amount

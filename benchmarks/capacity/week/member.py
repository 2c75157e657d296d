"""A worker or a slot: what waits for it."""

from __future__ import annotations


class Member:
    """It takes events at its capacity, or none while it is stopped. It has no clock: it is told how late it is."""

    def __init__(self, rate: float, capacity: float) -> None:
        self._rate, self._capacity = rate, capacity
        self._stopped = False
        self._waiting = 0.0
        self._since = 0.0

    @property
    def waiting(self) -> float:
        """Events, when it was followed last."""
        return self._waiting

    @property
    def stopped(self) -> bool:
        """Whether it takes nothing."""
        return self._stopped

    def follow(self, now: float) -> None:
        """Until now nothing changed."""
        speed = 0.0 if self._stopped else self._capacity
        self._waiting = max(0.0, self._waiting + (self._rate - speed) * (now - self._since))
        self._since = now

    def delay(self, now: float) -> float:
        """Seconds until what comes now is taken."""
        self.follow(now)
        return self._waiting / self._capacity

    def pace(self, now: float, rate: float) -> None:
        """From now on so many events a second come."""
        self.follow(now)
        self._rate = rate

    def stop(self) -> None:
        """It takes nothing from when it was followed last."""
        self._stopped = True

    def start(self) -> None:
        """It takes events again."""
        self._stopped = False

    def add(self, events: float) -> None:
        """That wait beside the others."""
        self._waiting += events

    def redo(self, seconds: float) -> None:
        """What came in them waits again."""
        self.add(self._rate * seconds)

    def drop(self) -> None:
        """Nothing waits for it any more."""
        self._waiting = 0.0

"""All members of an engine, and how the zones are spread over them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .member import Member

if TYPE_CHECKING:
    import random

    from benchmarks.capacity.model.load import Load


class Members:
    """They share the load as they share the zones, and are stopped and started together; one of them can be lost."""

    def __init__(self, load: Load, number: int, capacity: float, chance: random.Random) -> None:
        # Zones are spread by a hash: some members have a few more.
        spread = 1.0 / math.sqrt(load.zones / number)
        weights = [chance.gauss(1.0, spread) for _ in range(number)]
        self._weights = [weight / sum(weights) for weight in weights]
        self._total = load.rate
        self._members = [Member(load.rate * weight, capacity) for weight in self._weights]

    @property
    def waiting(self) -> float:
        """Events, when they were followed last."""
        return sum(member.waiting for member in self._members)

    @property
    def heirs(self) -> int:
        """How many take over what one has; one that is alone waits for itself."""
        return len(self._others)

    @property
    def lost(self) -> float:
        """The share of zones of the one that can be lost."""
        return self._weights[0]

    def one(self, chance: random.Random) -> Member:
        """Any."""
        return chance.choice(self._members)

    def last(self) -> Member:
        """The one for which most waited, when they were followed last."""
        return max(self._members, key=lambda member: member.waiting)

    def follow(self, now: float) -> None:
        """Until now nothing changed."""
        for member in self._members:
            member.follow(now)

    def pace(self, now: float, total: float) -> None:
        """From now on so many events a second come for all of them."""
        self._total = total
        for member, weight in zip(self._members, self._weights, strict=True):
            member.pace(now, total * weight)

    def stop(self, now: float) -> None:
        """None of them takes anything from now on."""
        self.follow(now)
        for member in self._members:
            member.stop()

    def start(self, now: float) -> None:
        """All of them take events from now on."""
        self.follow(now)
        for member in self._members:
            member.start()

    def redo(self, seconds: float) -> None:
        """What came in them waits again."""
        for member in self._members:
            member.redo(seconds)

    def lose(self, now: float) -> None:
        """One is gone, and what comes for it waits."""
        self.follow(now)
        self._gone.stop()

    def take_over(self, now: float) -> None:
        """The others have its zones, and what waited for it."""
        self.follow(now)
        gone, others = self._gone, self._others
        for member in others:
            member.add(gone.waiting / len(others))
        if gone not in others:
            self._weights = [0.0, *(weight + self.lost / len(others) for weight in self._weights[1:])]
            gone.drop()
        self.pace(now, self._total)

    def restore(self, now: float) -> None:
        """It is there again, and all have as many zones."""
        self._weights = [1.0 / len(self._members)] * len(self._members)
        self._gone.start()
        self.pace(now, self._total)

    @property
    def _gone(self) -> Member:
        """The first stands for any."""
        return self._members[0]

    @property
    def _others(self) -> list[Member]:
        return self._members[1:] or [self._gone]

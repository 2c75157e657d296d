"""What comes in: more by day than by night, and what a region kept while it was dark."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.capacity.times import DAY

if TYPE_CHECKING:
    import random

    import simpy

    from .members import Members
    from .process import Process
    from .setting import Setting


class Arriving:
    """Two reasons why the rate changes; the members are told each time."""

    def __init__(self, env: simpy.Environment, setting: Setting, chance: random.Random, members: Members) -> None:
        self._env, self._setting, self._chance, self._members = env, setting, chance, members
        self._factor, self._burst = 1.0, 0.0

    def hours(self) -> Process:
        """Up by day, down by night, a little by chance, every ten minutes."""
        while True:
            angle = 2 * math.pi * (self._env.now / DAY - 14 / 24)
            self._factor = 1.0 + self._setting.wave * math.cos(angle) + self._chance.gauss(0.0, 0.01)
            self._pace(self._burst)
            yield self._env.timeout(600.0)

    def dark(self) -> Process:
        """A region is silent; then it sends what it kept, as fast as half of the whole load, beside what is new."""
        start, length = self._setting.dark
        yield self._env.timeout(start)
        load = self._setting.load
        own, kept = load.rate / load.regions, load.rate / 2
        self._pace(-own)
        yield self._env.timeout(length)
        self._pace(kept)
        yield self._env.timeout(own * length / kept)
        self._pace(0.0)

    def _pace(self, burst: float) -> None:
        self._burst = burst
        self._members.pace(self._env.now, max(0.0, self._setting.load.rate * self._factor + burst))

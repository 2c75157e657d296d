"""From the bus to the correlation: findings come after what waits before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    import simpy

    from .batch import Batch
    from .correlation import Correlation
    from .members import Members
    from .process import Process

#: Seconds until it is seen whether a member that stopped goes on.
_AGAIN = 5.0


class Judged:
    """Members differ, and the longest queue is the last to tell."""

    def __init__(
        self, env: simpy.Environment, chance: random.Random, members: Members, correlation: Correlation
    ) -> None:
        self._env, self._chance, self._members, self._correlation = env, chance, members, correlation

    def add(self, batch: Batch) -> None:
        """Their events are on the bus now."""
        self._env.process(self._judge(batch))

    def _judge(self, batch: Batch) -> Process:
        member = self._members.one(self._chance) if batch.number == 1 else self._members.last()
        yield self._env.timeout(member.delay(self._env.now))
        while member.stopped:
            yield self._env.timeout(_AGAIN)
        self._correlation.add(batch)

"""The correlation: its queue, its turns, and what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import simpy

    from benchmarks.capacity.coefficients import Coefficients

    from .batch import Batch
    from .ledger import Ledger
    from .process import Process
    from .setting import Setting

#: Findings for which the cost of each is taken to be the same.
_PART = 500
#: Seconds until it tries again to write.
_AGAIN = 5.0


class Correlation:
    """One for all: a turn a second, of all that waits; each finding looks at every incident that is open."""

    def __init__(self, env: simpy.Environment, setting: Setting, figures: Coefficients, ledger: Ledger) -> None:
        self._env, self._setting, self._figures, self._ledger = env, setting, figures, ledger
        self._queue: list[Batch] = []
        self._arrived = env.event()
        self._open, self._working = 0.0, 0

    @property
    def waiting(self) -> int:
        """Findings that are not correlated yet."""
        return self._working + sum(batch.number for batch in self._queue)

    @property
    def open(self) -> float:
        """Incidents."""
        return self._open

    def add(self, batch: Batch) -> None:
        """It waits for the next turn."""
        self._queue.append(batch)
        if not self._arrived.triggered:
            self._arrived.succeed()

    def turns(self) -> Process:
        """One after the other, without end."""
        setting = self._setting
        while True:
            if not self._queue:
                self._arrived = self._env.event()
                yield self._arrived
            if setting.engine == "group" and setting.paused(self._env.now):
                yield self._env.timeout(_AGAIN)
                continue
            done: list[Batch] = []
            yield from self._work(done)
            # All of the state is written with the turn, and nothing of it is told before.
            yield self._env.timeout(setting.turn + self._open * self._figures["correlate_dump"])
            while setting.paused(self._env.now):
                yield self._env.timeout(_AGAIN)
            for batch in done:
                if not batch.cleared:
                    self._ledger.tell(batch, self._env.now)

    def _work(self, done: list[Batch]) -> Process:
        """All that waits, in parts, because each costs more than the one before it."""
        batches, self._queue = self._queue, []
        while batches:
            part, rest = batches.pop(0).split(_PART)
            cost = part.number * self._cost(part)
            if rest is not None:
                batches.insert(0, rest)
            self._open = max(0.0, self._open + (-part.pages if part.cleared else part.pages))
            self._working = sum(batch.number for batch in batches) + part.number
            yield self._env.timeout(cost)
            done.append(part)
        self._working = 0

    def _cost(self, batch: Batch) -> float:
        """Of one finding: it looks at every open incident, and at the zones of the one that it joins."""
        figures = self._figures
        joins = batch.pages < batch.number and not batch.cleared
        joined = self._ledger.zones(batch.fault) / self._setting.load.teams if joins else 0.0
        each = figures["correlate_cpu"] + self._open * figures["correlate_open"]
        return each + joined / 2 * figures["correlate_joined"]

"""A look at all queues, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .outcome import Sample

if TYPE_CHECKING:
    import simpy

    from .correlation import Correlation
    from .members import Members
    from .process import Process


class Watch:
    """What it saw."""

    def __init__(self, env: simpy.Environment, members: Members, correlation: Correlation) -> None:
        self._env, self._members, self._correlation = env, members, correlation
        self._samples: list[Sample] = []

    @property
    def samples(self) -> tuple[Sample, ...]:
        """By time."""
        return tuple(self._samples)

    def look(self) -> Process:
        """Every minute, and every 5 s while something waits."""
        while True:
            sample = self.note()
            yield self._env.timeout(5.0 if sample.waiting or sample.findings else 60.0)

    def note(self) -> Sample:
        """How it is now."""
        self._members.follow(self._env.now)
        sample = Sample(self._env.now, self._members.waiting, self._correlation.waiting, self._correlation.open)
        self._samples.append(sample)
        return sample

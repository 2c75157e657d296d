"""This probe: who it is, and how far its clock can be believed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import structs

from . import clock

if TYPE_CHECKING:
    from dns_events import Probe

_EVERY = 60.0


class Observer:
    """Gives the probe's own part of every event.

    Args:
        probe: its id, region and network.
        clock_age: seconds since the clock was synchronized, where that is configured; measured otherwise.
    """

    def __init__(self, probe: Probe, clock_age: float | None = None) -> None:
        self._probe = probe
        self._configured = clock_age
        self._read = float("-inf")

    def probe(self) -> Probe:
        """This probe, with the age of its clock; the same object until that is read again."""
        now = time.monotonic()
        if now - self._read > _EVERY:
            self._read = now
            age = self._configured if self._configured is not None else clock.age()
            self._probe = structs.replace(self._probe, clock_age=age)
        return self._probe

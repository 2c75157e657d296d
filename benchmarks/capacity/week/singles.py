"""Zones that fail by themselves, now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.capacity.times import DAY

from .batch import Batch
from .noticed import noticed

if TYPE_CHECKING:
    import random

    import simpy

    from .judged import Judged
    from .ledger import Ledger
    from .process import Process
    from .setting import Setting

NAME = "zones of their own"
#: Seconds from one's incident to its end.
_LASTS = 1800.0


def singles(env: simpy.Environment, setting: Setting, chance: random.Random, judged: Judged, ledger: Ledger) -> Process:
    """One after the other begins, without end; each is a process of its own."""

    def one() -> Process:
        began = env.now
        ledger.hit(NAME, 1)
        yield env.timeout(noticed(setting, chance))
        judged.add(Batch(NAME, began, 1, 1))
        yield env.timeout(_LASTS)
        judged.add(Batch(NAME, began, 1, 1, cleared=True))

    mean = 365 * DAY / (setting.zone_faults * setting.load.zones)
    while True:
        yield env.timeout(chance.expovariate(1.0 / mean))
        env.process(one())

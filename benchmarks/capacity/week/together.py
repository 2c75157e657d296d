"""Many zones that fail for one cause, at once or as caches run out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.capacity.times import STEP

from .batch import Batch
from .noticed import noticed

if TYPE_CHECKING:
    import random

    import simpy

    from .judged import Judged
    from .ledger import Ledger
    from .process import Process
    from .setting import Setting

#: Zones that are drawn, and stand for all: each for so many.
_DRAWN = 20_000


class Cause(NamedTuple):
    """What they have in common."""

    name: str
    start: float
    length: float
    share: float
    """Of all zones."""
    ttl: float = 0.0
    """Seconds within which caches run out, each at its own moment; 0 where it is seen at once."""


class _Slice(NamedTuple):
    """Zones of which it is noticed at one step of the rules."""

    time: float
    began: float
    """When they began to fail, on average."""
    zones: int


def together(
    env: simpy.Environment, setting: Setting, chance: random.Random, judged: Judged, ledger: Ledger, cause: Cause
) -> Process:
    """It begins, is noticed by the steps of the rules, and is over."""
    yield env.timeout(cause.start)
    owners = _Owners(setting.load.teams)
    seen = told = 0
    first = math.inf
    for place in _slices(setting, cause, chance):
        yield env.timeout(max(0.0, cause.start + place.time - env.now))
        if cause.ttl and place.time - first >= setting.joins:
            first, owners = place.time, _Owners(setting.load.teams)  # later ones are incidents anew
        first = min(first, place.time)
        met = owners.meet(place.zones)
        pages = met if setting.together else place.zones
        seen, told = seen + place.zones, told + pages
        ledger.hit(cause.name, place.zones)
        judged.add(Batch(cause.name, cause.start + place.began, place.zones, pages))
    over = cause.start + cause.length
    yield env.timeout(max(0.0, over + setting.window - env.now))
    if seen:
        judged.add(Batch(cause.name, over, seen, told, cleared=True))


class _Owners:
    """How many of them have been met, of so many zones that belong to them by chance."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._zones = self._met = 0

    def meet(self, zones: int) -> int:
        """Those that have not been met before."""
        self._zones += zones
        before, self._met = self._met, round(self._number * (1 - (1 - 1 / self._number) ** self._zones))
        return self._met - before


def _slices(setting: Setting, cause: Cause, chance: random.Random) -> list[_Slice]:
    hit = round(setting.load.zones * cause.share)
    drawn = min(hit, _DRAWN)
    slices: dict[int, tuple[int, float]] = {}
    for _ in range(drawn):
        begins = chance.uniform(0.0, cause.ttl) if cause.ttl else 0.0
        time = begins + noticed(setting, chance)
        if time - setting.hold > cause.length:  # it is over before the window is full
            continue
        number, total = slices.get(int(time // STEP), (0, 0.0))
        slices[int(time // STEP)] = (number + 1, total + begins)
    found = []
    so_far = seen = 0
    for place, (number, total) in sorted(slices.items()):
        so_far += number
        zones = round(so_far * hit / drawn) - seen
        seen += zones
        found.append(_Slice(place * STEP, total / number, zones))
    return found

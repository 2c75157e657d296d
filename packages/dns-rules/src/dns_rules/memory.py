"""What is worked out once for a zone and kept beside its state: never saved, and the same after a restart.

It is made of the zone's inventory entry, the rule pack and what is saved, and nothing that is said depends on
how old it is. When the entry or the pack is replaced, it begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .routes import Routes
from .rules import Sustained, scaled
from .state import MICROS, moment
from .window import Window

if TYPE_CHECKING:
    from .inventory import Allow, Zone
    from .rules import Rule, Rules
    from .state import Tallies, ZoneState

#: The least that tallies are kept for, so that health can look at the last minutes.
_RING = 120 * MICROS
#: Sooner than anything is due.
ALWAYS = -(1 << 63)
_PLACE = "memory"
_CHANGES = 64


class Memory:
    """One zone's.

    Args:
        state: what is saved of the zone.
        zone: the inventory's entry.
        rules: the rule pack.
    """

    __slots__ = ("_meant", "_windows", "failed", "oldest_answer", "oldest_reading", "ring", "routes", "rules", "zone")

    def __init__(self, state: ZoneState, zone: Zone, rules: Rules) -> None:
        self.zone = zone
        self.rules = rules
        self.routes = Routes(zone, rules)
        sustained = [rule.detect for rule in rules.rules if isinstance(rule.detect, Sustained)]
        self.ring = int(max([_RING, *(scaled(detect.window, zone.criticality) * MICROS for detect in sustained)]))
        """How long sealed tallies are kept, in microseconds."""
        self.oldest_answer = ALWAYS
        """No vantage's latest answer is older: nothing has to be forgotten until this is too old."""
        self.oldest_reading = ALWAYS
        """No probe's reading of a fact is older, and all are tracked."""
        self.failed: dict[str, int] = {}
        """By rule, the newest sealed bucket in which anything failed."""
        for slot, tallies in state.ring:
            self.note(slot, tallies)
        self._windows: dict[str, Window] = {}
        self._meant: dict[tuple[int, Allow], bool] = {}

    def note(self, slot: int, tallies: Tallies) -> None:
        """Learn of a bucket that was sealed."""
        for rule, places in tallies.items():
            if any(tally.failing for vantages in places.values() for tally in vantages.values()):
                self.failed[rule] = slot

    def window(self, rule: Rule, state: ZoneState) -> Window:
        """The running sums of one rule of the pack."""
        window = self._windows.get(rule.id)
        if window is None:
            window = self._windows[rule.id] = Window(rule, state)
        return window

    def meant(self, time: int, what: Allow) -> bool:
        """Whether a change of this kind, first seen at `time`, is in a change window of the zone."""
        known = self._meant.get((time, what))
        if known is None:
            if len(self._meant) >= _CHANGES:
                self._meant.clear()
            # Looked up once, for a recurring window counts its starts from the first one.
            known = self._meant[time, what] = self.zone.window(moment(time), what) is not None
        return known


def recall(state: ZoneState, zone: Zone, rules: Rules) -> Memory:
    """The memory beside a state, for this entry and this pack."""
    memory: Memory | None = vars(state).get(_PLACE)
    if memory is None or memory.zone is not zone or memory.rules is not rules:
        memory = vars(state)[_PLACE] = Memory(state, zone, rules)
    return memory


def memory_of(state: ZoneState) -> Memory:
    """The memory that `recall` has put beside a state."""
    memory: Memory = vars(state)[_PLACE]
    return memory

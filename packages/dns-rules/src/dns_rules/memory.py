"""What is worked out once for a zone and kept beside its state: never saved, and the same after a restart.

It is made of the zone's inventory entry, the rule pack and what is saved, and nothing that is said depends on
how old it is. When the entry or the pack is replaced, it begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .plans import Plans
from .routes import Routes
from .rules import (
    Absence,
    Baseline,
    Latency,
    Level,
    Match,
    Plugged,
    Rollover,
    Standing,
    Sustained,
    Transition,
    Volume,
    scaled,
)
from .state import MICROS, failing, moment
from .window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inventory import Allow, Zone
    from .rules import Detector, Rule, Rules
    from .spread import Spread
    from .state import ZoneState

#: The least that tallies are kept for, so that health can look at the last minutes.
_RING = 120 * MICROS
#: Sooner than anything is due.
ALWAYS = -(1 << 63)
_PLACE = "memory"
#: Of these is known when they may say something else with time alone.
DATED = (Level, Absence, Standing)
_CHANGES = 64


class Watchful(NamedTuple):
    """Rules of a pack, in its order."""

    rules: list[Rule]
    dated: list[Rule]
    """Those of which is known when they may say something else with time alone."""
    others: list[Rule]


class Memory:
    """One zone's.

    Args:
        state: what is saved of the zone.
        zone: the inventory's entry.
        rules: the rule pack.
    """

    __slots__ = (
        "_asked", "_meant", "_recorded", "_windows", "agreeing", "calm", "changed", "due", "failed", "failure",
        "faulty", "look", "oldest_answer", "plans", "quiet", "ring", "routes", "rules", "spreads", "stepped",
        "transitions", "typical", "voices_until", "waiting", "windows", "zone",
    )  # fmt: skip

    def __init__(self, state: ZoneState, zone: Zone, rules: Rules) -> None:
        self.zone = zone
        self.rules = rules
        self.plans = Plans(zone)
        self.routes = Routes(zone, rules, self.plans)
        detectors = [rule.detect for rule in rules.rules]
        windows = [
            each.window for each in detectors if isinstance(each, Sustained | Baseline | Volume | Latency | Match)
        ]
        self.ring = int(max([_RING, *(scaled(window, zone.criticality) * MICROS for window in windows)]))
        """How long sealed tallies are kept, in microseconds."""
        self.windows = {
            int(scaled(each.window, zone.criticality) * MICROS)
            for each in detectors
            if isinstance(each, Sustained | Match)
        }
        """Over how long failures are summed up, by rules that look at every step."""
        self.oldest_answer = ALWAYS
        """No vantage's latest answer is older: nothing has to be forgotten until this is too old."""
        self.voices_until = ALWAYS
        """Until then no probe's reading of a fact is too old to count, and all are tracked."""
        self._recorded = {rule.id: _questions(rule.detect, zone) for rule in rules.rules}
        self.changed = {question for questions in self._recorded.values() for question in questions}
        """Questions of tracked record sets that were answered otherwise since they were tracked."""
        self.failed: dict[str, int] = {}
        """By rule, the newest sealed bucket in which anything failed."""
        self.failure = ALWAYS
        """The newest of them all."""
        for slot, tallies in state.ring:
            self.note(slot, failing(tallies))
        self.calm: set[str] = set()
        """Rules whose facts are all as they should be, as long as none changes."""
        self.waiting: set[str] = set()
        """Rules that may say something else with time alone."""
        self._asked = _watchful(rules, policed=zone.ttl_minimum is not None)
        self.faulty = True
        """Whether the delegation has a fault, of which it is to be seen whether it lasts."""
        self.due: dict[str, int] = {}
        """Until when rules have nothing to say while all is well, as long as no fact and no tracked answer changes."""
        self.quiet = ALWAYS
        """The earliest of them."""
        self.look = ALWAYS
        """Until then the other rules have nothing to look at, while all is well and no fact changes."""
        self.stepped = ALWAYS
        """The last step at which all was well."""
        self.transitions = sum(isinstance(rule.detect, Transition) for rule in rules.rules)
        self.spreads: dict[str, Spread] = {}
        """Questions with more than one answer at the last step."""
        self.agreeing: set[str] = set()
        """Questions with one answer, from several regions or servers."""
        self.typical: dict[str, tuple[int, tuple[float, float] | None]] = {}
        """What is usual in an hour (in hours since 1970), by key of `ZoneState.usual`: median and median deviation."""
        self._windows: dict[tuple[str, bool], Window] = {}
        self._meant: dict[tuple[int, Allow], bool] = {}

    def note(self, slot: int, failing: Iterable[str]) -> None:
        """Learn of a bucket that was sealed, in which something failed in the eyes of these rules."""
        for rule in failing:
            self.failed[rule] = self.failure = slot

    def asked(self, state: ZoneState) -> Watchful:
        """The rules that may have something to say, or have something to learn, where all is well."""
        return self._asked[self.faulty, state.queries]

    def stir(self) -> None:
        """Work out anew until when rules have nothing to say."""
        self.due.clear()
        self.quiet = self.look = ALWAYS

    def window(self, rule: Rule, state: ZoneState, *, longer: bool = False) -> Window:
        """The running sums of one rule of the pack, and apart from them those of a longer time than its own."""
        window = self._windows.get((rule.id, longer))
        if window is None:
            window = self._windows[rule.id, longer] = Window(rule, state)
        return window

    def records(self, rule: Rule) -> tuple[str, ...]:
        """The questions whose answers a rule of the pack tracks."""
        return self._recorded[rule.id]

    def answered_otherwise(self, question: str) -> None:
        """Learn that a vantage gives another answer to a question, or none any more."""
        if any(question in questions for questions in self._recorded.values()):
            self.changed.add(question)

    def meant(self, time: int, what: Allow) -> bool:
        """Whether a change of this kind, first seen at `time`, is in a change window of the zone."""
        known = self._meant.get((time, what))
        if known is None:
            if len(self._meant) >= _CHANGES:
                self._meant.clear()
            # Looked up once, for a recurring window counts its starts from the first one.
            known = self._meant[time, what] = self.zone.window(moment(time), what) is not None
        return known


def _concerns(rule: Rule, *, faulty: bool, queries: bool) -> bool:
    if isinstance(rule.detect, Standing):
        return faulty
    return queries or not isinstance(rule.detect, Baseline | Volume) or rule.on != "traffic"


def _watchful(rules: Rules, *, policed: bool) -> dict[tuple[bool, bool], Watchful]:
    """By whether the delegation has a fault, and whether there are queries: the same for all zones of a pack."""
    shared: dict[bool, dict[tuple[bool, bool], Watchful]] = vars(rules).setdefault(_PLACE, {})
    if policed not in shared:
        listed = [rule for rule in rules.rules if _is_watchful(rule.detect, policed=policed)]
        found = shared[policed] = {}
        for faulty in (False, True):
            for queries in (False, True):
                asked = [rule for rule in listed if _concerns(rule, faulty=faulty, queries=queries)]
                found[faulty, queries] = Watchful(
                    asked,
                    [rule for rule in asked if isinstance(rule.detect, DATED)],
                    [rule for rule in asked if not isinstance(rule.detect, DATED)],
                )
    return shared[policed]


def _is_watchful(detect: Detector, *, policed: bool) -> bool:
    if isinstance(detect, Level) and detect.of == "ttl":
        return policed
    return isinstance(detect, Standing | Rollover | Baseline | Volume | Latency | Level | Absence | Plugged)


def _questions(detect: Detector, zone: Zone) -> tuple[str, ...]:
    """The questions of a rule's record patterns in this zone; answers that differ by design are not compared."""
    found = set()
    for pattern in detect.records if isinstance(detect, Transition | Level) else ():
        label, _, qtype = pattern.partition("/")
        if label == "*":
            found |= {f"{r.name}/{qtype}" for r in zone.records if r.type == qtype and isinstance(r.expect, tuple)}
        else:
            found.add(f"{zone.zone if label == '@' else f'{label}.{zone.zone}'}/{qtype}")
    return tuple(sorted(found - {f"{record.name}/{record.type}" for record in zone.records if record.split}))


def recall(state: ZoneState, zone: Zone, rules: Rules) -> Memory:
    """The memory beside a state, for this entry and this pack."""
    memory: Memory | None = vars(state).get(_PLACE)
    if memory is None or memory.zone is not zone or memory.rules is not rules:
        if memory is not None:
            state.idle = ALWAYS  # what was not due by the old ones may be by the new ones
        memory = vars(state)[_PLACE] = Memory(state, zone, rules)
    return memory


def spread_of(state: ZoneState, question: str) -> Spread | None:
    """The answers to one question at the last step; ``None`` where there was one, or nobody looked since a restart."""
    memory: Memory | None = vars(state).get(_PLACE)
    return None if memory is None else memory.spreads.get(question)


def memory_of(state: ZoneState) -> Memory:
    """The memory that `recall` has put beside a state."""
    memory: Memory = vars(state)[_PLACE]
    return memory

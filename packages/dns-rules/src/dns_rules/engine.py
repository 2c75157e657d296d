"""Both steps under one roof, as every runner and every replay uses them. No I/O: bytes in, bytes out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from .correlate import anything_due, correlate
from .health import assess
from .judge import dismiss, judge, rest
from .model import Finding, Health, Incident, Tick
from .parts import Parts, restore, save
from .state import MICROS, CorrelationState, Failure, ZoneState, decode, encode, micros, moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from dns_events import Event

    from .inventory import Inventory
    from .model import Acknowledgement, Silence
    from .rules import Rules

_MINUTE = 60 * MICROS


class Judged(Struct, frozen=True):
    """What one step of the first kind brought."""

    findings: tuple[Finding, ...]
    evaluated: tuple[str, ...]
    """Zones of which rules were asked, or for which another minute has begun, in the order of their names."""
    zones: frozenset[str]
    """Zones whose state changed by more than the time that has passed (`Judgement.resume`)."""
    gone: frozenset[str]
    """Zones that have left the inventory, whose state is no more."""


class Step(Judged, frozen=True):
    """What both steps together brought."""

    incidents: tuple[Incident, ...]
    """Every incident whose content changed, in order; an incident may stand here more than once."""


class Judgement:
    """The first step for all zones of one partition: `judge`, and how healthy they are.

    Args:
        inventory: what is watched; may be replaced between steps.
        rules: the rule pack; may be replaced between steps.
    """

    def __init__(self, inventory: Inventory, rules: Rules) -> None:
        self.inventory = inventory
        self.rules = rules
        self._zones: dict[str, ZoneState] = {}
        self._watched: Inventory | None = None
        """The inventory by which all zones are known to be watched still."""
        self._asked: tuple[Inventory, Rules] | None = None
        """By which all zones were judged at the last tick: those at rest are passed over."""
        self._reached: Counter[int] = Counter()
        """How many zones have got how far: a few times, for very many zones."""

    def __contains__(self, zone: str) -> bool:
        """Whether there is a state of this zone."""
        return zone in self._zones

    def load(self, zone: str, state: bytes, blocks: bytes | None = None, opened: bytes | None = None) -> None:
        """Take up a zone where `dump` left it, or `save`.

        Args:
            zone: its name.
            state: whole; or the rest of it, with the two other parts.
            blocks: of what was saved, the newest.
            opened: likewise.

        Raises:
            StateError: another version's, or damaged.
        """
        before = self._zones.get(zone)
        loaded = self._zones[zone] = restore(state, blocks, opened)
        self._moved(None if before is None else before.sealed, loaded.sealed)
        self._watched = self._asked = None

    def resume(self, now: dt.datetime) -> None:
        """Let time pass for zones that were loaded, as it had when they were left: at rest, they were not written.

        Args:
            now: of the last `step`.
        """
        for state in self._zones.values():
            before = state.sealed
            rest(state, micros(now) - self.rules.pace[1], self.rules)
            self._moved(before, state.sealed)

    def dump(self, zone: str) -> bytes:
        """The zone's state."""
        return encode(self._zones[zone])

    def save(self, zone: str) -> Parts:
        """What changed of the zone's state since this was asked last, or the zone was loaded; all of it at first.

        What of it is not written is lost: then go on with what was, by `load`.
        """
        return save(self._zones[zone])

    def state(self, zone: str) -> ZoneState | None:
        """The zone's state, to look at."""
        return self._zones.get(zone)

    @property
    def sealed(self) -> int | None:
        """Microseconds since 1970 before which no zone has findings to come; ``None`` without zones."""
        return min(self._reached, default=None)

    def step(
        self, events: Iterable[Event], now: dt.datetime | None = None, *, horizon: dt.datetime | None = None
    ) -> Judged:
        """Judge events, each zone's in the order in which they came, then let time pass until `now`.

        Args:
            events: of any zones; zones that the inventory does not know are passed over.
            now: the runner's clock; ``None`` where time is in the events alone.
            horizon: time until which all events are there; later ones do not move time. ``None``: all events do.
        """
        until = None if horizon is None else micros(horizon)
        findings: list[Finding] = []
        touched: set[str] = set()
        gone: list[str] = []
        if self._watched is not self.inventory:
            gone = sorted(name for name in self._zones if self.inventory.zone(name) is None)
            self._watched = self.inventory
        for name in gone:
            left = self._zones.pop(name)
            self._moved(left.sealed, None)
            findings += dismiss(left)
        before: dict[str, int | None] = {}
        # One zone after the other, so that what is known of it is at hand for all of its events.
        by_zone: dict[str, list[Event]] = {}
        for event in events:
            by_zone.setdefault(event.zone, []).append(event)
        for name, listed in by_zone.items():
            state = self._zones.get(name)
            before[name] = None if state is None else state.sealed
            for event in listed:
                state, found = judge(state, event, self.inventory, self.rules, until)
                findings += found
            if state is not None:
                self._zones[name] = state
                touched.add(name)
        resting = frozenset[str]()
        if now is not None:
            found, resting = self._tick(now, before, touched)
            findings += found
        evaluated = []
        for name, sealed in before.items():
            state = self._zones.get(name)
            if state is not None and state.sealed != sealed:
                self._moved(sealed, state.sealed)
                if name not in resting:
                    evaluated.append(name)
        evaluated.sort()
        return Judged(
            findings=tuple(findings),
            evaluated=tuple(evaluated),
            zones=frozenset(touched),
            gone=frozenset(gone),
        )

    def _tick(
        self, now: dt.datetime, before: dict[str, int | None], touched: set[str]
    ) -> tuple[list[Finding], frozenset[str]]:
        """Let time pass for all zones: their findings, and of which there is nothing new to tell."""
        findings: list[Finding] = []
        resting: list[str] = []
        tick, until = Tick(now), micros(now) - self.rules.pace[1]
        known = self._asked is not None and self._asked[0] is self.inventory and self._asked[1] is self.rules
        for name, state in sorted(self._zones.items()):
            sealed = state.sealed
            before.setdefault(name, sealed)
            if known and rest(state, until, self.rules):
                if name not in touched and sealed // _MINUTE == state.sealed // _MINUTE:
                    resting.append(name)
                continue
            _, found = judge(state, tick, self.inventory, self.rules)
            findings += found
            if state.sealed != sealed:
                touched.add(name)
        self._asked = self.inventory, self.rules
        return findings, frozenset(resting)

    def _moved(self, before: int | None, after: int | None) -> None:
        """A zone has got further."""
        if before is not None:
            self._reached[before] -= 1
            if not self._reached[before]:
                del self._reached[before]
        if after is not None:
            self._reached[after] += 1

    def failures(self) -> dict[str, Failure]:
        """Rules that could say neither yes nor no, over all zones."""
        found: dict[str, Failure] = {}
        for _, state in sorted(self._zones.items()):
            for rule, failure in state.failures.items():
                known = found.setdefault(rule, Failure(text=failure.text))
                known.number += failure.number
        return found

    def end(self) -> dt.datetime:
        """The time at which everything that is still open can be judged, as at the end of a recording."""
        lateness = int(self.rules.lateness * MICROS)
        last = max((max([s.watermark + lateness, *s.open]) for s in self._zones.values()), default=0)
        return moment(last + lateness + int(self.rules.step * MICROS))

    def health(self, zones: Iterable[str]) -> Iterator[Health]:
        """How these zones were when their rules were asked last; of those that nobody watches, nothing."""
        for name in zones:
            zone = self.inventory.zone(name)
            if zone is not None:
                yield assess(self._zones[name], zone, self.rules)


class Correlation:
    """The second step, one for all partitions: findings in the order of their times, `correlate` each.

    Args:
        inventory: whose the zones are; may be replaced between steps.
        rules: the rule pack; may be replaced between steps.
    """

    def __init__(self, inventory: Inventory, rules: Rules) -> None:
        self.inventory = inventory
        self.rules = rules
        self._state = CorrelationState()

    def load(self, state: bytes) -> None:
        """Take up the incidents where `dump` left them.

        Raises:
            StateError: another version's, or damaged.
        """
        self._state = decode(state, CorrelationState)

    def dump(self) -> bytes:
        """The open incidents, and the findings whose turn has not come."""
        return encode(self._state)

    def set_drills(self, drills: Mapping[str, tuple[dt.datetime, dt.datetime | None]]) -> None:
        """Say which zones are broken on purpose, from when and until when."""
        self._state.drills = {
            zone: (micros(start), None if end is None else micros(end)) for zone, (start, end) in sorted(drills.items())
        }

    def set_silences(self, silences: Iterable[Silence]) -> None:
        """Say of what nobody is to be called, until when."""
        self._state.silences = sorted(silences, key=lambda silence: silence.id)

    def set_acknowledged(self, acknowledged: Mapping[str, Acknowledgement]) -> None:
        """Say which incidents somebody has taken on, by their ids."""
        self._state.acknowledged = dict(sorted(acknowledged.items()))

    def due(self, until: int) -> tuple[Finding, ...]:
        """The findings whose turn the next `step` until this time takes, in their order."""
        return tuple(finding for finding in self._state.waiting if micros(finding.time) <= until)

    def step(self, findings: Iterable[Finding], until: int | None) -> tuple[Incident, ...]:
        """Take findings in, and correlate those whose turn has come.

        The incidents are the same however the findings are spread over steps, because a finding waits until
        no partition has an earlier one to come.

        Args:
            findings: new ones, in any order.
            until: microseconds since 1970 before which no partition has findings to come; ``None``: unknown.
        """
        waiting = sorted([*self._state.waiting, *findings], key=lambda f: (f.time, f.zone, f.rule, f.key))
        if until is None:
            self._state.waiting = waiting
            return ()
        changed: list[Incident] = []
        due = [finding for finding in waiting if micros(finding.time) <= until]
        turns: list[Finding | Tick] = [*due, Tick(moment(until))]
        passed: dt.datetime | None = None
        for turn in turns:
            still = turn.time == passed
            self._state, found = correlate(self._state, turn, self.inventory, self.rules, passed=still)
            changed += found
            quiet = isinstance(turn, Finding) and not anything_due(self._state, turn, self.inventory, self.rules)
            passed = turn.time if quiet else None
        self._state.waiting = waiting[len(due) :]
        return tuple(changed)


class Engine:
    """Both steps for all zones, for recordings and whoever has one partition.

    Args:
        inventory: what is watched.
        rules: the rule pack.
    """

    def __init__(self, inventory: Inventory, rules: Rules) -> None:
        self.judgement = Judgement(inventory, rules)
        self.correlation = Correlation(inventory, rules)

    def step(self, events: Iterable[Event], now: dt.datetime | None = None) -> Step:
        """`Judgement.step`, then `Correlation.step` of what it found."""
        judged = self.judgement.step(events, now)
        incidents = self.correlation.step(judged.findings, self.judgement.sealed)
        return Step(judged.findings, judged.evaluated, judged.zones, judged.gone, incidents)

    def run(self, events: Iterable[Event]) -> list[Incident]:
        """All that becomes of incidents in a whole recording, to its end.

        Args:
            events: in the order in which they came.
        """
        return [incident for step in (self.step(events), self.finish()) for incident in step.incidents]

    def finish(self) -> Step:
        """Judge what is still open, as at the end of a recording."""
        return self.step((), self.judgement.end())

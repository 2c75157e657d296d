"""Both steps under one roof, as every runner and every replay uses them. No I/O: bytes in, bytes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .correlate import correlate
from .health import assess
from .judge import judge
from .model import Finding, Health, Incident, Tick
from .state import MICROS, CorrelationState, ZoneState, decode, encode, micros, moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from dns_events import Event

    from .inventory import Inventory
    from .rules import Rules


class Step(Struct, frozen=True):
    """What one step brought."""

    findings: tuple[Finding, ...]
    incidents: tuple[Incident, ...]
    """Every incident whose content changed, in order; an incident may stand here more than once."""
    health: tuple[Health, ...]
    zones: frozenset[str]
    """Zones whose state changed."""


class Engine:
    """The judgement of all zones of one partition.

    Args:
        inventory: what is watched.
        rules: the rule pack.
    """

    def __init__(self, inventory: Inventory, rules: Rules) -> None:
        self._inventory = inventory
        self._rules = rules
        self._zones: dict[str, ZoneState] = {}
        self._correlation = CorrelationState()

    def load_zone(self, zone: str, state: bytes) -> None:
        """Take up a zone where `dump_zone` left it."""
        self._zones[zone] = decode(state, ZoneState)

    def load_correlation(self, state: bytes) -> None:
        """Take up the incidents where `dump_correlation` left them."""
        self._correlation = decode(state, CorrelationState)

    def dump_zone(self, zone: str) -> bytes:
        """The zone's state."""
        return encode(self._zones[zone])

    def dump_correlation(self) -> bytes:
        """The open incidents."""
        return encode(self._correlation)

    def set_drills(self, drills: Mapping[str, tuple[dt.datetime, dt.datetime | None]]) -> None:
        """Say which zones are broken on purpose, from when and until when."""
        self._correlation.drills = {
            zone: (micros(start), None if end is None else micros(end)) for zone, (start, end) in sorted(drills.items())
        }

    def step(self, events: Iterable[Event], now: dt.datetime | None = None) -> Step:
        """Judge events, in the order in which they came, then let time pass until `now`.

        Args:
            events: of any zones; zones that the inventory does not know are passed over.
            now: the runner's clock; ``None`` where time is in the events alone.
        """
        findings: list[Finding] = []
        touched: set[str] = set()
        before = {name: state.sealed for name, state in self._zones.items()}
        for event in events:
            state, found = judge(self._zones.get(event.zone), event, self._inventory, self._rules)
            findings += found
            if state is not None:
                self._zones[event.zone] = state
                touched.add(event.zone)
        if now is not None:
            for name in sorted(self._zones):
                state, found = judge(self._zones[name], Tick(now), self._inventory, self._rules)
                findings += found
                if state is not None:
                    self._zones[name] = state
        evaluated = sorted(name for name, state in self._zones.items() if before.get(name) != state.sealed)
        return Step(
            findings=tuple(findings),
            incidents=tuple(self._incidents(findings)),
            health=tuple(self._health(evaluated)),
            zones=frozenset(touched.union(evaluated)),
        )

    def finish(self) -> Step:
        """Judge what is still open, as at the end of a recording."""
        last = max((micros(self._last(state)) for state in self._zones.values()), default=0)
        slack = int((self._rules.lateness + self._rules.step) * MICROS)
        return self.step((), moment(last + slack))

    def _last(self, state: ZoneState) -> dt.datetime:
        return moment(max([state.watermark + int(self._rules.lateness * MICROS), *state.open]))

    def _incidents(self, findings: list[Finding]) -> list[Incident]:
        changed: list[Incident] = []
        for finding in sorted(findings, key=lambda f: (f.time, f.zone, f.rule, f.key)):
            self._correlation, found = correlate(self._correlation, finding, self._inventory, self._rules)
            changed += found
        # No zone will bring a finding from before the time up to which all of them are sealed.
        if self._zones:
            sealed = min(state.sealed for state in self._zones.values())
            self._correlation, found = correlate(self._correlation, Tick(moment(sealed)), self._inventory, self._rules)
            changed += found
        return changed

    def _health(self, zones: list[str]) -> Iterable[Health]:
        for name in zones:
            zone = self._inventory.zone(name)
            if zone is not None:
                yield assess(self._zones[name], zone, self._rules)

"""Who says what a fact is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dns_rules.facts import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_rules.state import ZoneState


class Voices(NamedTuple):
    """Who gives the current value."""

    number: int
    asked: int
    regions: tuple[str, ...]
    known: tuple[str, ...]
    evidence: tuple[str, ...]

    def suffice(self, probes: int) -> bool:
        """Whether so many say it, or all where fewer look."""
        return 0 < self.number >= min(probes, self.asked)


def of_fact(state: ZoneState, name: str, current: str) -> Voices:
    """The probes that say that a tracked fact is `current`."""
    return _of(state, name, lambda value: value == current)


def of_member(state: ZoneState, name: str, member: str) -> Voices:
    """The probes that say that a tracked set has a member."""
    return _of(state, name, lambda value: member in value.split(SEPARATOR))


def _of(state: ZoneState, name: str, says: Callable[[str], bool]) -> Voices:
    listed = [
        (state.probes.get(probe, probe), seen.id)
        for probe, seen in sorted(state.seen.get(name, {}).items())
        if says(seen.value)
    ]
    regions = tuple(sorted({region for region, _ in listed}))
    evidence = tuple(id_ for _, id_ in listed)
    asked = len(state.seen.get(name, {}))
    return Voices(len(evidence), asked, regions, tuple(sorted(set(state.probes.values()))), evidence[:5])

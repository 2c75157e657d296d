"""A tracked fact of the zone became another, and nobody had said that it would."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dns_events import durations

from dns_rules import words
from dns_rules.intake import SEPARATOR
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Transition
from dns_rules.state import MICROS, Fact

from .condition import Condition, Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import Seen, ZoneState

#: A reading older than this has no voice.
FRESH = 300 * MICROS


def track(state: ZoneState, zone: Zone, now: int) -> None:
    """Bring the facts up to date with what most probes say; called once an evaluation, before the rules."""
    memory = memory_of(state)
    if memory.oldest_reading >= now - FRESH:
        return  # neither has a probe said anything since, nor has one lost its voice
    for name, probes in sorted(state.seen.items()):
        for probe in [p for p, seen in probes.items() if seen.time < now - FRESH]:
            del probes[probe]
        current = _current(probes)
        if current is None:
            continue
        fact = state.facts.get(name)
        if fact is None:
            declared = SEPARATOR.join(zone.nameservers) if name.endswith("_ns") else ""
            state.facts[name] = Fact(value=declared or current, since=now, current=current)
        elif fact.current != current:
            fact.previous, fact.current, fact.changed = fact.current, current, now
    memory.oldest_reading = min((s.time for probes in state.seen.values() for s in probes.values()), default=now)


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Transition)
    holds: dict[str, Condition] = {}
    cleared: set[str] = set()
    for name in rule.detect.facts:
        fact = state.facts.get(name)
        if fact is None:
            continue
        declared = SEPARATOR.join(zone.nameservers) if rule.detect.expected == "nameservers" else ""
        if declared:
            fact.value = declared
        if fact.current == fact.value:
            cleared.add(name)
            continue
        changed = fact.changed if fact.changed is not None else fact.since
        meant = memory_of(state).meant(changed, rule.detect.allow)
        adopt = not declared and now - changed >= durations.seconds(rule.detect.adopt_after) * MICROS
        if adopt or (meant and not declared):
            fact.value, fact.since = fact.current, now
        if fact.current == fact.value or meant:
            cleared.add(name)
            continue
        voices = {p: s for p, s in state.seen.get(name, {}).items() if s.value == fact.current}
        if len(voices) < min(rule.detect.probes, len(state.seen.get(name, {}))):
            continue
        holds[name] = _condition(name, fact, voices, state, declared=bool(declared), since=changed)
    return Reading(holds, frozenset(cleared))


def _current(probes: dict[str, Seen]) -> str | None:
    """The value that more than half of the probes give; none while they are divided."""
    if not probes:
        return None
    value, number = min(Counter(seen.value for seen in probes.values()).items(), key=lambda i: (-i[1], i[0]))
    return value if number * 2 > len(probes) else None


def _condition(
    name: str, fact: Fact, voices: dict[str, Seen], state: ZoneState, *, declared: bool, since: int
) -> Condition:
    labels = {"parent_ns": "NS set at the parent", "child_ns": "NS set at the zone's own servers"}
    regions = sorted({state.probes.get(probe, probe) for probe in voices})
    known = sorted(set(state.probes.values()))
    return Condition(
        where=Offender(regions=tuple(regions), servers=tuple(fact.current.split(SEPARATOR))),
        what=f"{labels.get(name, name)} is {fact.current or 'empty'}; "
        f"{'the inventory says' if declared else 'it was'} {fact.value or 'empty'}",
        facts={
            "regions": words.regions(regions, known),
            "servers": words.listing(fact.current.split(SEPARATOR)),
            "before": fact.value,
            "after": fact.current,
            "count": str(len(voices)),
        },
        verdict="contradicted" if declared else "undeclared",
        confidence=0.97 if len(voices) > 1 else 0.6,
        evidence=tuple(seen.id for _, seen in sorted(voices.items()))[:5],
        since=since,
    )

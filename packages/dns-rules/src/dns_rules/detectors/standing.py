"""A fault of the delegation that stands: a lame server, one without TCP, a parent that says something else."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.facts import SEPARATOR
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import FAULTS_OF_SERVERS, Standing, scaled
from dns_rules.state import MICROS, micros, moment

from .condition import NEVER, Condition, Reading, standing
from .voices import of_fact, of_member

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import Fact, ZoneState

    from .voices import Voices

_NOTHING = Reading({}, frozenset())
_OVER = Reading({}, frozenset({""}))


def keep(state: ZoneState, fault: str, values: Collection[str], now: int) -> None:
    """Bring up to date which servers have a fault in the eyes of more than half of the probes, and since when."""
    said = Counter(server for value in values for server in value.split(SEPARATOR) if server)
    known = state.faulty.get(fault, {})
    most = sorted(server for server, number in said.items() if number * 2 > len(values))
    state.faulty[fault] = {server: known.get(server, now) for server in most}


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Standing)
    if rule.detect.fault in FAULTS_OF_SERVERS:
        return _servers(state, rule, zone, now)
    fault, allow = rule.detect.fault, rule.detect.allow
    fact = state.facts.get(fault)
    if fact is None:
        return _NOTHING
    if not fact.current:
        return _OVER
    began = _began(state, rule, fact)
    memory = memory_of(state)
    moved = allow == "ns" and memory.plans.during(f"{zone.zone}/NS", now) is not None
    if moved or (allow is not None and memory.meant(now, allow)):
        return _OVER  # it may last until the window ends
    if now < began + _length(rule, zone):
        return _NOTHING
    voices = of_fact(state, fault, fact.current)
    if not voices.suffice(rule.detect.probes):
        return _NOTHING
    said = words.duration(int(fact.current)) if fault == "expire_outlives" else fact.current
    return Reading({"": _condition(rule.detect, zone, voices, said, (), began, now)}, frozenset())


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When a fault will have stood for too long; what has, and is not told, waits for the end of a window."""
    assert isinstance(rule.detect, Standing)
    if rule.detect.fault in FAULTS_OF_SERVERS:
        began = min(state.faulty.get(rule.detect.fault, {}).values(), default=NEVER)
    else:
        fact = state.facts.get(rule.detect.fault)
        began = NEVER if fact is None or not fact.current else _began(state, rule, fact)
    return began if began == NEVER else max(now, began + _length(rule, zone))


def _servers(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    assert isinstance(rule.detect, Standing)
    fault = rule.detect.fault
    faulty = state.faulty.get(fault, {})
    holds: dict[str, Condition] = {}
    for server, began in faulty.items():
        if now < began + _length(rule, zone):
            continue
        voices = of_member(state, fault, server)
        if voices.suffice(rule.detect.probes):
            name = words.server(server, state.names)
            holds[server] = _condition(rule.detect, zone, voices, name, (name,), began, now)
    return Reading(holds, frozenset(standing(state, rule) - faulty.keys()))


def _condition(
    detect: Standing, zone: Zone, voices: Voices, said: str, servers: tuple[str, ...], began: int, now: int
) -> Condition:
    return Condition(
        where=Offender(regions=voices.regions, servers=servers),
        what=f"{words.fault(detect.fault)}: {said}; for {words.duration((now - began) / MICROS)}, by the word of "
        f"{voices.number} of {voices.asked} probes",
        facts={
            "regions": words.regions(voices.regions, voices.known),
            "servers": words.listing(servers),
            "names": zone.zone,
            "why": said,
            "before": f"{moment(began):%H:%M:%S}Z",
            "after": said,
            "count": str(voices.number),
            "total": str(voices.asked),
        },
        confidence=0.95 if voices.number > 1 else 0.6,
        evidence=voices.evidence,
        since=began,
    )


def _began(state: ZoneState, rule: Rule, fact: Fact) -> int:
    """Since when something is wrong: what exactly, may have changed since."""
    known = state.active.get(f"{rule.id}\t")
    if known is not None:
        return micros(known.since)
    return fact.since if fact.changed is None else fact.changed


def _length(rule: Rule, zone: Zone) -> int:
    assert isinstance(rule.detect, Standing)
    return int(scaled(rule.detect.for_, zone.criticality) * MICROS)

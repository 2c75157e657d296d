"""A fault of the delegation that stands: a lame server, one without TCP, a parent that says something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.intake import SEPARATOR
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Standing, scaled
from dns_rules.state import MICROS, micros, moment

from .condition import NEVER, Condition, Reading
from .voices import of_fact

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import Fact, ZoneState

_NOTHING = Reading({}, frozenset())
_OVER = Reading({}, frozenset({""}))
#: Faults that are servers' addresses.
_OF_SERVERS = frozenset({"lame", "without_tcp"})


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Standing)
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
    servers: tuple[str, ...] = ()
    said = fact.current
    if fault in _OF_SERVERS:
        servers = tuple(sorted(words.server(address, state.names) for address in fact.current.split(SEPARATOR)))
        said = words.listing(servers)
    elif fault == "expire_outlives":
        said = words.duration(int(fact.current))
    return Reading(
        {
            "": Condition(
                where=Offender(regions=voices.regions, servers=servers),
                what=f"{words.fault(fault)}: {said}; for {words.duration((now - began) / MICROS)}, by the word of "
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
        },
        frozenset(),
    )


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When a fault will have stood for too long; what has, and is not told, waits for the end of a window."""
    assert isinstance(rule.detect, Standing)
    fact = state.facts.get(rule.detect.fault)
    if fact is None or not fact.current:
        return NEVER
    return max(now, _began(state, rule, fact) + _length(rule, zone))


def _began(state: ZoneState, rule: Rule, fact: Fact) -> int:
    """Since when something is wrong: what exactly, may have changed since."""
    known = state.active.get(f"{rule.id}\t")
    if known is not None:
        return micros(known.since)
    return fact.since if fact.changed is None else fact.changed


def _length(rule: Rule, zone: Zone) -> int:
    assert isinstance(rule.detect, Standing)
    return int(scaled(rule.detect.for_, zone.criticality) * MICROS)

"""Events on which a condition holds, so many within a time and from so many probes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import vantage, words
from dns_rules.memory import ALWAYS, memory_of
from dns_rules.model import Offender
from dns_rules.rules import Match, scaled
from dns_rules.state import MICROS

from .condition import Condition, Reading, standing

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Place, Window

#: So many events are shown as evidence, the newest.
_EVIDENCE = 5


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Match)
    window = int(scaled(rule.detect.window, zone.criticality) * MICROS)
    memory = memory_of(state)
    active = standing(state, rule)
    if memory.failed.get(rule.id, ALWAYS) < now - window:
        return Reading({}, frozenset(active))
    sums = memory.window(rule, state)
    sums.advance(state, now - window)
    holds = {}
    for key, place in sums.places.items():
        probes = {vantage.parts(seen_from)[1] for seen_from in place.vantages}
        if place.failing >= rule.detect.least and len(probes) >= rule.detect.probes:
            holds[key] = _condition(place, probes, sums, state, window)
    return Reading(holds, frozenset(active - sums.places.keys()))


def _condition(place: Place, probes: set[str], sums: Window, state: ZoneState, window: int) -> Condition:
    name, _, qtype = place.key.rpartition("/")
    regions = tuple(sorted(place.regions))
    servers = tuple(sorted(words.server(address, state.names) for address in place.servers if address))
    subject = f"{name} {qtype}" if name else state.zone
    return Condition(
        where=Offender(regions=regions, servers=servers, names=(name,) if name else ()),
        what=f"{subject}: {place.failing} such events in {words.duration(window / MICROS)} "
        f"({words.counts(place.why)}), from {len(probes)} probes in {words.listing(regions)}",
        facts={
            "regions": words.listing(regions),
            "servers": words.listing(servers),
            "names": subject,
            "count": str(place.failing),
            "total": str(len(probes)),
            "why": words.reasons(place.why),
        },
        confidence=0.95 if len(probes) > 1 else 0.8,
        evidence=sums.evidence([place], _EVIDENCE),
    )

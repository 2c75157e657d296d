"""A probe that observed a zone and does so no more, while others do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.model import Offender
from dns_rules.rules import Absence, scaled
from dns_rules.state import MICROS

from .condition import NEVER, Condition, Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Absence)
    patience = int(scaled(rule.detect.silent, zone.criticality) * MICROS)
    silent = now - patience
    if not state.active and all(time >= silent for time in state.heard.values()):
        return Reading({}, frozenset())
    forgotten = now - int(scaled(rule.detect.forget, zone.criticality) * MICROS)
    # Where all stop at once they do so within a moment, and none of them is the one that is silent.
    talking = [probe for probe, time in state.heard.items() if time >= now - patience // 2]
    holds: dict[str, Condition] = {}
    cleared = {probe for probe, time in state.heard.items() if time >= silent}
    for probe, time in state.heard.items():
        if time < forgotten:
            cleared.add(probe)
        elif time < silent and talking:
            holds[probe] = _condition(state, probe, time, now, len(talking))
    return Reading(holds, frozenset(cleared))


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When the next probe will have been silent for too long."""
    assert isinstance(rule.detect, Absence)
    patience = int(scaled(rule.detect.silent, zone.criticality) * MICROS)
    heard = min((time for time in state.heard.values() if time >= now - patience), default=NEVER)
    return heard + patience + 1


def _condition(state: ZoneState, probe: str, time: int, now: int, talking: int) -> Condition:
    region = state.probes.get(probe, probe)
    since = words.duration((now - time) / MICROS)
    return Condition(
        where=Offender(regions=(region,)),
        what=f"probe {probe} in {region} observed the zone last {since} ago; {talking} other probes go on",
        facts={"probe": probe, "regions": region, "before": since, "total": str(talking + 1), "why": "silence"},
        confidence=0.9,
        since=time,
    )

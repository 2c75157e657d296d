"""A probe that observed a zone and does so no more, while others do; or all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.model import Offender
from dns_rules.rules import Absence, scaled
from dns_rules.state import MICROS, moment

from .condition import NEVER, Condition, Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState

#: So many of a probe's usual pauses are no silence yet.
_TURNS = 3


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Absence)
    patience = _patience(state, rule.detect, zone)
    if rule.detect.every:
        return _of_all(state, rule.detect, zone, patience, now)
    if not state.active and all(state.heard[probe] + length >= now for probe, length in patience.items()):
        return Reading({}, frozenset())
    forgotten = now - int(scaled(rule.detect.forget, zone.criticality) * MICROS)
    holds: dict[str, Condition] = {}
    cleared: set[str] = {probe for probe, time in state.heard.items() if time < forgotten}
    for probe, length in patience.items():
        time = state.heard[probe]
        # Where all stop at once they do so within a moment, and none of them is the one that is silent.
        talking = sum(other >= now - length // 2 for other in state.heard.values())
        if time >= now - length:
            cleared.add(probe)
        elif talking and probe not in cleared:
            holds[probe] = _condition(state, probe, time, now, talking)
    return Reading(holds, frozenset(cleared))


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When the next probe will have been silent for too long."""
    assert isinstance(rule.detect, Absence)
    least = _least(rule.detect, zone)
    heard = state.heard
    last, first = -1, NEVER
    for probe, pace in state.paces.items():
        end = heard[probe] + (max(pace * _TURNS, least))
        last = max(last, end)
        first = end if now <= end < first else first
    if rule.detect.every:
        first = last if last >= now else NEVER
    return first + 1


def _of_all(state: ZoneState, detect: Absence, zone: Zone, patience: dict[str, int], now: int) -> Reading:
    last = max(state.heard.values(), default=NEVER)
    forgotten = now - int(scaled(detect.forget, zone.criticality) * MICROS)
    if not patience or last < forgotten or any(state.heard[probe] >= now - each for probe, each in patience.items()):
        return Reading({}, frozenset({""}))
    regions = tuple(sorted({state.probes.get(probe, probe) for probe in patience}))
    probes = words.listing(sorted(patience))
    return Reading(
        {
            "": Condition(
                where=Offender(regions=regions),
                what=f"no observation since {moment(last):%H:%M:%S}Z; before that, {probes} observed the zone",
                facts={
                    "probe": probes,
                    "regions": words.listing(regions),
                    "before": f"{moment(last):%H:%M:%S}Z",
                    "count": str(len(patience)),
                    "total": str(len(patience)),
                    "why": "silence",
                },
                confidence=0.95,
                since=last,
            )
        },
        frozenset(),
    )


def _patience(state: ZoneState, detect: Absence, zone: Zone) -> dict[str, int]:
    """How long each probe may be silent; without those that were heard of once, whose pace nobody knows."""
    least = _least(detect, zone)
    return {probe: max(least, _TURNS * pace) for probe, pace in state.paces.items()}


def _least(detect: Absence, zone: Zone) -> int:
    return int(scaled(detect.silent, zone.criticality) * MICROS)


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

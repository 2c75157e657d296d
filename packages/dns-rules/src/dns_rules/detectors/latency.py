"""A region whose answers take far longer than is usual for the zone there at this hour of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import vantage, words
from dns_rules.latencies import STEPS, seconds_of
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Latency, scaled
from dns_rules.state import MICROS

from .condition import Condition, Reading, standing
from .usual import DEVIATIONS, OVER, is_due, learn, typical

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Place

#: So many weeks are remembered of each hour: there are many regions.
_WEEKS = 3
#: So many regions of a zone are learnt.
_MOST_REGIONS = 16
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`. Looked at once a minute."""
    assert isinstance(rule.detect, Latency)
    detect = rule.detect
    if not is_due(state, rule.id, now):
        return _NOTHING
    sums = memory_of(state).window(rule, state)
    sums.advance(state, now - int(scaled(detect.window, zone.criticality) * MICROS))
    least = scaled(detect.least, zone.criticality)
    holds: dict[str, Condition] = {}
    cleared: set[str] = set()
    active = standing(state, rule)
    for region, place in sorted(sums.places.items()):
        if place.total < detect.samples:
            continue
        current = _median(place)
        # The hour's value is the median of its last minutes.
        key = f"{rule.id}\t{region}"
        if not learn(state, key, now, current, weeks=_WEEKS, most=_MOST_REGIONS):
            continue
        usual = typical(state, key, now, detect.history)
        if usual is None:
            continue
        normal, spread = usual
        before, after = seconds_of(normal), seconds_of(current)
        # Steps are of a logarithm, so that so many deviations more are so many times as long.
        unusual = before * 2 ** (DEVIATIONS * spread / STEPS)
        threshold = max(before * detect.times, unusual, before + least)
        if after >= threshold:
            holds[region] = _condition(region, place, before, after)
        elif after < OVER * threshold:
            cleared.add(region)
    return Reading(holds, frozenset(cleared | (active - sums.places.keys())))


def _median(place: Place) -> int:
    counts = sorted((int(vantage.parts(key)[2]), total) for key, (_, total, _) in place.vantages.items())
    seen = 0
    for step, total in counts:
        seen += total
        if 2 * seen >= place.total:
            return step
    raise AssertionError(place.key)


def _condition(region: str, place: Place, before: float, after: float) -> Condition:
    return Condition(
        where=Offender(regions=(region,)),
        what=f"half of {place.total} answers in {region} took {words.latency(after)} or more, usually "
        f"{words.latency(before)} at this hour",
        facts={
            "regions": region,
            "before": words.latency(before),
            "after": words.latency(after),
            "share": f"{after / before:.0f} ×",
            "count": str(place.total),
            "total": str(place.total),
        },
        confidence=0.8,
    )

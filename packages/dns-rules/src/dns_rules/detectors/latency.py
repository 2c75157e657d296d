"""A region whose answers take far longer than is usual for the zone there at this hour of the week."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from dns_rules import vantage, words
from dns_rules.latencies import STEPS, seconds_of
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Latency, scaled
from dns_rules.state import MICROS, Usual

from .condition import Condition, Reading, standing
from .usual import DEVIATIONS, OVER, hour_of, is_unusual, remember, values_of

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Place

_MINUTE = 60 * MICROS
#: So many weeks are remembered of each hour: there are many regions.
_WEEKS = 3
#: So many regions of a zone are learnt.
_MOST_REGIONS = 16
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`. Looked at once a minute."""
    assert isinstance(rule.detect, Latency)
    detect = rule.detect
    minute = (now - 1) // _MINUTE
    looked = state.usual.get(rule.id)
    if looked is None:
        if not (state.ring and rule.id in state.ring[-1][1]):
            return _NOTHING  # nothing was ever answered
        looked = state.usual[rule.id] = Usual(hour=minute)
    elif looked.hour == minute:
        return _NOTHING
    looked.hour = minute
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
        usual = _learnt(state, f"{rule.id}\t{region}", now, current)
        if usual is None:
            continue
        values = values_of(usual, now, detect.history)
        if not values:
            continue
        normal = median(values)
        spread = median(abs(value - normal) for value in values)
        before, after = seconds_of(normal), seconds_of(current)
        # Steps are of a logarithm, so that so many deviations more are so many times as long.
        unusual = before * 2 ** (DEVIATIONS * spread / STEPS)
        threshold = max(before * detect.times, unusual, before + least)
        if after >= threshold:
            holds[region] = _condition(region, place, before, after)
        elif after < OVER * threshold:
            cleared.add(region)
    return Reading(holds, frozenset(cleared | (active - sums.places.keys())))


def _learnt(state: ZoneState, key: str, now: int, current: int) -> Usual | None:
    """What is usual in a region, with the median of now; ``None`` where there are too many regions."""
    hour = hour_of(now)
    usual = state.usual.get(key)
    if usual is None:
        head = key.partition("\t")[0] + "\t"
        if sum(known.startswith(head) for known in state.usual) >= _MOST_REGIONS:
            return None
        usual = state.usual[key] = Usual(hour=hour)
    if usual.hour != hour:
        if usual.total and not usual.spoilt:
            remember(usual, usual.failing, _WEEKS)
        usual.hour, usual.spoilt = hour, False
    # The hour's value is the median of its last minutes.
    usual.total, usual.failing = 1, current
    usual.spoilt = usual.spoilt or is_unusual(state, key, now)
    return usual


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

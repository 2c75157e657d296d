"""A share of queries far above what is usual for this zone at this hour of the week."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Baseline, scaled
from dns_rules.state import MICROS, Usual

from .condition import Condition, Reading
from .usual import DEVIATIONS, OVER, hour_of, is_unusual, remember, values_of

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Window

#: So many weeks are remembered of each hour.
_WEEKS = 8
#: Shares are remembered in hundredths of a percent.
_UNIT = 10_000
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Baseline)
    detect = rule.detect
    known = state.usual.get(rule.id)
    if known is None and not (state.ring and rule.id in state.ring[-1][1]):
        return _NOTHING  # no traffic was ever told of
    sums = memory_of(state).window(rule, state)
    sums.advance(state, now - int(scaled(detect.window, zone.criticality) * MICROS))
    if known is None and not sums.places:
        return _NOTHING
    _learn(state, rule, detect, now)
    total = sum(place.total for place in sums.places.values())
    failing = sum(place.failing for place in sums.places.values())
    if total < detect.samples:
        return _NOTHING
    share = failing / total
    values = values_of(state.usual[rule.id], now, detect.history)
    if not values:
        return _NOTHING
    usual = median(values) / _UNIT
    spread = median(abs(value / _UNIT - usual) for value in values)
    threshold = max(detect.least, detect.times * usual, usual + DEVIATIONS * spread)
    if share >= threshold:
        return Reading({"": _condition(state, sums, share, usual, failing, total)}, frozenset())
    return Reading({}, frozenset({""}) if share < OVER * threshold else frozenset())


def _learn(state: ZoneState, rule: Rule, detect: Baseline, now: int) -> None:
    """Count the step that was sealed, and at an hour's end remember its share."""
    hour = hour_of(now)
    usual = state.usual.get(rule.id)
    if usual is None:
        usual = state.usual[rule.id] = Usual(hour=hour)
    if usual.hour != hour:
        if usual.total >= detect.samples and not usual.spoilt:
            remember(usual, round(usual.failing / usual.total * _UNIT), _WEEKS)
        usual.hour, usual.total, usual.failing, usual.spoilt = hour, 0, 0, False
    usual.spoilt = usual.spoilt or is_unusual(state, f"{rule.id}\t", now)
    step, _ = memory_of(state).rules.pace
    if state.ring and state.ring[-1][0] == now - step:
        for vantages in state.ring[-1][1].get(rule.id, {}).values():
            for tally in vantages.values():
                usual.total += tally.total
                usual.failing += tally.failing


def _condition(state: ZoneState, sums: Window, share: float, usual: float, failing: int, total: int) -> Condition:
    where = {name for place in sums.places.values() if place.failing for name in place.regions}
    known = {name for place in sums.places.values() for name in place.regions}
    servers = tuple(
        sorted(words.server(key, state.names) for key, place in sums.places.items() if place.failing and key)
    )
    why: dict[str, int] = {}
    for place in sums.places.values():
        for word, number in place.why.items():
            why[word] = why.get(word, 0) + number
    times = f"{share / usual:.0f} ×" if usual >= 1 / _UNIT else "far above"
    return Condition(
        where=Offender(regions=tuple(sorted(where)), servers=servers),
        what=f"{failing} of {total} queries ({words.share(share)}) were {words.reasons(why)}, {times} the usual "
        f"{words.share(usual)} at this hour",
        facts={
            "regions": words.regions(where, known),
            "servers": words.listing(servers),
            "share": words.share(share),
            "before": words.share(usual),
            "after": words.share(share),
            "count": str(failing),
            "total": str(total),
            "why": words.reasons(why),
        },
        confidence=0.8,
        evidence=sums.evidence(sums.places.values(), 5),
    )

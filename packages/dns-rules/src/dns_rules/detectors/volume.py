"""How much servers, or one of them, are asked, far from what is usual for the zone at this hour of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Volume, scaled
from dns_rules.state import MICROS

from .condition import Condition, Reading
from .usual import DEVIATIONS, LEVEL, OVER, is_due, is_news, learn, typical

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Window

_MINUTE = 60 * MICROS
_WEEKS = 4
#: Of a share is remembered so much of the whole.
_UNIT = 10_000
#: Traffic is told of once a minute, and may be a minute late.
_GAP = 130 * MICROS
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`. Looked at once a minute."""
    assert isinstance(rule.detect, Volume)
    detect = rule.detect
    if not is_due(state, rule.id, now):
        return _NOTHING
    window = int(scaled(detect.window, zone.criticality) * MICROS)
    sums = memory_of(state).window(rule, state)
    sums.advance(state, now - window)
    span = sums.span()
    if span is None or span[0] > now - window + _GAP or span[1] < now - _GAP:
        return _NOTHING  # that nothing is told is no word of how much there is
    minutes = window / _MINUTE
    current = _queries(sums, minutes) if detect.of == "queries" else _largest(sums)
    if current is None:
        return _NOTHING
    key = f"{rule.id}\t"
    if not learn(state, key, now, current, weeks=_WEEKS, most=1):
        return _NOTHING
    usual = typical(state, key, now, detect.history)
    if usual is None:
        return _NOTHING
    total = sum(place.total for place in sums.places.values())
    normal, spread = usual[0], DEVIATIONS * usual[1]
    least = detect.least * (1 if detect.of == "queries" else _UNIT)
    if detect.above is not None:
        threshold = max(least, normal * detect.above, normal + spread)
        if total >= detect.samples and current >= threshold:
            return Reading({"": _condition(state, sums, rule, current, normal)}, frozenset())
        return Reading({}, frozenset({""}) if current < OVER * threshold else frozenset())
    assert detect.below is not None
    threshold = min(normal * detect.below, normal - spread)
    if normal >= least and normal * minutes >= detect.samples and current <= threshold:
        return Reading({"": _condition(state, sums, rule, current, normal)}, frozenset())
    return Reading({}, frozenset({""}) if current > threshold / OVER else frozenset())


def _queries(sums: Window, minutes: float) -> int:
    """Queries in a minute."""
    return round(sum(place.total for place in sums.places.values()) / minutes)


def _largest(sums: Window) -> int | None:
    """The share of the server that is asked most; ``None`` where there is one alone, or no question."""
    totals = [place.total for place in sums.places.values()]
    asked = sum(totals)
    return round(max(totals) / asked * _UNIT) if len(totals) > 1 and asked else None


def _condition(state: ZoneState, sums: Window, rule: Rule, current: int, normal: float) -> Condition:
    assert isinstance(rule.detect, Volume)
    detect = rule.detect
    regions = {region for place in sums.places.values() for region in place.regions}
    ordered = sorted(sums.places.values(), key=lambda place: (-place.total, place.key))
    told = ordered if detect.of == "queries" else ordered[:1]
    servers = tuple(words.server(place.key, state.names) for place in told if place.key)
    if detect.of == "queries":
        before, after = f"{normal:.0f} a minute", f"{current} a minute"
    else:
        before, after = words.share(normal / _UNIT), words.share(current / _UNIT)
    times = current / normal if normal else float(current)
    return Condition(
        where=Offender(regions=tuple(sorted(regions)), servers=servers),
        what=f"{'queries' if detect.of == 'queries' else f'queries at {words.listing(servers)}'}: {after}, usually "
        f"{before} at this hour ({len(ordered)} servers tell)",
        facts={
            "regions": words.regions(regions, regions),
            "servers": words.listing(servers),
            "share": f"{times:.0f} ×" if times >= 2 else words.percent(times),
            "before": before,
            "after": after,
            "count": str(len(servers)),
            "total": str(len(ordered)),
            LEVEL: str(current),
        },
        confidence=0.7,
        news=is_news(state, rule.id, current),
    )

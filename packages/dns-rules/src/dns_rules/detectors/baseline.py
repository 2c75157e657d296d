"""A share of queries or of answers far above what is usual for this zone at this hour of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import structs

from dns_rules import words
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Baseline, scaled
from dns_rules.state import MICROS, Usual

from . import names
from .condition import Condition, Reading
from .usual import (
    DEVIATIONS,
    LEAST,
    LEVEL,
    OVER,
    UNIT,
    hour_of,
    is_due,
    is_news,
    is_unusual,
    next_look,
    remember,
    typical,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Place, Window

#: So many weeks are remembered of each hour.
_WEEKS = 8
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`. Looked at once a minute."""
    assert isinstance(rule.detect, Baseline)
    detect = rule.detect
    if detect.by == "name":
        return names.detect(state, rule, zone, now)
    if not is_due(state, rule.id, now):
        return _NOTHING
    sums = memory_of(state).window(rule, state)
    sums.advance(state, now - int(scaled(detect.window, zone.criticality) * MICROS))
    total = sum(place.total for place in sums.places.values())
    failing = sum(place.failing for place in sums.places.values())
    _learn(state, f"{rule.id}\t", now, total if total >= detect.samples else 0, failing)
    if total < detect.samples:
        return _NOTHING
    share = failing / total
    known = typical(state, f"{rule.id}\t", now, detect.history)
    if known is None:
        return _NOTHING
    usual, spread = known[0] / UNIT, known[1] / UNIT
    threshold = max(detect.least, detect.times * usual, usual + DEVIATIONS * spread)
    regions = _regions(sums.places.values())
    above = {region for region, (asked, bad) in regions.items() if bad >= max(LEAST, threshold * asked)}
    if share >= threshold and len(above) >= min(detect.regions, len(regions)):
        subject = "queries" if rule.on == "traffic" else "answers"
        said = _condition(state, sums, share, usual, failing, total, above, subject)
        level = round(share * UNIT)
        news = is_news(state, rule.id, level)
        return Reading({"": structs.replace(said, facts=said.facts | {LEVEL: str(level)}, news=news)}, frozenset())
    return Reading({}, frozenset({""}) if share < OVER * threshold else frozenset())


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When it has something to look at, or to learn, where nothing fails."""
    assert isinstance(rule.detect, Baseline)
    return (names.due if rule.detect.by == "name" else next_look)(state, rule, zone, now)


def _learn(state: ZoneState, key: str, now: int, total: int, failing: int) -> None:
    """Add what the window of now has; an hour's share is that of all its minutes together."""
    hour = hour_of(now)
    usual = state.usual.setdefault(key, Usual(hour=hour))
    if usual.hour != hour:
        if usual.total and not usual.spoilt:
            remember(usual, round(usual.failing / usual.total * UNIT), _WEEKS)
        usual.hour, usual.total, usual.failing, usual.spoilt = hour, 0, 0, False
    if total:
        usual.total += total
        usual.failing += failing
    usual.spoilt = usual.spoilt or is_unusual(state, key, now)


def _regions(places: Collection[Place]) -> dict[str, tuple[int, int]]:
    """Queries and failures by region."""
    found: dict[str, tuple[int, int]] = {}
    for place in places:
        for region, (total, failing) in place.regions.items():
            known = found.get(region, (0, 0))
            found[region] = known[0] + total, known[1] + failing
    return found


def _condition(
    state: ZoneState, sums: Window, share: float, usual: float, failing: int, total: int, where: set[str], subject: str
) -> Condition:
    known = {name for place in sums.places.values() for name in place.regions}
    servers = tuple(
        sorted(words.server(key, state.names) for key, place in sums.places.items() if place.failing and key)
    )
    why: dict[str, int] = {}
    for place in sums.places.values():
        for word, number in place.why.items():
            why[word] = why.get(word, 0) + number
    times = f"{share / usual:.0f} ×" if usual >= 1 / UNIT else "far above"
    return Condition(
        where=Offender(regions=tuple(sorted(where)), servers=servers),
        what=f"{failing} of {total} {subject} ({words.share(share)}) were {words.reasons(why)}, {times} the usual "
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

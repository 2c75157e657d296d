"""A name of which a far larger share of answers fails than is usual for it at this hour of the week.

Hardly any name ever fails, so that of a name nothing is kept until it does: an hour that is known of the zone, and of
which nothing is known of the name, is one in which it did not fail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.memory import ALWAYS, memory_of
from dns_rules.model import Offender
from dns_rules.rules import Baseline, scaled
from dns_rules.state import MICROS, Usual

from .condition import Condition, Reading, standing
from .usual import DEVIATIONS, LEAST, OVER, UNIT, end_of_hour, hour_of, is_due, learn, median_of, next_look

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Place

#: So many weeks are remembered of each hour, of so many names of a zone.
_WEEKS, _MOST_NAMES = 3, 8
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`. Looked at once a minute."""
    assert isinstance(rule.detect, Baseline)
    detect = rule.detect
    memory = memory_of(state)
    key = f"{rule.id}\t"
    active = standing(state, rule)
    after = now - int(scaled(detect.window, zone.criticality) * MICROS)
    well = memory.failed.get(rule.id, ALWAYS) < after and not active
    if well and _is_known(state, key, now):
        return _NOTHING  # by far the commonest case
    if not is_due(state, rule.id, now):
        return _NOTHING
    learn(state, key, now, 0, weeks=_WEEKS, most=1)
    names = [known.removeprefix(key) for known in state.usual if known.startswith(key) and known != key]
    if well:
        for name in names:
            _learn(state, rule, name, now, 0)
        return _NOTHING
    sums = memory.window(rule, state)
    sums.advance(state, after)
    holds: dict[str, Condition] = {}
    cleared = active - sums.places.keys()
    for name in sorted({*names, *sums.places}):
        place = sums.places.get(name)
        share = place.failing / place.total if place is not None and place.total >= detect.samples else 0
        if not _learn(state, rule, name, now, round(share * UNIT)):
            continue
        usual = _usual(state, rule, name, now)
        if place is None or usual is None:
            continue
        threshold = max(detect.least, detect.times * usual[0], usual[0] + DEVIATIONS * usual[1])
        above = place.failing_regions(threshold, LEAST)
        if share >= threshold and len(above) >= min(detect.regions, len(place.regions)):
            evidence = sums.evidence([place], 5)
            holds[name] = _condition(state, place, share, usual[0], above, evidence)
        elif share < OVER * threshold:
            cleared.add(name)
    return Reading(holds, frozenset(cleared))


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When there is something to look at: where nothing fails once an hour, which has then been without failures."""
    assert isinstance(rule.detect, Baseline)
    after = now - int(scaled(rule.detect.window, zone.criticality) * MICROS)
    if memory_of(state).failed.get(rule.id, ALWAYS) < after and _is_known(state, f"{rule.id}\t", now):
        return end_of_hour(now)
    return next_look(state, rule, zone, now)


def _is_known(state: ZoneState, key: str, now: int) -> bool:
    """Whether this hour of the zone is one that is learnt from."""
    of_zone = state.usual.get(key)
    return of_zone is not None and of_zone.hour == hour_of(now)


def _learn(state: ZoneState, rule: Rule, name: str, now: int, level: int) -> bool:
    """Take a share as the hour's if it is the highest so far; false where of too many names something is known."""
    key = f"{rule.id}\t{name}"
    known = state.usual.get(key)
    if known is None and not level:
        return True
    if known is not None and known.hour == hour_of(now):
        level = max(level, known.failing)
    if not learn(state, key, now, level, weeks=_WEEKS, most=1 + _MOST_NAMES):
        return False
    if not level and key not in state.active and not any(map(any, state.usual[key].hours.values())):
        del state.usual[key]  # it has not failed for weeks
    return True


def _usual(state: ZoneState, rule: Rule, name: str, now: int) -> tuple[float, float] | None:
    """Its usual share and the deviation from it; ``None`` while too few hours are known of the zone."""
    assert isinstance(rule.detect, Baseline)
    of_zone = state.usual[f"{rule.id}\t"]
    of_name = state.usual.get(f"{rule.id}\t{name}", Usual(hour=0)).hours
    hours = {
        hour: [0] * (len(values) - len(of_name.get(hour, ()))) + of_name.get(hour, [])
        for hour, values in of_zone.hours.items()
    }
    found = median_of(hours, hour_of(now), rule.detect.history)
    return None if found is None else (found[0] / UNIT, found[1] / UNIT)


def _condition(
    state: ZoneState, place: Place, share: float, usual: float, where: set[str], evidence: tuple[str, ...]
) -> Condition:
    servers = tuple(sorted(words.server(key, state.names) for key, (_, failing) in place.servers.items() if failing))
    times = f"{share / usual:.0f} ×" if usual >= 1 / UNIT else "far above"
    return Condition(
        where=Offender(regions=tuple(sorted(where)), servers=servers, names=(place.key,)),
        what=f"{place.failing} of {place.total} answers for {place.key} ({words.share(share)}) were "
        f"{words.reasons(place.why)}, {times} the usual {words.share(usual)} at this hour",
        facts={
            "regions": words.regions(where, set(place.regions)),
            "servers": words.listing(servers),
            "names": place.key,
            "share": words.share(share),
            "before": words.share(usual),
            "after": words.share(share),
            "count": str(place.failing),
            "total": str(place.total),
            "why": words.reasons(place.why),
        },
        confidence=0.8,
        evidence=evidence,
    )

"""A number that fell below what it must not fall below: a TTL, or the time that is left of something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import vantage, words
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.rules import Level, scaled
from dns_rules.state import MICROS, micros, moment

from .condition import NEVER, Condition, Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.model import Finding
    from dns_rules.rules import Rule
    from dns_rules.state import Seen, ZoneState

_NOTHING = Reading({}, frozenset())
_HOUR = 3600 * MICROS


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Level)
    if rule.detect.of == "ttl":
        return _ttl(state, rule, zone, now)
    probes = state.seen.get(rule.detect.of)
    if not probes:
        return _NOTHING
    newest = _newest(probes)
    left = int(newest.value) - now
    if left >= scaled(rule.detect.below, zone.criticality) * MICROS:
        return Reading({}, frozenset({""}))
    end = f"{moment(int(newest.value)):%Y-%m-%d %H:%M}Z"
    what = {"signatures_expire": "the first signature at the apex", "expires": "the registration"}[rule.detect.of]
    remaining = f"in {words.duration(left / MICROS)}" if left > 0 else f"{words.duration(-left / MICROS)} ago"
    regions = tuple(sorted({state.probes.get(probe, probe) for probe in probes}))
    return Reading(
        {
            "": Condition(
                where=Offender(regions=regions),
                what=f"{what} of {zone.zone} expires at {end}",
                facts={"regions": words.listing(regions), "after": remaining, "before": end, "count": str(len(probes))},
                confidence=0.95,
                evidence=(newest.id,),
                news=_is_news(state.active.get(f"{rule.id}\t"), int(newest.value), left),
            )
        },
        frozenset(),
    )


def due(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    """When what is left of a time will be too little."""
    assert isinstance(rule.detect, Level)
    if rule.detect.of == "ttl":
        return now if rule.id in memory_of(state).waiting else NEVER
    probes = state.seen.get(rule.detect.of)
    return int(_newest(probes).value) - int(scaled(rule.detect.below, zone.criticality) * MICROS) if probes else NEVER


def _newest(probes: dict[str, Seen]) -> Seen:
    # Because a renewal is known to whoever looked last.
    return max(probes.values(), key=lambda seen: (seen.time, seen.id))


def _is_news(known: Finding | None, end: int, left: int) -> bool:
    """Whether half of the time is gone that was left when this was told last, down to an hour, or all of it."""
    if known is None:
        return False
    before = end - micros(known.time)
    return _HOUR <= 2 * left <= before or left <= 0 < before


def _ttl(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    if zone.ttl_minimum is None:
        return _NOTHING
    memory = memory_of(state)
    memory.waiting.discard(rule.id)
    holds: dict[str, Condition] = {}
    cleared: set[str] = set()
    for question in memory.records(rule):
        low = {
            key: latest
            for key, latest in sorted(state.latest.get(question, {}).items())
            if vantage.parts(key)[1] == "authoritative" and latest.ttl is not None and latest.outcome == "answer"
        }
        if not low:
            continue
        least = min(latest.ttl or 0 for latest in low.values())
        if least >= zone.ttl_minimum:
            cleared.add(question)
            continue
        if memory.meant(now, "ttl"):
            cleared.add(question)
            memory.waiting.add(rule.id)  # for the end of the window
            continue
        name, _, qtype = question.rpartition("/")
        cut = {key: latest for key, latest in low.items() if latest.ttl == least}
        regions = tuple(sorted({vantage.parts(key)[0] for key in cut}))
        servers = tuple(sorted({words.server(vantage.parts(key)[2], state.names) for key in cut}))
        holds[question] = Condition(
            where=Offender(regions=regions, servers=servers, names=(name,)),
            what=f"{name} {qtype} has a TTL of {least} s at {words.listing(servers)}; the zone's minimum is "
            f"{zone.ttl_minimum} s",
            facts={
                "regions": words.listing(regions), "servers": words.listing(servers), "names": f"{name} {qtype}",
                "before": f"{zone.ttl_minimum} s", "after": f"{least} s", "count": str(len(servers)),
            },
            verdict="contradicted",
            confidence=0.9,
            evidence=tuple(latest.id for latest in cut.values())[:5],
        )  # fmt: skip
    return Reading(holds, frozenset(cleared))

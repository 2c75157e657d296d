"""A share of failures that lasts, told by server or by question, and by region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.model import Offender
from dns_rules.rules import Sustained, scaled
from dns_rules.state import MICROS

from .condition import Condition, Reading

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import Tally, ZoneState

#: A key is quiet again when less than this part of the firing ratio fails over half a window.
_QUIET = 1 / 3


class Place:
    """One server or question over the window, by region."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.total = 0
        self.failing = 0
        self.regions: dict[str, list[int]] = {}
        self.probes: dict[str, list[int]] = {}
        self.servers: dict[str, list[int]] = {}
        self.why: dict[str, int] = {}
        self.evidence: set[tuple[int, str]] = set()

    def add(self, vantage: str, tally: Tally) -> None:
        """Add one bucket's tally of one vantage."""
        region, probe, server = vantage.split("\t")
        self.total += tally.total
        self.failing += tally.failing
        for group, name in ((self.regions, region), (self.probes, probe), (self.servers, server)):
            pair = group.setdefault(name, [0, 0])
            pair[0] += tally.total
            pair[1] += tally.failing
        for why, number in tally.why.items():
            self.why[why] = self.why.get(why, 0) + number
        if tally.failing:
            self.evidence.add(tally.evidence)

    def failing_regions(self, ratio: float) -> set[str]:
        """Regions in which at least this share fails."""
        return {name for name, (total, failing) in self.regions.items() if failing >= ratio * total}


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Sustained)
    window = int(scaled(rule.detect.window, zone.criticality) * MICROS)
    places = _places(state, rule, now - window)
    recent = _places(state, rule, now - max(window // 2, 20 * MICROS))
    known = {region for place in places.values() for region in place.regions}
    whole = state.started <= now - window
    concerned = not rule.where.validated or zone.dnssec == "required" or state.secure
    tripped = {key: place for key, place in places.items() if whole and concerned and _trips(place, rule.detect, known)}
    quiet = frozenset(key for key, place in recent.items() if place.total and _is_quiet(place, rule.detect))
    if rule.detect.by == "question":
        holds = {key: _question(place, known, state, window) for key, place in tripped.items()}
        return Reading(holds, quiet)
    everywhere = len(tripped) == len(places)
    all_quiet = frozenset({""}) if recent and len(quiet) == len(recent) else frozenset[str]()
    if rule.detect.scope == "part":
        holds = {} if everywhere else {
            key: _servers({key: place}, places, known, state, window) for key, place in tripped.items()
        }  # fmt: skip
        return Reading(holds, quiet)
    regions = {region for place in tripped.values() for region in place.failing_regions(rule.detect.ratio)}
    enough = bool(tripped) and len(regions) >= min(rule.detect.regions, len(known))
    if rule.detect.scope == "all":
        # One server that answers again is the end of an outage, though not of the trouble.
        quiet_now = frozenset({""}) if quiet else frozenset[str]()
        return Reading(
            {"": _servers(tripped, places, known, state, window)} if enough and everywhere else {}, quiet_now
        )
    return Reading({"": _servers(tripped, places, known, state, window)} if enough else {}, all_quiet)


def _places(state: ZoneState, rule: Rule, after: int) -> dict[str, Place]:
    # A region that never reached any of the zone's servers is behind a firewall, and says nothing of them.
    from_authority = rule.where.role == "authoritative"
    places: dict[str, Place] = {}
    for time, tallies in state.ring:
        if time < after:
            continue
        for key, vantages in tallies.get(rule.id, {}).items():
            for vantage, tally in vantages.items():
                if not from_authority or vantage.split("\t", 1)[0] in state.reached:
                    places.setdefault(key, Place(key)).add(vantage, tally)
    return places


def _trips(place: Place, detect: Sustained, known: set[str]) -> bool:
    if place.total < detect.samples or place.failing < detect.ratio * place.total:
        return False
    # A recursive server belongs to one region, so that the number of regions is asked of all together.
    needed = min(detect.regions, len(known) if detect.by == "question" else len(place.regions))
    return len(place.failing_regions(detect.ratio)) >= needed


def _is_quiet(place: Place, detect: Sustained) -> bool:
    return place.failing <= detect.ratio * _QUIET * place.total


def _servers(
    tripped: dict[str, Place], places: dict[str, Place], known: set[str], state: ZoneState, window: int
) -> Condition:
    why: dict[str, int] = {}
    for place in tripped.values():
        for word, number in place.why.items():
            why[word] = why.get(word, 0) + number
    regions = {name for place in tripped.values() for name, (total, bad) in place.regions.items() if bad * 2 > total}
    servers = tuple(sorted(words.server(address, state.names) for address in tripped))
    failing, total = sum(p.failing for p in tripped.values()), sum(p.total for p in tripped.values())
    return Condition(
        where=Offender(regions=tuple(sorted(regions)), servers=servers),
        what=f"{len(tripped)} of {len(places)} servers failed {failing} of {total} questions in "
        f"{words.duration(window / MICROS)} ({words.counts(why)}), seen from "
        f"{words.regions(regions, known)}",
        facts={
            "regions": words.regions(regions, known),
            "servers": words.listing(servers),
            "count": str(len(tripped)),
            "total": str(len(places)),
            "why": words.reasons(why),
        },
        confidence=_confidence(tripped.values(), len(regions)),
        evidence=_evidence(tripped.values()),
    )


def _question(place: Place, known: set[str], state: ZoneState, window: int) -> Condition:
    regions = {name for name, (total, bad) in place.regions.items() if bad * 2 > total}
    failing = [address for address, (total, bad) in sorted(place.servers.items()) if bad * 2 > total]
    servers = tuple(sorted(words.server(address, state.names) for address in failing))
    name, _, qtype = place.key.rpartition("/")
    return Condition(
        where=Offender(regions=tuple(sorted(regions)), servers=servers, names=(name,)),
        what=f"{name} {qtype}: {place.failing} of {place.total} answers in "
        f"{words.duration(window / MICROS)} were without the expected data ({words.counts(place.why)}), "
        f"from {len(failing)} of {len(place.servers)} servers",
        facts={
            "regions": words.regions(regions, known),
            "servers": words.listing(servers),
            "names": f"{name} {qtype}",
            "count": str(len(failing)),
            "total": str(len(place.servers)),
            "why": words.reasons(place.why),
        },
        confidence=_confidence([place], len(regions)),
        evidence=_evidence([place]),
    )


def _confidence(places: Collection[Place], regions: int) -> float:
    """The share of failing questions, less where only one region looks: it may be the one that is ill."""
    share = sum(p.failing for p in places) / max(1, sum(p.total for p in places))
    return round(share * (0.99 if regions > 1 else 0.6), 2)


def _evidence(places: Collection[Place]) -> tuple[str, ...]:
    newest = sorted({pair for p in places for pair in p.evidence}, reverse=True)
    return tuple(id_ for _, id_ in newest[:5])

"""A share of failures that lasts, told by server or by question, and by region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import vantage, words
from dns_rules.memory import ALWAYS, memory_of
from dns_rules.model import Offender
from dns_rules.rules import Sustained, scaled
from dns_rules.state import MICROS

from .condition import Condition, Reading, standing

if TYPE_CHECKING:
    from collections.abc import Collection

    from dns_rules.inventory import Zone
    from dns_rules.memory import Memory
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState
    from dns_rules.window import Place, Window

#: A key is quiet again when less than this part of the firing ratio fails over half a window.
_QUIET = 1 / 3
#: So many intervals are a window where the rule's own has not enough samples.
_INTERVALS = 3
_MINUTE = 60 * MICROS
#: So many failures are shown as evidence, the newest.
_EVIDENCE = 5
_NOTHING = Reading({}, frozenset())


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Sustained)
    window = int(scaled(rule.detect.window, zone.criticality) * MICROS)
    memory = memory_of(state)
    active = standing(state, rule)
    if memory.failed.get(rule.id, ALWAYS) < now - window and not active:
        return _NOTHING  # by far the commonest case: nothing failed, so nothing can begin, and nothing can be over
    sums = memory.window(rule, state)
    sums.advance(state, now - window)
    if (sums.failing or active) and not _suffices(sums, rule.detect) and longer(state, memory) > window:
        window, sums = longer(state, memory), memory.window(rule, state, longer=True)
        sums.advance(state, now - window)
    places = sums.places
    recent = sums.since(state, now - max(window // 2, 20 * MICROS)) if active else {}
    quiet = frozenset(key for key, pair in recent.items() if _is_quiet(*pair, rule.detect))
    if active and places:
        # What nobody asks any more, a server that was taken out of the NS set, say, is no trouble any more.
        quiet |= active - {""} - places.keys()
    tripped: dict[str, Place] = {}
    known: set[str] = set()
    concerned = not rule.where.validated or zone.dnssec == "required" or state.secure
    if sums.failing and concerned and state.started <= now - window:
        ill = {key: place for key, place in places.items() if _is_ill(place, rule.detect)}
        if ill:
            known = {region for place in places.values() for region in place.regions}
            tripped = {key: place for key, place in ill.items() if _is_widespread(place, rule.detect, known)}
    if rule.detect.by == "question":
        holds = {key: _question(place, sums, known, state, window) for key, place in tripped.items()}
        return Reading(holds, quiet)
    everywhere = len(tripped) == len(places)
    if rule.detect.alone and _has_trouble(state, rule):
        return Reading({}, frozenset(places))
    if rule.detect.scope == "part" and not _is_well([p for key, p in places.items() if key not in tripped]):
        tripped = {}  # what is on its way to failing everywhere is not a part
    if rule.detect.by in {"probe", "region"}:
        told = {} if everywhere and rule.detect.scope == "part" else tripped
        say = _probe if rule.detect.by == "probe" else _region
        return Reading({key: say(place, sums, state, window) for key, place in told.items()}, quiet)
    if rule.detect.scope == "part":
        holds = {} if everywhere else {
            key: _servers({key: place}, sums, known, state, window) for key, place in tripped.items()
        }  # fmt: skip
        return Reading(holds, quiet)
    # One server that answers again is the end of an outage, though not of the trouble.
    over = bool(quiet) if rule.detect.scope == "all" else bool(recent) and len(quiet) == len(recent)
    regions = {region for place in tripped.values() for region in place.failing_regions(rule.detect.ratio)}
    enough = bool(tripped) and len(regions) >= min(rule.detect.regions, len(known))
    firing = enough and (everywhere or rule.detect.scope == "any")
    return Reading(
        {"": _servers(tripped, sums, known, state, window)} if firing else {},
        frozenset({""}) if over else frozenset(),
    )


def _suffices(sums: Window, detect: Sustained) -> bool:
    """Whether anything was asked so often that something can be said of it."""
    return any(place.total >= detect.samples for place in sums.places.values())


def longer(state: ZoneState, memory: Memory) -> int:
    """The window of a zone that is asked too seldom for the rule's own: some intervals, to the minute."""
    minutes = round(_INTERVALS * state.interval / _MINUTE)
    return min(minutes * _MINUTE, memory.ring)  # tallies are kept no longer


def _has_trouble(state: ZoneState, rule: Rule) -> bool:
    """Whether the zone itself is ill in another rule's eyes."""
    own = {rule.id, *rule.explains}
    return any(finding.rule not in own for finding in state.active.values())


def _is_ill(place: Place, detect: Sustained) -> bool:
    return place.total >= detect.samples and place.failing >= detect.ratio * place.total


def _is_well(places: Collection[Place]) -> bool:
    return sum(p.failing for p in places) <= _QUIET * sum(p.total for p in places)


def _is_widespread(place: Place, detect: Sustained, known: set[str]) -> bool:
    # A recursive server belongs to one region, so that the number of regions is asked of all together.
    needed = min(detect.regions, len(known) if detect.by == "question" else len(place.regions))
    return len(place.failing_regions(detect.ratio)) >= needed


def _is_quiet(total: int, failing: int, detect: Sustained) -> bool:
    return total > 0 and failing <= detect.ratio * _QUIET * total


def _servers(tripped: dict[str, Place], sums: Window, known: set[str], state: ZoneState, window: int) -> Condition:
    why: dict[str, int] = {}
    for place in tripped.values():
        for word, number in place.why.items():
            why[word] = why.get(word, 0) + number
    regions = {name for place in tripped.values() for name, (total, bad) in place.regions.items() if bad * 2 > total}
    servers = tuple(sorted(words.server(address, state.names) for address in tripped))
    failing, total = sum(p.failing for p in tripped.values()), sum(p.total for p in tripped.values())
    return Condition(
        where=Offender(regions=tuple(sorted(regions)), servers=servers),
        what=f"{len(tripped)} of {len(sums.places)} servers failed {failing} of {total} questions in "
        f"{words.duration(window / MICROS)} ({words.counts(why)}), seen from "
        f"{words.regions(regions, known)}",
        facts={
            "regions": words.regions(regions, known),
            "servers": words.listing(servers),
            "count": str(len(tripped)),
            "total": str(len(sums.places)),
            "why": words.reasons(why),
        },
        confidence=_confidence(tripped.values(), len(regions)),
        evidence=sums.evidence(tripped.values(), _EVIDENCE),
    )


def _probe(place: Place, sums: Window, _state: ZoneState, window: int) -> Condition:
    regions, probes = tuple(sorted(place.regions)), len(sums.places)
    return Condition(
        where=Offender(regions=regions),
        what=f"probe {place.key} in {words.listing(regions)}: {place.failing} of {place.total} answers in "
        f"{words.duration(window / MICROS)} failed ({words.counts(place.why)}); {probes} probes look at the zone",
        facts={
            "probe": place.key,
            "regions": words.listing(regions),
            "count": "1",
            "total": str(probes),
            "why": words.reasons(place.why),
        },
        confidence=_confidence([place], 2),
        evidence=sums.evidence([place], _EVIDENCE),
    )


def _region(place: Place, sums: Window, state: ZoneState, window: int) -> Condition:
    servers = tuple(sorted(words.server(address, state.names) for address in place.servers))
    probes = len({vantage.parts(key)[1] for key in place.vantages})
    return Condition(
        where=Offender(regions=(place.key,), servers=servers),
        what=f"from {place.key} {place.failing} of {place.total} questions to all {len(servers)} servers failed in "
        f"{words.duration(window / MICROS)} ({words.counts(place.why)}), while others answer its probes; "
        f"{len(sums.places) - 1} other regions get answers",
        facts={
            "regions": place.key,
            "servers": words.listing(servers),
            "count": "1",
            "total": str(len(sums.places)),
            "why": words.reasons(place.why),
        },
        confidence=round(_confidence([place], 2) * (1 if probes > 1 else 0.8), 2),
        evidence=sums.evidence([place], _EVIDENCE),
    )


def _question(place: Place, sums: Window, known: set[str], state: ZoneState, window: int) -> Condition:
    regions = {name for name, (total, bad) in place.regions.items() if bad * 2 > total}
    by_server = place.servers
    failing = [address for address, (total, bad) in sorted(by_server.items()) if bad * 2 > total]
    servers = tuple(sorted(words.server(address, state.names) for address in failing))
    name, _, qtype = place.key.rpartition("/")
    return Condition(
        where=Offender(regions=tuple(sorted(regions)), servers=servers, names=(name,)),
        what=f"{name} {qtype}: {place.failing} of {place.total} answers in "
        f"{words.duration(window / MICROS)} were without the expected data ({words.counts(place.why)}), "
        f"from {len(failing)} of {len(by_server)} servers",
        facts={
            "regions": words.regions(regions, known),
            "servers": words.listing(servers),
            "names": f"{name} {qtype}",
            "after": _target(state, place.key),
            "count": str(len(failing)),
            "total": str(len(by_server)),
            "why": words.reasons(place.why),
        },
        confidence=_confidence([place], len(regions)),
        evidence=sums.evidence([place], _EVIDENCE),
    )


def _target(state: ZoneState, question: str) -> str:
    """To where an alias leads that is answered with NXDOMAIN; nothing where there is none."""
    targets = {
        item.removesuffix(".")
        for latest in state.latest.get(question, {}).values()
        for item in latest.data
        if latest.outcome == "nxdomain"
    }
    return words.listing(sorted(targets))


def _confidence(places: Collection[Place], regions: int) -> float:
    """The share of failing questions, less where only one region looks: it may be the one that is ill."""
    share = sum(p.failing for p in places) / max(1, sum(p.total for p in places))
    return round(share * (0.99 if regions > 1 else 0.6), 2)

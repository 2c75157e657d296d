"""A tracked fact of the zone became another, and nobody had said that it would."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dns_events import durations
from msgspec import structs

from dns_rules import vantage, words
from dns_rules.edits import editor, was_edited
from dns_rules.facts import RECORDS, SEPARATOR, members, plain, tracked
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.plans import in_words
from dns_rules.rules import FAULTS_OF_SERVERS, FAULTS_OF_ZONES, Transition, scaled
from dns_rules.state import MICROS, Fact

from .condition import NEVER, Condition, Reading
from .rollover import ROLLED, hold
from .standing import keep
from .voices import Voices, of_fact

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_rules.inventory import Zone
    from dns_rules.plans import Plan, Plans
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState

#: A probe's reading that is older has no voice. Registrations are read once in hours.
_FRESH = 300 * MICROS
_FRESH_REGISTRATION = 72 * 3600 * MICROS
_REGISTRATION = frozenset({"registrar", "registrant", "lock", "transfer", "registered_ns", "expires"})
#: What is no fact to compare but a time, for `level`.
_TIMES = frozenset({"signatures_expire", "expires"})
#: A value that changes so often, each time within a day, varies by nature.
_RESTLESS = 3
_DAY = 86_400 * MICROS
#: Facts that an edit of the zone changes too; what stands at the parent it does not.
_EDITED = {"child_ns": "{}/NS"}
_NOTHING = Reading({}, frozenset())


def track(state: ZoneState, zone: Zone, now: int) -> None:
    """Bring the facts up to date with what most probes say; called once an evaluation, before the rules."""
    memory = memory_of(state)
    if memory.changed:
        memory.stir()
        for question in sorted(memory.changed):
            _track_records(state, zone, question, now)
        memory.changed.clear()
    if memory.voices_until >= now:
        return  # neither has a probe said anything since, nor has one lost its voice
    memory.stir()
    for name, probes in sorted(state.seen.items()):
        fresh = _fresh(name)
        for probe in [p for p, seen in probes.items() if seen.time < now - fresh]:
            del probes[probe]
        if name in FAULTS_OF_SERVERS:
            if probes:
                keep(state, name, [seen.value for seen in probes.values()], now)
            continue
        current = None if name in _TIMES else _current(seen.value for seen in probes.values())
        if current is not None:
            _note(state, name, current, _declared(name, zone), now)
    memory.faulty = any(state.faulty.values()) or any(
        fault in state.facts and state.facts[fault].current for fault in FAULTS_OF_ZONES
    )
    memory.voices_until = min(
        (seen.time + _fresh(name) for name, probes in state.seen.items() for seen in probes.values()), default=NEVER
    )


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Transition)
    memory = memory_of(state)
    if rule.id in memory.calm and not state.active:
        return _NOTHING  # by far the commonest case: all facts were as they should be, and none changed since
    holds: dict[str, Condition] = {}
    cleared: set[str] = set()
    names = (*rule.detect.facts, *(RECORDS + question for question in memory.records(rule)))
    for name in names:
        fact = state.facts.get(name)
        if fact is None:
            continue
        declared = _declared(name, zone) if rule.detect.expected is not None else ""
        if declared:
            fact.value = declared
        if fact.current == fact.value:
            cleared.add(name)
            continue
        question = _question(name, zone.zone)
        changed = fact.changed if fact.changed is not None else fact.since
        if memory.plans.follows(question, fact.value, fact.current, changed=changed, now=now):
            cleared.add(name)
            if not declared and memory.plans.during(question, now) is None:  # until then it may be rolled back
                fact.value, fact.since = fact.current, now
            continue
        # A plan says more than that something may be changed.
        plan = memory.plans.during(question, changed)
        began = changed if plan is None else _began(plan, memory.plans, question, fact, changed)
        meant = plan is None and memory.meant(changed, rule.detect.allow)
        edited = question if name.startswith(RECORDS) else _EDITED.get(name, "").format(state.zone)
        if not declared and edited and not meant and plan is None:
            meant = was_edited(state, zone, edited, fact.current, changed)
        if not declared and (meant or _is_old_or_restless(fact, rule.detect, zone, began, now, plan)):
            fact.value, fact.since = fact.current, now
        if fact.current == fact.value or meant:
            cleared.add(name)
            continue
        voices = _voices(state, zone, name, fact.current)
        if not voices.suffice(rule.detect.probes):
            continue
        by = f"; {in_words(plan)}" if plan is not None else ""
        by += editor(state, edited, changed) if edited else ""
        said = _condition(
            name, fact, voices, rule.detect, declared=bool(declared), since=began, by=by, why=_why(plan, fact)
        )
        known = state.active.get(f"{rule.id}\t{name}")
        holds[name] = structs.replace(
            said,
            verdict=said.verdict if plan is None else "contradicted",
            news=known is not None and known.facts["after"] != said.facts["after"],
        )
    if all(fact is None or fact.current == fact.value for fact in map(state.facts.get, names)):
        memory.calm.add(rule.id)
    return Reading(holds, frozenset(cleared))


def _began(plan: Plan, plans: Plans, question: str, fact: Fact, changed: int) -> int:
    """Since when a set is not as its plan says: what is half done is right for as long as the window is open."""
    in_time = plans.follows(question, fact.value, fact.current, changed=changed, now=changed)
    return plan.end if in_time else changed


def _why(plan: Plan | None, fact: Fact) -> str:
    if plan is None or plan.says(members(fact.current)):
        return "outside a change window"
    return f"against plan {plan.change[:32]}"  # what it became has to stand in the title, too


def _is_old_or_restless(fact: Fact, detect: Transition, zone: Zone, changed: int, now: int, plan: Plan | None) -> bool:
    """Whether an undeclared value is the one to compare with from here on."""
    old = now - changed >= durations.seconds(detect.adopt_after) * MICROS
    if old or plan is not None:  # with a plan it is known what should be, whatever was before
        return old
    return changed - fact.since < scaled(detect.learn, zone.criticality) * MICROS or fact.restless >= _RESTLESS


def _question(name: str, zone: str) -> str:
    """The record set that a fact is about."""
    if name.startswith(RECORDS):
        return name.removeprefix(RECORDS)
    return f"{zone}/{'NS' if name.endswith('_ns') else name.upper()}"


def _track_records(state: ZoneState, zone: Zone, question: str, now: int) -> None:
    """What most of the authoritative servers answer to a question, over the regions that ask them."""
    name = RECORDS + question
    vantages = state.latest.get(question)
    if vantages is None:
        return
    current = _current(
        tracked(latest.data, question, zone)
        for key, latest in vantages.items()
        if vantage.parts(key)[1] == "authoritative" and latest.outcome == "answer"
    )
    if current is not None:
        _note(state, name, current, _declared(name, zone), now)


def _note(state: ZoneState, name: str, current: str, declared: str, now: int) -> None:
    fact = state.facts.get(name)
    if fact is None:
        state.facts[name] = Fact(value=declared or current, since=now, current=current)
    elif fact.current != current:
        if name in ROLLED:
            hold(state, name, fact.current, now)
        soon = fact.changed is not None and now - fact.changed < _DAY
        fact.restless = fact.restless + 1 if soon else 0
        fact.previous, fact.current, fact.changed = fact.current, current, now
    else:
        return
    memory_of(state).calm.clear()


def _declared(name: str, zone: Zone) -> str:
    """What the inventory says the fact should be; nothing where it does not say."""
    if name.endswith("_ns"):
        return SEPARATOR.join(zone.nameservers)
    if name == "registrar":
        return zone.registration.registrar or ""
    if name == "lock":
        return "locked" if zone.registration.lock == "required" else ""
    if name.startswith(RECORDS):
        owner, _, qtype = name.removeprefix(RECORDS).rpartition("/")
        expectation = zone.expectation(owner, qtype)
        if expectation is not None and isinstance(expectation.expect, tuple):
            return SEPARATOR.join(sorted(plain(item) for item in expectation.expect))
    return ""


def _fresh(name: str) -> int:
    return _FRESH_REGISTRATION if name in _REGISTRATION else _FRESH


def _current(values: Iterable[str]) -> str | None:
    """The value that more than half of the probes give; none while they are divided."""
    counted = Counter(values)
    if not counted:
        return None
    value, number = min(counted.items(), key=lambda i: (-i[1], i[0]))
    return value if number * 2 > counted.total() else None


def _voices(state: ZoneState, zone: Zone, name: str, current: str) -> Voices:
    if not name.startswith(RECORDS):
        return of_fact(state, name, current)
    question = name.removeprefix(RECORDS)
    listed = [
        (vantage.parts(key)[0], latest.id, tracked(latest.data, question, zone) == current)
        for key, latest in sorted(state.latest.get(question, {}).items())
        if vantage.parts(key)[1] == "authoritative" and latest.outcome == "answer"
    ]
    regions = tuple(sorted({region for region, _, says in listed if says}))
    known = tuple(sorted({region for region, _, _ in listed}))
    return Voices(len(regions), len(known), regions, known, tuple(id_ for _, id_, says in listed if says)[:5])


def _condition(
    name: str, fact: Fact, voices: Voices, detect: Transition, *, declared: bool, since: int, by: str, why: str
) -> Condition:
    records = name.startswith(RECORDS)
    owner, _, qtype = name.removeprefix(RECORDS).rpartition("/")
    label = f"{owner} {qtype}" if records else words.fact(name)
    servers = fact.current.split(SEPARATOR) if name.endswith("_ns") and fact.current else []
    before, after = (words.value(name, value) for value in (fact.value, fact.current))
    return Condition(
        where=Offender(regions=voices.regions, servers=tuple(servers), names=(owner,) if records else ()),
        what=f"{label} is {fact.current or 'empty'}; "
        f"{'the inventory says' if declared else 'it was'} {fact.value or 'empty'}{by}",
        facts={
            "regions": words.regions(voices.regions, voices.known),
            "servers": words.listing(servers),
            "names": label,
            "why": why,
            "before": before,
            "after": after,
            "count": str(voices.number),
        },
        verdict="contradicted" if declared else "undeclared",
        confidence=0.97 if voices.number > 1 or detect.probes == 1 else 0.6,
        evidence=voices.evidence,
        since=since,
    )

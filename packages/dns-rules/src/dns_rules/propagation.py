"""How far a change has come: of each vantage, whether it gives what it should by now.

A cache may hold an answer for as long as its TTL says (RFC 1035 §3.2.1), counted from the last moment at which an
authoritative server gave it; "no such data" as long (RFC 2308 §5); and past that only to bridge an outage, with a TTL
of 30 s (RFC 8767 §4).
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

from . import vantage
from .facts import RECORDS, tracked
from .plans import gives
from .spread import Spread, Verdict, Voice
from .state import MICROS, Agreement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .inventory import Zone
    from .memory import Memory
    from .plans import Plan
    from .state import Fact, Latest, ZoneState

#: An answer older than this says nothing of now.
FRESH = 180 * MICROS
#: After so many divergences that ended by themselves a name is held to vary by nature.
RESTLESS = 3
#: From this share of regions on they agree.
_AGREEING = 0.8
#: So many answers that were given before, or that nobody gave, are remembered.
_PAST = 8
#: RFC 8767 §4.
_STALE_TTL = 30
#: Seconds; RFC 2308 §5, where nobody told the zone's own.
_NEGATIVE = 3600
#: So much longer than the TTL an answer may be seen: between two looks at the authority, and on the way.
_SLACK = 30 * MICROS
#: Outcomes that say nothing of the data.
NO_ANSWER = frozenset({"timeout", "unreachable", "refused", "servfail", "error", "malformed", "referral"})
_EMPTY = frozenset({"nodata", "nxdomain"})


def track(state: ZoneState, zone: Zone, memory: Memory, now: int) -> None:
    """Look at all questions once a step, for the detectors and whoever else asks."""
    memory.spreads = {}
    memory.agreeing = set()
    for question in sorted(state.latest):
        vantages = state.latest[question]
        answer, ttl, regions, authorities = _unanimous(vantages, now)
        if answer is None:
            _diverse(state, zone, memory, question, now)
        elif regions > 1 or authorities > 1:
            known = state.agreement.setdefault(question, Agreement())
            known.strange = {}
            known.given = {answer: known.given.get(answer, now)} if authorities else {}
            _refer(known, answer, ttl if authorities else None, now)
            if regions > 1:
                known.share = 1.0
                _agreed(known, ttl, now)
            memory.agreeing.add(question)


def _unanimous(vantages: dict[str, Latest], now: int) -> tuple[str | None, int, int, int]:
    """The usual case, cheaply: the one answer, its TTL, and how many regions and servers give it."""
    regions: set[str] = set()
    servers: set[str] = set()
    answer: str | None = None
    ttl = 0
    for key, latest in vantages.items():
        if latest.time < now - FRESH or latest.outcome in NO_ANSWER:
            continue
        if answer is None:
            answer = latest.answer
        elif latest.answer != answer:
            return None, 0, 0, 0
        region, role, server = vantage.parts(key)
        if role == "authoritative":
            ttl = max(ttl, _lasts(latest))
            servers.add(server)
        else:
            regions.add(region)
    return (answer or "", ttl, len(regions), len(servers)) if answer is not None else ("", 0, 0, 0)


def _diverse(state: ZoneState, zone: Zone, memory: Memory, question: str, now: int) -> None:
    name, _, qtype = question.rpartition("/")
    vantages = state.latest[question]
    regions: dict[str, tuple[str, Latest]] = {}
    authority: dict[str, list[Latest]] = {}
    for key, latest in sorted(vantages.items()):
        region, role, server = vantage.parts(key)
        if latest.time < now - FRESH or latest.outcome in NO_ANSWER:
            continue
        if role == "authoritative":
            authority.setdefault(server, []).append(latest)
        elif region not in regions or regions[region][1].time < latest.time:
            regions[region] = (server, latest)
    if len(regions) < 2 and len(authority) < 2:
        return
    known = state.agreement.setdefault(question, Agreement())
    answers = Counter(latest.answer for _, latest in regions.values())
    known.given = {a: known.given.get(a, now) for a in sorted({x.answer for said in authority.values() for x in said})}
    reference = _reference(authority, answers, known)
    ttl = _ttl(authority, reference)
    _refer(known, reference, ttl, now)
    for said in (latest for each in authority.values() for latest in each if latest.answer != reference):
        # As long as a server gives it, caches may fetch it anew.
        _remember(known, said.answer, now + _lasts(said) * MICROS)
    share = answers[reference] / len(regions) if len(regions) > 1 else None
    if share is not None:
        known.share = share
        if share >= _AGREEING:
            _agreed(known, ttl or 0, now)
        else:
            known.steady, known.agreed = steady(known, now), None
            known.diverged = now if known.diverged is None else known.diverged
    heard = {latest.answer for _, latest in regions.values()} - {reference, *known.past}
    known.strange = {a: known.strange.get(a, now) for a in sorted(heard)[:_PAST]}
    expectation = zone.expectation(name, qtype)
    split = (expectation is not None and expectation.split) or known.flips > RESTLESS
    plan = memory.plans.made(question, now)
    lagging = {} if split else _lagging(authority, reference)
    if memory.plans.during(question, now) is not None:
        lagging = _astray(lagging, state.facts.get(RECORDS + question), memory, question, now)
    memory.spreads[question] = Spread(
        reference=reference,
        data=next((latest.data for _, latest in sorted(vantages.items()) if latest.answer == reference), ()),
        share=share,
        regions={
            region: Voice(
                *_verdict(latest, known, reference, now, split=split, watched=bool(authority), plan=plan),
                server,
                latest,
            )
            for region, (server, latest) in sorted(regions.items())
        },
        lagging=lagging,
        servers=len(authority),
    )


def _verdict(
    latest: Latest, known: Agreement, reference: str, now: int, *, split: bool, watched: bool, plan: Plan | None
) -> tuple[Verdict, int | None]:
    if latest.answer == reference:
        return "current", None
    if split:
        return "split", None
    until = known.past.get(latest.answer)
    if until is None and plan is not None and now < plan.end and gives(plan, latest.data):
        return "in_window", plan.end  # a server that is ahead of the others
    if until is None:
        first = known.strange.get(latest.answer, now)
        if watched:
            # A resolver may have fetched the newest answer before a probe saw it at the authority.
            return ("in_window", first + _SLACK) if now < first + _SLACK else ("rogue", None)
        # What the authority gave nobody knows: it may have been anything that was cached before.
        until = first + max(known.ttl, _lasts(latest) if latest.outcome in _EMPTY else 0) * MICROS
    until += _SLACK
    if now < until:
        return "in_window", until
    return ("stale_served" if latest.ttl is not None and 0 < latest.ttl <= _STALE_TTL < known.ttl else "overdue"), until


def _lagging(authority: dict[str, list[Latest]], reference: str) -> dict[str, tuple[Latest, ...]]:
    behind = {
        server: tuple(said) for server, said in sorted(authority.items()) if all(x.answer != reference for x in said)
    }
    ahead = sum(all(x.answer == reference for x in said) for said in authority.values())
    # Servers that answer by who asks are not behind.
    return behind if ahead + len(behind) == len(authority) and ahead >= len(behind) else {}


def _astray(
    lagging: dict[str, tuple[Latest, ...]], fact: Fact | None, memory: Memory, question: str, now: int
) -> dict[str, tuple[Latest, ...]]:
    """Of the servers that differ while a plan is carried out, those that have neither what was, nor what will be."""
    if fact is None:
        return {}  # nobody knows what was

    def follows(latest: Latest) -> bool:
        current = tracked(latest.data, question, memory.zone)
        return current == fact.value or memory.plans.follows(question, fact.value, current, changed=now, now=now)

    return {server: said for server, said in lagging.items() if not all(map(follows, said))}


def _reference(authority: dict[str, list[Latest]], answers: Counter[str], known: Agreement) -> str:
    """What all should give: what half of the authoritative servers or more publish, of two halves the newer one.

    Where no answer has a half, what was published before, if any server still does; else most regions' answer.
    """
    published: dict[str, Fraction] = {}
    for said in authority.values():
        # A server of which an answer was lost counts for as much as the others.
        for latest in said:
            published[latest.answer] = published.get(latest.answer, Fraction()) + Fraction(1, len(said))
    halves = [answer for answer, servers in published.items() if 2 * servers >= len(authority)]
    if halves:
        return max(halves, key=lambda answer: (known.given.get(answer, 0), answer))
    if known.reference in published:
        return known.reference
    most: Mapping[str, int | Fraction] = answers or published
    return min(most.items(), key=lambda item: (-item[1], item[0]))[0]


def _ttl(authority: dict[str, list[Latest]], reference: str) -> int | None:
    return max((_lasts(x) for said in authority.values() for x in said if x.answer == reference), default=None)


def _lasts(latest: Latest) -> int:
    """Seconds for which a cache may keep what an authoritative server said."""
    if latest.ttl is None:
        return _NEGATIVE if latest.outcome in _EMPTY else 0
    return latest.ttl


def _refer(known: Agreement, reference: str, ttl: int | None, now: int) -> None:
    """Take note of what is published now; what was before may be cached until its time has run out.

    It is said to have been published until now, for nobody knows when in between two looks it ceased to be.
    """
    if known.reference != reference:
        if known.reference:
            _remember(known, known.reference, max(known.cached, now + known.lasts * MICROS))
            known.stood = now - known.changed
        known.reference, known.changed, known.cached, known.lasts = reference, now, 0, ttl or 0
        known.past.pop(reference, None)
    elif ttl is not None and ttl != known.lasts:
        known.cached = max(known.cached, now + known.lasts * MICROS)
        known.lasts = ttl


def _remember(known: Agreement, answer: str, until: int) -> None:
    known.past[answer] = max(known.past.get(answer, 0), until)
    if len(known.past) > _PAST:
        del known.past[min(known.past, key=lambda a: (known.past[a], a))]


def _agreed(known: Agreement, ttl: int, now: int) -> None:
    if known.diverged is not None:
        if now - known.diverged < known.ttl * MICROS // 2:
            known.flips += 1
        known.diverged = None
    if known.agreed is None:
        known.agreed = now
        known.ttl = ttl
    known.ttl = max(known.ttl, ttl)


def steady(known: Agreement, now: int) -> int:
    """The longest time for which they agreed, in microseconds."""
    return known.steady if known.agreed is None else max(known.steady, now - known.agreed)

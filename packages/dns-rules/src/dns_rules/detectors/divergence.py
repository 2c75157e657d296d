"""Regions or authoritative servers that give other answers than they should by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import words
from dns_rules.memory import memory_of
from dns_rules.model import Offender
from dns_rules.propagation import RESTLESS, steady
from dns_rules.rules import Divergence, scaled
from dns_rules.state import MICROS, moment

from .condition import Condition, Reading, standing

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.spread import Spread, Voice
    from dns_rules.state import Agreement, ZoneState


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Divergence)
    memory = memory_of(state)
    if not memory.spreads and not state.active:
        return Reading({}, frozenset())
    learn = int(scaled(rule.detect.learn, zone.criticality) * MICROS)
    grace = int(scaled(rule.detect.grace, zone.criticality) * MICROS)
    if rule.detect.of == "servers":
        return _servers(state, rule, rule.detect, learn, grace, now)
    holds: dict[str, Condition] = {}
    cleared = set(memory.agreeing)
    for question, spread in memory.spreads.items():
        if question.rpartition("/")[2] in rule.detect.ignore or spread.share is None:
            continue
        known = state.agreement[question]
        ill = {
            region: voice
            for region, voice in spread.regions.items()
            if voice.verdict in rule.detect.verdicts and now >= _since(voice, known) + grace
        }
        late = sum(voice.verdict in rule.detect.verdicts for voice in spread.regions.values())
        if 1 - late / len(spread.regions) >= rule.detect.agreement:
            cleared.add(question)
        elif ill and 1 - len(ill) / len(spread.regions) < rule.detect.agreement and _is_learned(known, learn, ill, now):
            holds[question] = _condition(question, spread, ill, known, state)
    return Reading(holds, frozenset(cleared))


def _since(voice: Voice, known: Agreement) -> int:
    """Since when it is what it is."""
    return voice.until if voice.until is not None else known.strange.get(voice.latest.answer, voice.latest.time)


def _is_learned(known: Agreement, learn: int, ill: dict[str, Voice], now: int) -> bool:
    if steady(known, now) < learn or known.flips > RESTLESS:
        return False
    # Of a name whose published answer changes all the time nobody knows every answer.
    return now - known.changed >= learn or all(voice.verdict != "rogue" for voice in ill.values())


def _condition(question: str, spread: Spread, ill: dict[str, Voice], known: Agreement, state: ZoneState) -> Condition:
    name, _, qtype = question.rpartition("/")
    servers = tuple(sorted({words.server(voice.server, state.names) for voice in ill.values()}))
    said = "; ".join(
        f"{region} ({voice.server}) says {words.listing(voice.latest.data) or words.cause(voice.latest.outcome)}, "
        f"{_late(voice, known)}"
        for region, voice in ill.items()
    )
    reference = words.listing(spread.data) or words.cause(spread.reference)
    agreeing = sum(voice.verdict == "current" for voice in spread.regions.values())
    waiting = sum(voice.verdict == "in_window" for voice in spread.regions.values())
    rest = f"; {waiting} more may still give an old answer until {moment(spread.converges):%H:%M:%S}Z" if (
        waiting and spread.converges
    ) else ""  # fmt: skip
    return Condition(
        where=Offender(regions=tuple(ill), servers=servers, names=(name,)),
        what=f"{name} {qtype}: {agreeing} of {len(spread.regions)} regions give {reference}; {said}{rest}",
        facts={
            "regions": words.listing(ill),
            "servers": words.listing(servers),
            "names": f"{name} {qtype}",
            "count": str(agreeing),
            "total": str(len(spread.regions)),
            "share": words.percent(agreeing / len(spread.regions)),
            "why": words.listing(sorted({words.verdict(voice.verdict) for voice in ill.values()})),
            "before": words.listing(sorted({item for voice in ill.values() for item in voice.latest.data}))
            or "nothing",
            "after": reference,
        },
        confidence=0.9 if len(spread.regions) > 2 else 0.6,
        evidence=tuple(voice.latest.id for voice in ill.values())[:5],
        since=known.diverged,
    )


def _late(voice: Voice, known: Agreement) -> str:
    if voice.until is None:
        return "which was never published"
    if voice.verdict == "stale_served":
        return f"a stale answer (RFC 8767): it might be cached until {moment(voice.until):%H:%M:%S}Z"
    return f"which the old TTL of {known.ttl} s explained until {moment(voice.until):%H:%M:%S}Z"


def _servers(state: ZoneState, rule: Rule, detect: Divergence, learn: int, grace: int, now: int) -> Reading:
    behind: dict[str, list[str]] = {}
    tolerated: set[str] = set()
    for question, spread in memory_of(state).spreads.items():
        if question.rpartition("/")[2] in detect.ignore:
            continue
        known = state.agreement[question]
        for server, said in spread.lagging.items():
            # What the others give may have gone to and fro while it spread; what this one gives has not.
            stood = max(known.stood, known.changed - known.given.get(said[0].answer, known.changed))
            if known.flips <= RESTLESS and stood >= learn and now >= known.changed + grace:
                behind.setdefault(server, []).append(question)
            else:
                tolerated.add(server)
    holds = {server: _behind(server, questions, state) for server, questions in behind.items()}
    return Reading(holds, frozenset(standing(state, rule) - set(behind) - tolerated))


def _behind(server: str, questions: list[str], state: ZoneState) -> Condition:
    spreads = memory_of(state).spreads
    first = spreads[questions[0]]
    latest = first.lagging[server][0]
    names = [" ".join(question.rpartition("/")[::2]) for question in questions]
    old, new = (words.listing(data) or "nothing" for data in (latest.data, first.data))
    return Condition(
        where=Offender(
            servers=(words.server(server, state.names),), names=tuple(q.rpartition("/")[0] for q in questions)
        ),
        what=f"{words.server(server, state.names)} gives {old} for {names[0]}, the other servers {new}",
        facts={
            "servers": words.server(server, state.names),
            "names": words.listing(names),
            "count": "1",
            "total": str(first.servers),
            "before": old,
            "after": new,
        },
        confidence=0.9,
        evidence=tuple(latest.id for latest in first.lagging[server])[:5],
        since=state.agreement[questions[0]].changed,
    )

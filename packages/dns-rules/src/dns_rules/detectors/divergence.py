"""Regions that give another answer than the authority, for longer than their caches explain."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dns_rules import vantage, words
from dns_rules.model import Offender
from dns_rules.rules import Divergence, scaled
from dns_rules.state import MICROS, Agreement

from .condition import Condition, Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import Latest, ZoneState

#: An answer older than this says nothing of now.
FRESH = 180 * MICROS
#: After so many divergences that ended by themselves a name is held to vary by nature.
_RESTLESS = 3
_SILENT = frozenset({"timeout", "unreachable", "refused", "servfail", "error", "malformed", "referral"})


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Divergence)
    holds: dict[str, Condition] = {}
    cleared: set[str] = set()
    learn = int(scaled(rule.detect.learn, zone.criticality) * MICROS)
    grace = int(scaled(rule.detect.grace, zone.criticality) * MICROS)
    for question in sorted(state.latest):
        name, _, qtype = question.rpartition("/")
        expectation = zone.expectation(name, qtype)
        if qtype in rule.detect.ignore or (expectation is not None and expectation.split):
            continue
        vantages = state.latest[question]
        view = _unanimous(vantages, now) or _View(vantages, now)
        if view.share is None:
            continue
        memory = state.agreement.setdefault(question, Agreement())
        memory.share = view.share
        if view.share >= rule.detect.agreement:
            _agreed(memory, view.ttl, now, learn)
            cleared.add(question)
            continue
        memory.agreed = None
        if memory.diverged is None:
            memory.diverged = now
        if not memory.learned or memory.flips > _RESTLESS:
            continue
        explained_until = memory.diverged + memory.ttl * MICROS + grace
        if now >= explained_until:
            assert isinstance(view, _View)  # where all agree, the share is 1
            holds[question] = _condition(question, view, memory, state)
    return Reading(holds, frozenset(cleared))


class _Unanimous(NamedTuple):
    """What a view comes to where nobody answers otherwise, be it authority or region."""

    share: float | None
    ttl: int


def _unanimous(vantages: dict[str, Latest], now: int) -> _Unanimous | None:
    """The usual case, cheaply; ``None`` where there is more than one answer."""
    regions: set[str] = set()
    answer: str | None = None
    ttl = 0
    for key, latest in vantages.items():
        if latest.time < now - FRESH or latest.outcome in _SILENT:
            continue
        if answer is None:
            answer = latest.answer
        elif latest.answer != answer:
            return None
        region, role, _ = vantage.parts(key)
        if role == "authoritative":
            ttl = max(ttl, latest.ttl or 0)
        else:
            regions.add(region)
    return _Unanimous(1.0 if len(regions) > 1 else None, ttl)


class _View:
    """One question as the regions and the authority answer it now."""

    def __init__(self, vantages: dict[str, Latest], now: int) -> None:
        self.regions: dict[str, tuple[str, Latest]] = {}
        authority: Counter[str] = Counter()
        self.ttl = 0
        for key, latest in sorted(vantages.items()):
            region, role, server = vantage.parts(key)
            if latest.time < now - FRESH or latest.outcome in _SILENT:
                continue
            if role == "authoritative":
                authority[latest.answer] += 1
                self.ttl = max(self.ttl, latest.ttl or 0)
            elif region not in self.regions or self.regions[region][1].time < latest.time:
                self.regions[region] = (server, latest)
        answers = Counter(latest.answer for _, latest in self.regions.values())
        self.share: float | None = None
        self.reference = ""
        self.data: tuple[str, ...] = ()
        if len(self.regions) < 2:
            return
        self.reference = _reference(authority, answers)
        self.share = answers[self.reference] / len(self.regions)
        self.data = next((latest.data for _, latest in sorted(vantages.items()) if latest.answer == self.reference), ())

    @property
    def others(self) -> dict[str, tuple[str, Latest]]:
        """The regions that answer otherwise."""
        return {
            name: (server, latest)
            for name, (server, latest) in sorted(self.regions.items())
            if latest.answer != self.reference
        }


def _reference(authority: Counter[str], answers: Counter[str]) -> str:
    """The answer to compare with: the authority's where it is of one mind, else most regions'."""
    if authority:
        answer, number = min(authority.items(), key=lambda item: (-item[1], item[0]))
        if number >= 0.8 * authority.total():
            return answer
    return min(answers.items(), key=lambda item: (-item[1], item[0]))[0]


def _agreed(memory: Agreement, ttl: int, now: int, learn: int) -> None:
    if memory.diverged is not None:
        if now - memory.diverged < memory.ttl * MICROS // 2:
            memory.flips += 1
        memory.diverged = None
    if memory.agreed is None:
        memory.agreed = now
        memory.ttl = ttl
    memory.ttl = max(memory.ttl, ttl)
    if now - memory.agreed >= learn:
        memory.learned = True


def _condition(question: str, view: _View, memory: Agreement, state: ZoneState) -> Condition:
    assert view.share is not None
    name, _, qtype = question.rpartition("/")
    others = view.others
    servers = tuple(sorted({words.server(server, state.names) for server, _ in others.values()}))
    said = "; ".join(
        f"{region} ({server}) says {words.listing(latest.data) or words.cause(latest.outcome)}"
        for region, (server, latest) in others.items()
    )
    reference = words.listing(view.data) or words.cause(view.reference)
    agreeing = len(view.regions) - len(others)
    return Condition(
        where=Offender(regions=tuple(others), servers=servers, names=(name,)),
        what=f"{name} {qtype}: {agreeing} of {len(view.regions)} regions give {reference}; {said}. "
        f"The old TTL of {memory.ttl} s ended before this, so caching does not explain it",
        facts={
            "regions": words.listing(others),
            "servers": words.listing(servers),
            "names": f"{name} {qtype}",
            "count": str(agreeing),
            "total": str(len(view.regions)),
            "share": words.percent(view.share),
            "before": words.listing(sorted({item for _, latest in others.values() for item in latest.data})),
            "after": reference,
        },
        confidence=0.9 if len(view.regions) > 2 else 0.6,
        evidence=tuple(latest.id for _, latest in others.values())[:5],
        since=memory.diverged,
    )

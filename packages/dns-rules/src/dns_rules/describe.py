"""An incident in the words of its leading rule: whose it is, what is said of it, and what it is made of."""

from __future__ import annotations

import hashlib
from textwrap import shorten
from typing import TYPE_CHECKING

from msgspec import structs

from . import words
from .model import SEVERITIES, Incident, Offender, gravest
from .rules import CHANGE, PLACEHOLDERS
from .state import MICROS, micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inventory import Inventory, Zone
    from .model import Finding, Severity
    from .rules import Check, Rule
    from .state import CorrelationState, OpenIncident

#: What comes back within so many microseconds is the same once more.
RETURNS = 6 * 3600 * MICROS
#: A title is shorter than so many characters: what a phone shows of it.
TITLE = 120
#: So many zones stand in a title.
_SHOWN = 2


def first(finding: Finding, rule: Rule, zone: Zone, inventory: Inventory, state: CorrelationState) -> Incident:
    """The incident that a finding begins."""
    owner = team(rule, finding, inventory)
    assert owner is not None  # an inventory without it cannot be loaded
    digest = hashlib.blake2b(f"incident\t{finding.id}".encode(), digest_size=12).hexdigest()
    entry = inventory.teams[owner]
    return Incident(
        id=digest,
        rule=rule.id,
        class_=rule.class_,
        severity=rule.severity_for(zone.criticality),
        zone=zone.zone,
        state="pending",
        since=finding.since,
        updated=finding.time,
        drill=is_drill(state, finding),
        title=rule.title,
        what=finding.what,
        where=finding.where,
        check_first=rule.checks,
        runbook=rule.runbook,
        owner=owner,
        escalate=tuple(f"after {step.after} to {step.to}" for step in entry.escalate),
        returns=returns(state, finding),
    )


def returns(state: CorrelationState, finding: Finding) -> int:
    """How often the same was over in the hours before; drills do not count."""
    if is_drill(state, finding):
        return 0
    since = micros(finding.time) - RETURNS
    return sum(time >= since for time in state.ended.get(f"{finding.zone}\t{finding.rule}", ()))


def described(item: OpenIncident, leader: Rule, zone: Zone, finding: Finding, severity: Severity) -> Incident:
    """The incident in the words of its leading rule, over all findings that are active.

    Args:
        item: what it is made of.
        leader: the rule that explains the others.
        zone: of the finding that came last.
        finding: that came last.
        severity: of that finding by its own rule, in its zone.
    """
    severity = gravest(item.incident.severity, severity, grade(item, leader, zone))
    own = [f for _, f in sorted(item.active.items()) if f.rule == leader.id]
    if not own:  # the leading rule's findings are over while consequences last: its words stand
        return structs.replace(
            item.incident,
            severity=severity,
            updated=finding.time,
            findings=_rules_of(item, leader, finding),
            evidence=_evidence(item),
        )
    where = Offender(
        regions=_union(f.where.regions for f in own),
        servers=_union(f.where.servers for f in own),
        names=_union(f.where.names for f in own),
    )
    zones = sorted([item.incident.zone, *item.zones]) if item.zones else []
    facts = dict.fromkeys(PLACEHOLDERS, "") | own[0].facts | {"zone": item.incident.zone}
    if len(own) > 1:
        facts |= {
            "servers": words.listing(where.servers),
            "names": words.listing(sorted({f.facts.get("names", "") for f in own} - {""})) or facts["names"],
            "regions": max((f.facts.get("regions", "") for f in own), key=len),
        }
    if zones:
        facts |= {"zones": words.listing(zones, most=_SHOWN), "count": str(len(zones))}
    facts["parent"] = words.parent(item.incident.zone)
    facts["change"] = max((f.facts.get("change", "") for f in own), key=len)
    shared = leader.shared.check_first if zones and leader.shared else ()
    checks = _likeliest_first(item, leader, own, facts["change"])
    what = "; ".join(f"{f.zone}: {f.what}" if zones else f.what for f in own[:3])
    if item.incident.returns:
        what += f"; {item.incident.returns + 1} times in {words.duration(RETURNS / MICROS)}"
    return structs.replace(
        item.incident,
        rule=leader.id,
        class_=leader.class_,
        severity=severity,
        since=min(item.incident.since, finding.since),
        updated=finding.time,
        title=_title(leader.shared.title if zones and leader.shared else leader.title, facts, where),
        what=what,
        zones=tuple(zones),
        where=where,
        check_first=tuple(text.format_map(facts) for text in (*shared, *checks)),
        runbook=leader.runbook,
        verdict=next((f.verdict for f in own if f.verdict is not None), None),
        confidence=max(f.confidence for f in own),
        evidence=_evidence(item),
        findings=_rules_of(item, leader, finding),
    )


def _likeliest_first(item: OpenIncident, leader: Rule, own: list[Finding], change: str) -> list[str]:
    """The rule's checks, those before the others that fit what was found."""
    why = "; ".join(finding.facts.get("why", "") for finding in own)
    rules = {finding.rule for finding in item.active.values()}

    def fits(check: str | Check) -> bool:
        if isinstance(check, str):
            return False
        return any(
            word in rules or (word == CHANGE and bool(change)) or (word in words.CAUSES and words.cause(word) in why)
            for word in check.when
        )

    ordered = sorted(zip(leader.check_first, leader.checks, strict=True), key=lambda pair: not fits(pair[0]))
    return [text for _, text in ordered]


def _title(template: str, facts: dict[str, str], where: Offender) -> str:
    """The title with as many details as there is room for."""
    title = template.format_map(facts)
    few = {
        "regions": facts["regions"].partition(" (")[0],
        "servers": words.listing(where.servers, most=1),
        "before": facts["before"].partition(", ")[0],
        "names": facts["names"].partition(", ")[0],
    }
    for name, text in few.items():
        if len(title) < TITLE:
            break
        facts = facts | {name: text or facts[name]}
        title = template.format_map(facts)
    return shorten(title, TITLE - 1, placeholder="…")


def grade(item: OpenIncident, leader: Rule, zone: Zone) -> Severity:
    """How grave the leading rule makes it: by the zone, and a step each by how many zones share it and for how long."""
    many = leader.raise_.zones is not None and 1 + len(item.zones) >= leader.raise_.zones
    step = SEVERITIES.index(leader.severity_for(zone.criticality)) + many + item.old
    return SEVERITIES[min(step, len(SEVERITIES) - 1)]


def team(rule: Rule, finding: Finding, inventory: Inventory) -> str | None:
    """The key of the team that is told: of names that have an owner of their own, theirs."""
    if rule.to == "observers" and inventory.observers is not None:
        return inventory.observers
    entry = inventory.zone(finding.zone)
    return None if entry is None else entry.owner_of(finding.where.names)


def is_drill(state: CorrelationState, finding: Finding) -> bool:
    """Whether the finding's zone was being broken on purpose when it began."""
    drill = state.drills.get(finding.zone)
    since = micros(finding.since)
    return drill is not None and drill[0] <= since and (drill[1] is None or since < drill[1])


def _rules_of(item: OpenIncident, leader: Rule, finding: Finding) -> tuple[str, ...]:
    rest = sorted({*item.incident.findings, finding.rule} - {leader.id})
    return (leader.id, *rest)


def _evidence(item: OpenIncident) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for _, f in sorted(item.active.items()) for id_ in f.evidence[:3]))[:12]


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({member for group in groups for member in group}))

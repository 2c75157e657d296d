"""The second pure step: findings in, incidents out. One thing that is wrong is one incident, one page."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec import structs

from . import words
from .model import Finding, Incident, Offender, Tick
from .rules import scaled
from .state import MICROS, CorrelationState, OpenIncident, micros, moment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inventory import Inventory, Zone
    from .rules import Rule, Rules

_SEVERITIES = ("info", "warning", "critical")


def correlate(
    state: CorrelationState, finding: Finding | Tick, inventory: Inventory, rules: Rules
) -> tuple[CorrelationState, list[Incident]]:
    """Take one finding, or the passing of time, and say which incidents changed.

    The state that is passed in is used up. An incident is pending until its rule's `hold` has passed,
    then firing, and resolved once all its findings have been clear for `resolve_after`. A tick must not
    be ahead of findings that are still to come.
    """
    time = micros(finding.time)
    changed = _pass_time(state, time, inventory, rules)
    if isinstance(finding, Finding):
        changed += _take(state, finding, inventory, rules)
    return state, changed


def _pass_time(state: CorrelationState, time: int, inventory: Inventory, rules: Rules) -> list[Incident]:
    """Fire what is due and resolve what has been quiet, at the times when they were due."""
    changed: list[Incident] = []
    for name in sorted(state.open):
        zone = inventory.zone(name)
        kept = []
        for item in state.open[name]:
            rule = rules.rule(item.leader)
            quiet = 0 if rule is None or zone is None else int(scaled(rule.resolve_after, zone.criticality) * MICROS)
            pending = item.incident.state == "pending"
            if pending and item.active and item.due <= time:
                item.incident = structs.replace(item.incident, state="firing", updated=moment(item.due))
                changed.append(item.incident)
            if item.cleared is not None and (pending or item.cleared + quiet <= time):
                # What was over before it was due has never been said, and needs no taking back.
                ended = item.cleared if pending else item.cleared + quiet
                changed.append(structs.replace(item.incident, state="resolved", updated=moment(ended)))
            else:
                kept.append(item)
        state.open[name] = kept
        if not kept:
            del state.open[name]
    return changed


def _take(state: CorrelationState, finding: Finding, inventory: Inventory, rules: Rules) -> list[Incident]:
    rule, zone = rules.rule(finding.rule), inventory.zone(finding.zone)
    key = f"{finding.rule}\t{finding.key}"
    if finding.state == "cleared":
        return _clear(state, finding, key)
    if rule is None or zone is None:
        return []
    related = _related(state, finding, rules)
    item = next((item for item in related if not _is_graver(rule, zone, item)), None)
    due = micros(finding.time) + int(scaled(rule.hold, zone.criticality) * MICROS)
    if item is None:
        item = OpenIncident(incident=_first(finding, rule, zone, inventory, state), leader=rule.id, due=due)
        state.open.setdefault(finding.zone, []).append(item)
    # What can wait makes nothing wait that cannot.
    item.due = min(item.due, due)
    absorbed = [
        _absorbed(state, other, item, finding) for other in related if other is not item and _leads(rule, other)
    ]
    item.active[key] = finding
    item.cleared = None
    leader = rules.rule(item.leader)
    if leader is None or finding.rule in _explainers(item.leader, rules):
        item.leader = finding.rule
        leader = rule
    previous = item.incident
    item.incident = _described(item, leader, zone, finding)
    told = [item.incident] if item.incident != previous or previous.updated == finding.time else []
    part = {"part_of": item.incident.id, "what": f"Part of: {item.incident.title}"}
    return [structs.replace(other, **part) for other in absorbed] + told


def _leads(rule: Rule, item: OpenIncident) -> bool:
    """Whether the rule explains an open incident."""
    return item.leader in rule.explains


def _is_graver(rule: Rule, zone: Zone, item: OpenIncident) -> bool:
    """Whether the rule explains an incident that was told as something less: then its own has to be told anew."""
    severity = _SEVERITIES.index(rule.severity_for(zone.criticality))
    told = item.incident.state == "firing"
    return told and _leads(rule, item) and severity > _SEVERITIES.index(item.incident.severity)


def _absorbed(state: CorrelationState, other: OpenIncident, item: OpenIncident, finding: Finding) -> Incident:
    """Make an open incident a part of another one; returns its end."""
    state.open[finding.zone].remove(other)
    item.active = other.active | item.active
    item.incident = structs.replace(
        item.incident,
        since=min(item.incident.since, other.incident.since),
        findings=tuple(dict.fromkeys((*item.incident.findings, *other.incident.findings))),
    )
    return structs.replace(other.incident, state="resolved", updated=finding.time)


def _clear(state: CorrelationState, finding: Finding, key: str) -> list[Incident]:
    for item in state.open.get(finding.zone, []):
        if key in item.active:
            del item.active[key]
            if not item.active:
                item.cleared = micros(finding.time)
            item.incident = structs.replace(item.incident, updated=finding.time)
            return [item.incident]
    return []


def _related(state: CorrelationState, finding: Finding, rules: Rules) -> list[OpenIncident]:
    """The open incidents of the zone that this finding belongs to: by its rule, or as cause or effect."""
    return [
        item
        for item in state.open.get(finding.zone, [])
        if any(
            other == finding.rule
            or finding.rule in _explainers(other, rules)
            or other in _explainers(finding.rule, rules)
            for other in item.incident.findings
        )
    ]


def _explainers(rule: str, rules: Rules) -> set[str]:
    """The rules that explain this one."""
    return {other.id for other in rules.rules if rule in other.explains}


def _first(finding: Finding, rule: Rule, zone: Zone, inventory: Inventory, state: CorrelationState) -> Incident:
    assert zone.owner is not None  # an inventory without it cannot be loaded
    digest = hashlib.blake2b(f"incident\t{finding.id}".encode(), digest_size=12).hexdigest()
    team = inventory.teams[zone.owner]
    drill = state.drills.get(zone.zone)
    since = micros(finding.since)
    return Incident(
        id=digest,
        rule=rule.id,
        class_=rule.class_,
        severity=rule.severity_for(zone.criticality),
        zone=zone.zone,
        state="pending",
        since=finding.since,
        updated=finding.time,
        drill=drill is not None and drill[0] <= since and (drill[1] is None or since < drill[1]),
        title=rule.title,
        what=finding.what,
        where=finding.where,
        check_first=rule.check_first,
        runbook=rule.runbook,
        owner=zone.owner,
        escalate=tuple(f"after {step.after} to {step.to}" for step in team.escalate),
    )


def _described(item: OpenIncident, leader: Rule, zone: Zone, finding: Finding) -> Incident:
    """The incident in the words of its leading rule, over all findings that are active."""
    own = [f for _, f in sorted(item.active.items()) if f.rule == leader.id]
    if not own:  # the leading rule's findings are over while consequences last: its words stand
        own_words = item.incident
        return structs.replace(
            own_words,
            updated=finding.time,
            findings=_rules_of(item, leader, finding),
            evidence=_evidence(item),
        )
    where = Offender(
        regions=_union(f.where.regions for f in own),
        servers=_union(f.where.servers for f in own),
        names=_union(f.where.names for f in own),
    )
    facts = dict.fromkeys(("regions", "servers", "names", "count", "total", "why", "before", "after"), "")
    facts |= {"share": "", "change": ""} | own[0].facts | {"zone": zone.zone}
    if len(own) > 1:
        facts |= {
            "servers": words.listing(where.servers),
            "names": words.listing(sorted({f.facts.get("names", "") for f in own} - {""})) or facts["names"],
            "regions": max((f.facts.get("regions", "") for f in own), key=len),
        }
    facts["change"] = max((f.facts.get("change", "") for f in own), key=len)
    severity = max(item.incident.severity, leader.severity_for(zone.criticality), key=_SEVERITIES.index)
    return structs.replace(
        item.incident,
        rule=leader.id,
        class_=leader.class_,
        severity=severity,
        since=min(item.incident.since, finding.since),
        updated=finding.time,
        title=leader.title.format_map(facts),
        what="; ".join(f.what for f in own[:3]),
        where=where,
        check_first=tuple(text.format_map(facts) for text in leader.check_first),
        runbook=leader.runbook,
        verdict=next((f.verdict for f in own if f.verdict is not None), None),
        confidence=max(f.confidence for f in own),
        evidence=_evidence(item),
        findings=_rules_of(item, leader, finding),
    )


def _rules_of(item: OpenIncident, leader: Rule, finding: Finding) -> tuple[str, ...]:
    rest = sorted({*item.incident.findings, finding.rule} - {leader.id})
    return (leader.id, *rest)


def _evidence(item: OpenIncident) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id_ for _, f in sorted(item.active.items()) for id_ in f.evidence[:3]))[:12]


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({member for group in groups for member in group}))

"""The second pure step: findings in, incidents out. One thing that is wrong is one incident, one page."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec import structs

from . import calling, words
from .describe import RETURNS, described, first, grade, is_drill, team
from .model import SEVERITIES, Finding, Incident, Tick, gravest
from .rules import scaled
from .state import MICROS, CorrelationState, OpenIncident, micros, moment

if TYPE_CHECKING:
    from .inventory import Inventory, Zone
    from .rules import Rule, Rules, Shared

#: An incident of many zones changes with each of them, and is passed on at most so often.
_PAUSE = 10 * MICROS
#: Each time it comes back it has to be quiet for so many times longer, up to the longest.
_DAMPING = 4
_LONGEST = 3600 * MICROS
#: What became of zones of one parent within this time has one cause; later it may be another.
_TOGETHER = dt.timedelta(minutes=30)
#: So many findings that are over are remembered of an incident.
_MOST = 1000


def correlate(
    state: CorrelationState, finding: Finding | Tick, inventory: Inventory, rules: Rules, *, passed: bool = False
) -> tuple[CorrelationState, list[Incident]]:
    """Take one finding, or the passing of time, and say which incidents changed.

    The state that is passed in is used up. An incident is pending until its rule's `hold` has passed,
    then firing, and resolved once all its findings have been clear for `resolve_after`. A tick must not
    be ahead of findings that are still to come.

    Args:
        state: what was returned before; empty at first.
        finding: a finding, or a tick.
        inventory: whose the zones are.
        rules: the rule pack.
        passed: nothing is due, as `anything_due` has said: time need not pass again.
    """
    time = micros(finding.time)
    changed = [] if passed else _pass_time(state, time, inventory, rules)
    if isinstance(finding, Finding):
        changed += _take(state, finding, inventory, rules)
    return state, changed


def anything_due(state: CorrelationState, finding: Finding, inventory: Inventory, rules: Rules) -> bool:
    """Whether what a finding has changed lets something happen at its time already.

    Where it does not, the next finding of this time need not look at all open incidents: of a thousand zones that fail
    in one step, each would look at all others.
    """
    time = micros(finding.time)
    zone = inventory.zone(finding.zone)
    for item in _open(state, finding.zone):
        rule = rules.rule(item.leader)
        pending = item.incident.state == "pending"
        if (pending and item.due <= time) or (item.untold and item.told is not None and item.told + _PAUSE <= time):
            return True
        if item.cleared is not None and (pending or item.cleared + _quiet(item, rule, zone) <= time):
            return True
        at = (calling.due(item, state), _old(item, rule, inventory.zone(item.incident.zone)))
        if any(each is not None and each <= time for each in at):
            return True
    return False


def _pass_time(state: CorrelationState, time: int, inventory: Inventory, rules: Rules) -> list[Incident]:
    """Fire what is due, call who is due, and resolve what has been quiet, at the times when they were due."""
    # What is the monitoring's own trouble is found first, so that what it explains pages nobody.
    changed = _observed(state, time, inventory, rules)
    for name in sorted(state.open):
        zone = inventory.zone(name)
        kept = []
        for item in state.open[name]:
            rule = rules.rule(item.leader)
            quiet = _quiet(item, rule, zone)
            pending = item.incident.state == "pending"
            if pending and _is_due(item, time, rule):
                changed.append(_fire(item, state, inventory))
            changed += _calls(item, state, time, inventory, rule, zone)
            if item.untold and item.told is not None and item.told + _PAUSE <= time:
                item.told, item.untold = item.told + _PAUSE, False
                changed.append(item.incident)
            if item.cleared is not None and (pending or item.cleared + quiet <= time):
                # What was over before it was due has never been said, and needs no taking back.
                ended = item.cleared if pending else item.cleared + quiet
                if item.told is not None or _suffices(item, rule):
                    changed.append(_resolved(state, item, ended))
                _part(state, item)
            else:
                kept.append(item)
        state.open[name] = kept
        if not kept:
            del state.open[name]
    return changed


def _calls(
    item: OpenIncident, state: CorrelationState, time: int, inventory: Inventory, leader: Rule | None, zone: Zone | None
) -> list[Incident]:
    """Call whoever is due up to `time`, and make graver what has lasted for too long."""
    changed = []
    if taken := calling.acknowledge(item, state.acknowledged.get(item.incident.id)):
        changed.append(taken)
    while True:
        call, old = calling.due(item, state), _old(item, leader, zone)
        if old is not None and old <= time and (call is None or old <= call):
            assert leader is not None
            assert zone is not None
            item.old = True
            severity = gravest(item.incident.severity, grade(item, leader, zone))
            if severity != item.incident.severity:
                item.incident = structs.replace(item.incident, severity=severity, updated=moment(old))
                if not calling.graver(item, old):
                    changed.append(item.incident)
        elif call is not None and call <= time:
            if called := calling.call(item, state, inventory):
                changed.append(called)
        else:
            return changed


def _old(item: OpenIncident, leader: Rule | None, zone: Zone | None) -> int | None:
    """When it becomes graver for having lasted so long, unless somebody has taken it on."""
    if leader is None or zone is None or leader.raise_.after is None or item.fired is None or item.old:
        return None
    if not item.active or item.incident.acknowledged is not None:
        return None
    return item.fired + int(scaled(leader.raise_.after, zone.criticality) * MICROS)


def _quiet(item: OpenIncident, leader: Rule | None, zone: Zone | None) -> int:
    """How long all must be quiet before it is over: longer each time it came back, so that it pages ever less."""
    if leader is None or zone is None:
        return 0
    plain = int(scaled(leader.resolve_after, zone.criticality) * MICROS)
    damped: int = plain * _DAMPING**item.incident.returns
    return max(plain, min(damped, _LONGEST))


def _resolved(state: CorrelationState, item: OpenIncident, ended: int) -> Incident:
    incident = item.incident
    lasted = words.duration(max(0, (item.cleared or ended) - micros(incident.since)) / MICROS)
    if incident.calls and not incident.drill:
        place = f"{incident.zone}\t{item.leader}"
        state.ended[place] = [*state.ended.get(place, ()), ended]
        recent = {place: [time for time in times if time >= ended - RETURNS] for place, times in state.ended.items()}
        state.ended = {place: times for place, times in sorted(recent.items()) if times}
    return structs.replace(
        incident, state="resolved", updated=moment(ended), silenced=None,
        resolution=f"lasted {lasted}{f'; {item.ending}' if item.ending else ''}",
    )  # fmt: skip


def _is_due(item: OpenIncident, time: int, leader: Rule | None) -> bool:
    return bool(item.active) and item.incident.state == "pending" and item.due <= time and _suffices(item, leader)


def _fire(item: OpenIncident, state: CorrelationState, inventory: Inventory) -> Incident:
    item.due = item.fired = max(item.due, item.enough or 0)
    item.told = item.due if item.told is None else item.told
    item.incident = structs.replace(item.incident, state="firing", updated=moment(item.due))
    calling.begin(item, item.due)
    calling.call(item, state, inventory)
    return item.incident


def _observed(state: CorrelationState, time: int, inventory: Inventory, rules: Rules) -> list[Incident]:
    """Fire what the observers are due to be told; what it explains of the owners' incidents becomes a part of it."""
    due = [
        (item.due, name, item, rule)
        for name in sorted(state.open)
        for item in state.open[name]
        if (rule := rules.rule(item.leader)) is not None and rule.to == "observers" and _is_due(item, time, rule)
    ]
    changed: list[Incident] = []
    for _, _, item, rule in sorted(due, key=lambda entry: entry[:2]):
        parts = []
        for zone in (item.incident.zone, *item.zones):
            explained = [o for o in state.open.get(zone, ()) if o.leader in rule.explains]
            for other in [o for o in explained if {*o.zones} <= {item.incident.zone, *item.zones}]:
                if _is_due(other, item.due, rules.rule(other.leader)):
                    changed.append(_fire(other, state, inventory))
                parts.append(_absorbed(state, other, item, moment(item.due)))
        fired = _fire(item, state, inventory)
        changed += [*(_part_of(part, fired) for part in parts), fired]
    return changed


def _take(state: CorrelationState, finding: Finding, inventory: Inventory, rules: Rules) -> list[Incident]:
    rule, zone = rules.rule(finding.rule), inventory.zone(finding.zone)
    if finding.state == "cleared":
        return _clear(state, finding, rules)
    if rule is None or zone is None:
        return []
    related = [
        item
        for item in _related(state, finding, inventory, rules)
        if not _is_new(item, finding, rules.rule(item.leader), zone)
    ]
    # A cause of one zone's trouble is not that of all zones that share the trouble.
    parted = [item for item in related if item.zones and _leads(rule, item)]
    related = [item for item in related if item not in parted]
    item = next((item for item in related if not _is_graver(rule, zone, item)), None)
    shared = _sharing(state, finding, rule, inventory) if item is None or item.incident.state == "pending" else None
    item = item or shared
    due = micros(finding.time) + int(scaled(rule.hold, zone.criticality) * MICROS)
    if item is None:
        item = OpenIncident(incident=first(finding, rule, zone, inventory, state), leader=rule.id, due=due)
        state.open.setdefault(finding.zone, []).append(item)
    # What can wait makes nothing wait that cannot.
    item.due = min(item.due, due)
    absorbed = [
        _absorbed(state, other, item, finding.time) for other in related if other is not item and _leads(rule, other)
    ]
    if shared is not None and shared is not item:
        shared.due = min(shared.due, item.due)
        absorbed.append(_absorbed(state, item, shared, finding.time))
        item = shared
    for other in parted:
        _move(other, item, finding)
    _add(state, item, finding, rule)
    leader = rules.rule(item.leader)
    if leader is None or finding.rule in _explainers(item.leader, rules):
        item.leader = finding.rule
        leader = rule
    previous = item.incident
    # What explains the monitoring's own trouble away makes it no graver.
    severity = rule.severity_for(zone.criticality) if rule.to == leader.to else previous.severity
    item.incident = described(item, leader, zone, finding, severity)
    told = item.incident != previous or previous.updated == finding.time
    if calling.graver(item, micros(finding.time)) and calling.call(item, state, inventory):
        item.told = None  # which waits for nothing
    return [_part_of(other, item.incident) for other in absorbed] + (
        _told(item, micros(finding.time), leader) if told else []
    )


def _suffices(item: OpenIncident, leader: Rule | None) -> bool:
    """Whether as many zones share the cause as have to, before anybody is told."""
    return leader is None or leader.shared is None or 1 + len(item.zones) >= leader.shared.least


def _told(item: OpenIncident, time: int, leader: Rule | None) -> list[Incident]:
    """The incident, unless it is one of many zones that was passed on a moment ago, or of too few yet."""
    if not _suffices(item, leader):
        return []
    if item.enough is None:
        item.enough = time
    if item.zones and item.told is not None and time < item.told + _PAUSE:
        item.untold = True
        return []
    item.told, item.untold = time, False
    return [item.incident]


def _is_new(item: OpenIncident, finding: Finding, leader: Rule | None, zone: Zone) -> bool:
    """Whether an incident that is quiet, and open only because it keeps coming back, has never been about this."""
    if item.cleared is None or not item.incident.returns or leader is None:
        return False
    over = item.cleared + int(scaled(leader.resolve_after, zone.criticality) * MICROS) < micros(finding.time)
    return over and _key(item, finding) not in item.over


def _add(state: CorrelationState, item: OpenIncident, finding: Finding, rule: Rule) -> None:
    item.active[_key(item, finding)] = finding
    item.cleared = None
    if rule.shared is not None:
        why, things = _cause(finding, rule.shared)
        item.causes[why] = sorted({*item.causes.get(why, ()), *things})
    _join(state, item, finding.zone)


def _join(state: CorrelationState, item: OpenIncident, zone: str) -> None:
    """Take a zone in that shares the incident."""
    own = item.incident.zone
    if zone != own and zone not in item.zones:
        item.zones = sorted([*item.zones, zone])
        state.joined[zone] = sorted({*state.joined.get(zone, ()), own})


def _move(other: OpenIncident, item: OpenIncident, finding: Finding) -> None:
    """Take what a shared incident has of the finding's zone over into the zone's own."""
    for key, known in list(other.active.items()):
        if known.zone == finding.zone:
            del other.active[key]
            item.active[_key(item, known)] = known
            item.incident = structs.replace(item.incident, findings=(*item.incident.findings, known.rule))
    if not other.active:
        other.cleared = micros(finding.time)


def _cause(finding: Finding, shared: Shared) -> tuple[str, tuple[str, ...]]:
    """Why it fails, and what; findings with the same reason and one thing in common have one cause."""
    if shared.by == "key":
        return "", (finding.key,)
    if shared.by == "parent":
        parent = words.parent(finding.zone)
        # What happened: why it fails, or what it was changed to.
        return f"{finding.facts.get('why', '')}\t{finding.facts.get('after', '')}", (parent,) if parent else ()
    return finding.facts.get("why", ""), finding.where.servers


def _part(state: CorrelationState, item: OpenIncident) -> None:
    """Forget which zones shared an incident that is over."""
    own = item.incident.zone
    for zone in item.zones:
        if any(zone in other.zones for other in state.open.get(own, ()) if other is not item):
            continue  # they share another one
        left = [leading for leading in state.joined.get(zone, ()) if leading != own]
        if left:
            state.joined[zone] = left
        else:
            state.joined.pop(zone, None)


def _key(item: OpenIncident, finding: Finding) -> str:
    key = f"{finding.rule}\t{finding.key}"
    return key if finding.zone == item.incident.zone else f"{key}\t{finding.zone}"


def _open(state: CorrelationState, zone: str) -> list[OpenIncident]:
    """The open incidents that this zone has a part in."""
    shared = [item for own in state.joined.get(zone, ()) for item in state.open.get(own, ()) if zone in item.zones]
    return [*state.open.get(zone, ()), *shared]


def _sharing(state: CorrelationState, finding: Finding, rule: Rule, inventory: Inventory) -> OpenIncident | None:
    """The open incident of other zones of this owner that has the same cause."""
    if rule.shared is None:
        return None
    why, things = _cause(finding, rule.shared)
    # The first by the name of its zone.
    found: OpenIncident | None = None
    for name, items in state.open.items():
        if found is not None and name > found.incident.zone:
            continue
        for item in items:
            if (
                item.leader == rule.id
                and name != finding.zone
                and item.active
                and not set(things).isdisjoint(item.causes.get(why, ()))
                and item.incident.owner == team(rule, finding, inventory)
                and item.incident.drill == is_drill(state, finding)
                and (rule.shared.by != "parent" or finding.since - item.incident.since < _TOGETHER)
            ):
                found = item
                break
    return found


def _leads(rule: Rule, item: OpenIncident) -> bool:
    """Whether the rule explains an open incident."""
    return item.leader in rule.explains


def _is_graver(rule: Rule, zone: Zone, item: OpenIncident) -> bool:
    """Whether the rule explains an incident that was told as something less: then its own has to be told anew."""
    severity = SEVERITIES.index(rule.severity_for(zone.criticality))
    told = item.incident.state == "firing"
    return told and _leads(rule, item) and severity > SEVERITIES.index(item.incident.severity)


def _absorbed(state: CorrelationState, other: OpenIncident, item: OpenIncident, time: dt.datetime) -> Incident:
    """Make an open incident a part of another one; returns its end."""
    state.open[other.incident.zone].remove(other)
    _part(state, other)
    for known in other.active.values():
        item.active.setdefault(_key(item, known), known)
    for zone in (other.incident.zone, *other.zones):
        _join(state, item, zone)
    for why, things in other.causes.items():
        item.causes[why] = sorted({*item.causes.get(why, ()), *things})
    severity = item.incident.severity
    if item.incident.owner == other.incident.owner:
        severity = gravest(severity, other.incident.severity)
    item.incident = structs.replace(
        item.incident,
        severity=severity,
        since=min(item.incident.since, other.incident.since),
        findings=tuple(dict.fromkeys((*item.incident.findings, *other.incident.findings))),
    )
    return structs.replace(other.incident, state="resolved", updated=time)


def _clear(state: CorrelationState, finding: Finding, rules: Rules) -> list[Incident]:
    for item in _open(state, finding.zone):
        key = _key(item, finding)
        if key in item.active:
            del item.active[key]
            item.over = sorted({*item.over, key})[:_MOST]
            item.ending = finding.what
            if not item.active:
                item.cleared = micros(finding.time)
            item.incident = structs.replace(item.incident, updated=finding.time)
            return _told(item, micros(finding.time), rules.rule(item.leader))
    return []


def _related(state: CorrelationState, finding: Finding, inventory: Inventory, rules: Rules) -> list[OpenIncident]:
    """The open incidents of the zone that this finding belongs to: by its rule, or as cause or effect.

    The observers' is one only where it is the cause, and they were told; another owner's only where one is the cause
    of the other, and of more than single names.
    """
    rule = rules.named(finding.rule)
    owner = team(rule, finding, inventory)
    explainers = _explainers(finding.rule, rules)
    found = []
    for item in _open(state, finding.zone):
        leader = rules.rule(item.leader)
        if leader is None or leader.to == rule.to:
            same = leader is None or item.incident.owner == owner
            belongs = (same and finding.rule in item.incident.findings) or (
                (same or not (item.incident.where.names and finding.where.names))
                and any(
                    finding.rule in _explainers(other, rules) or other in explainers for other in item.incident.findings
                )
                and not _is_apart(item, finding, rule, leader)
            )
        else:
            belongs = item.leader in explainers and item.incident.state == "firing"
        if belongs:
            found.append(item)
    return found


def _is_apart(item: OpenIncident, finding: Finding, rule: Rule, leader: Rule | None) -> bool:
    """Whether a finding is about other servers than the incident: then neither is the cause of the other."""
    if leader is None or not (rule.is_of_servers and leader.is_of_servers):
        return False
    return {*map(words.address, item.incident.where.servers)}.isdisjoint(map(words.address, finding.where.servers))


def _part_of(other: Incident, whole: Incident) -> Incident:
    return structs.replace(other, part_of=whole.id, what=f"Part of: {whole.title}")


def _explainers(rule: str, rules: Rules) -> set[str]:
    """The rules that explain this one."""
    return {other.id for other in rules.rules if rule in other.explains}

"""The first pure step: one zone's events in, findings out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dns_events import SILENT
from msgspec import structs

from .detectors import divergence, sustained, transition
from .intake import take
from .model import Finding, Tick
from .rules import Divergence, Sustained, Transition, scaled
from .state import MICROS, VERSION, Bucket, Tally, ZoneState, micros, moment

if TYPE_CHECKING:
    import datetime as dt

    from dns_events import Event

    from .detectors.condition import Condition, Detect, Reading
    from .inventory import Inventory, Zone
    from .rules import Rule, Rules

_DETECTORS: dict[type, Detect] = {
    Sustained: sustained.detect,
    Divergence: divergence.detect,
    Transition: transition.detect,
}
#: Answers of vantages that have gone are forgotten after so long.
_FORGET = 1800 * MICROS
#: The least that tallies are kept for, so that health can look at the last minutes.
_RING = 120 * MICROS


def judge(
    state: ZoneState | None, event: Event | Tick, inventory: Inventory, rules: Rules, horizon: int | None = None
) -> tuple[ZoneState | None, list[Finding]]:
    """Take one event of a zone, or the passing of time, and say what became of the rules.

    The state that is passed in is used up: go on with the one that is returned. The same events give the
    same findings in whatever order they come, as long as none is later than `Rules.lateness`. An event
    that is later is counted in `ZoneState.late` and judged no more.

    Args:
        state: what was returned for this zone before; ``None`` at first.
        event: an event of this zone, or a tick.
        inventory: the zone's entry in it says what is expected; events of other zones are passed over.
        rules: the rule pack.
        horizon: microseconds since 1970 past which events do not move time, because a runner that reads many
            streams side by side may have older ones to come; only ticks do. ``None``: events move it.

    Returns:
        The state (``None`` while the zone has no events), and findings in the order of their time.
    """
    step = int(rules.step * MICROS)
    lateness = int(rules.lateness * MICROS)
    time = micros(event.time)
    if isinstance(event, Tick):
        zone = None if state is None else inventory.zone(state.zone)
    else:
        zone = inventory.zone(event.zone)
    if zone is None:
        return state, []
    if not isinstance(event, Tick):
        slot = time // step * step
        if horizon is not None:
            time = min(time, horizon)
        if state is None:
            first = (time - lateness) // step * step
            state = ZoneState(version=VERSION, zone=event.zone, started=slot, sealed=first, watermark=time - lateness)
        if slot < state.sealed:
            state.late += 1
        else:
            state.started = min(state.started, slot)
            take(state, state.open.setdefault(slot, Bucket()), event, zone, rules)
    assert state is not None
    state.watermark = max(state.watermark, time - lateness)
    findings: list[Finding] = []
    while state.sealed + step <= state.watermark:
        if not state.ring and not state.active:
            # Nothing to look at until the first bucket.
            state.sealed = max(state.sealed, min([state.watermark // step * step, *state.open]))
            if state.sealed + step > state.watermark:
                break
        _seal(state, state.sealed, zone, rules)
        state.sealed += step
        findings += _evaluate(state, zone, rules)
    return state, findings


def dismiss(state: ZoneState) -> list[Finding]:
    """The end of all findings of a zone that is watched no more."""
    return [_cleared(finding, moment(state.sealed)) for _, finding in sorted(state.active.items())]


def _seal(state: ZoneState, slot: int, zone: Zone, rules: Rules) -> None:
    """Merge one step's bucket into the state."""
    bucket = state.open.pop(slot, None)
    windows = [
        scaled(rule.detect.window, zone.criticality) * MICROS
        for rule in rules.rules
        if isinstance(rule.detect, Sustained)
    ]
    horizon = slot - int(max([_RING, *windows]))
    state.ring = [entry for entry in state.ring if entry[0] >= horizon]
    for question in [q for q, v in state.latest.items() if all(x.time < slot - _FORGET for x in v.values())]:
        del state.latest[question]
        state.agreement.pop(question, None)
    if bucket is None:
        return
    # Sorted, because the order of keys must not tell in which order events came.
    tallies = {
        rule: {
            key: {vantage: _sorted(vantages[vantage]) for vantage in sorted(vantages)}
            for key, vantages in sorted(keys.items())
        }
        for rule, keys in sorted(bucket.tallies.items())
    }
    state.ring.append((slot, tallies))
    for question, vantages in sorted(bucket.latest.items()):
        known = state.latest.setdefault(question, {})
        for vantage, latest in sorted(vantages.items()):
            known[vantage] = latest
            state.secure = state.secure or latest.dnssec == "secure"
            region, role, _ = vantage.split("\t")
            if role == "authoritative" and latest.outcome not in SILENT and region not in state.reached:
                state.reached = sorted([*state.reached, region])
        for vantage in [v for v, latest in known.items() if latest.time < slot - _FORGET]:
            del known[vantage]
    for fact, probes in sorted(bucket.seen.items()):
        state.seen.setdefault(fact, {}).update(sorted(probes.items()))


def _sorted(tally: Tally) -> Tally:
    return structs.replace(tally, why=dict(sorted(tally.why.items())))


def _evaluate(state: ZoneState, zone: Zone, rules: Rules) -> list[Finding]:
    """Ask every rule at the end of the sealed step."""
    now = state.sealed
    transition.track(state, zone, now)
    findings: list[Finding] = []
    for rule in rules.rules:
        reading = _DETECTORS[type(rule.detect)](state, rule, zone, now)
        findings += _live(state, rule, reading, now)
    # A rule that has left the pack takes its findings with it.
    known = {rule.id for rule in rules.rules}
    for key in sorted(k for k in state.active if k.split("\t")[0] not in known):
        findings.append(_cleared(state.active.pop(key), moment(now)))
    return findings


def _live(state: ZoneState, rule: Rule, reading: Reading, now: int) -> list[Finding]:
    """Begin, renew and end the findings of one rule."""
    time = moment(now)
    findings = []
    for key, condition in sorted(reading.holds.items()):
        known = state.active.get(f"{rule.id}\t{key}")
        finding = _finding(state, rule, key, condition, time, known)
        # The wording of the numbers moves at each step; only what a responder would act on is news.
        if known is None or (known.where, known.verdict) != (finding.where, finding.verdict):
            state.active[f"{rule.id}\t{key}"] = finding
            findings.append(finding)
    for key in sorted(reading.cleared - set(reading.holds)):
        known = state.active.pop(f"{rule.id}\t{key}", None)
        if known is not None:
            findings.append(_cleared(known, time))
    return findings


def _finding(
    state: ZoneState, rule: Rule, key: str, condition: Condition, time: dt.datetime, known: Finding | None
) -> Finding:
    began = moment(condition.since) if condition.since is not None else time
    since = known.since if known is not None else began
    digest = hashlib.blake2b(f"{rule.id}\t{state.zone}\t{key}\t{since.isoformat()}".encode(), digest_size=12)
    return Finding(
        id=digest.hexdigest(),
        rule=rule.id,
        zone=state.zone,
        key=key,
        state="active",
        time=time,
        since=since,
        where=condition.where,
        what=condition.what,
        facts={**condition.facts, "change": _recent_change(state, micros(since))},
        verdict=condition.verdict,
        confidence=condition.confidence,
        evidence=condition.evidence,
    )


def _cleared(finding: Finding, time: dt.datetime) -> Finding:
    return structs.replace(finding, state="cleared", time=time)


def _recent_change(state: ZoneState, since: int) -> str:
    """Words for a title when the delegation or the keys changed in the hour before; else nothing."""
    labels = {"parent_ns": "nameservers", "child_ns": "nameservers", "ds": "DS", "dnskey": "DNSKEY"}
    # The change is seen a refresh later than its effects, at worst.
    recent = {
        labels[name]
        for name, fact in state.facts.items()
        if fact.changed is not None and since - 3600 * MICROS <= fact.changed <= since + 120 * MICROS
    }
    return f" after recent change of {' and '.join(sorted(recent))}" if recent else ""

"""The first pure step: one zone's events in, findings out."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING, TypeVar

from dns_events import SILENT
from msgspec import structs

from . import propagation, vantage, words
from .detectors import (
    absence,
    baseline,
    divergence,
    latency,
    level,
    match,
    plugged,
    rollover,
    sequence,
    standing,
    sustained,
    transition,
    volume,
)
from .detectors.condition import NEVER
from .detectors.usual import next_look
from .intake import take
from .memory import ALWAYS, recall
from .model import Finding, Tick
from .parts import changed
from .rules import (
    Absence,
    Baseline,
    Divergence,
    Latency,
    Level,
    Match,
    Plugged,
    Rollover,
    Sequence,
    Standing,
    Sustained,
    Transition,
    Volume,
)
from .sentences import ended
from .state import BLOCK, MAX_EDITS, MICROS, VERSION, Bucket, ZoneState, micros, moment

if TYPE_CHECKING:
    import datetime as dt

    from dns_events import Event

    from .detectors.condition import Condition, Detect, Reading
    from .inventory import Inventory, Zone
    from .memory import Memory
    from .rules import Rule, Rules
    from .state import Latest, Tallies

_DETECTORS: dict[type, Detect] = {
    Sustained: sustained.detect,
    Divergence: divergence.detect,
    Transition: transition.detect,
    Standing: standing.detect,
    Rollover: rollover.detect,
    Baseline: baseline.detect,
    Volume: volume.detect,
    Latency: latency.detect,
    Level: level.detect,
    Sequence: sequence.detect,
    Absence: absence.detect,
    Match: match.detect,
    Plugged: plugged.detect,
}
V = TypeVar("V")
#: When a detector may say something else with time alone, of those that may while nothing fails and all agree.
_DUE = {Level: level.due, Absence: absence.due, Standing: standing.due}
#: When a detector that looks at what is seen will do so again, as long as nothing fails and no fact changes.
_LOOKS = {Baseline: baseline.due, Volume: next_look, Latency: next_look, Rollover: rollover.due}
_MINUTE = 60 * MICROS
#: Answers of vantages that have gone are forgotten after so long.
_FORGET = 1800 * MICROS
#: Of an interval, a part by which it becomes another with each answer.
_SLOWLY = 64
#: Probes that have gone, after so long.
_HEARD = 25 * 3600 * MICROS


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
    if isinstance(event, Tick):
        zone = None if state is None else inventory.zone(state.zone)
    else:
        zone = inventory.zone(event.zone)
    if zone is None:
        return state, []
    step, lateness = rules.pace
    time = micros(event.time)
    if not isinstance(event, Tick):
        slot = time // step * step
        moves = time if horizon is None else min(time, horizon)
        if state is None:
            first = (moves - lateness) // step * step
            state = ZoneState(version=VERSION, zone=event.zone, started=slot, sealed=first, watermark=moves - lateness)
        if slot < state.sealed:
            state.late += 1
        else:
            state.started = min(state.started, slot)
            bucket = state.open.get(slot)
            if bucket is None:
                bucket = state.open[slot] = Bucket()
            take(state, bucket, event, time, recall(state, zone, rules).routes)
        time = moves
    assert state is not None
    state.watermark = max(state.watermark, time - lateness)
    if state.sealed + step > state.watermark:
        return state, []
    return state, _pass_time(state, zone, rules)


def rest(state: ZoneState, until: int, rules: Rules) -> bool:
    """Let time pass for a zone if no rule would be asked on the way; says whether it did.

    What `judge` would have made of a tick. What is not written of it comes again: the same time, once more.

    Args:
        state: used up; judged by this pack and this entry of the inventory before.
        until: microseconds since 1970 before which everything has come.
        rules: the rule pack.
    """
    step, _ = rules.pace
    watermark = max(state.watermark, until)
    end = watermark // step * step
    if end > state.sealed:
        if min([state.idle - 1, *state.open]) // step * step < end:
            return False
        state.sealed = end
    state.watermark = watermark
    return True


def dismiss(state: ZoneState) -> list[Finding]:
    """The end of all findings of a zone that is watched no more."""
    return [_cleared(finding, moment(state.sealed)) for _, finding in sorted(state.active.items())]


def _pass_time(state: ZoneState, zone: Zone, rules: Rules) -> list[Finding]:
    """Seal and evaluate what the watermark has passed."""
    step, _ = rules.pace
    memory = recall(state, zone, rules)
    findings: list[Finding] = []
    while state.sealed + step <= state.watermark:
        if not state.ring and not state.active:
            # Nothing to look at until the first bucket.
            state.sealed = max(state.sealed, min([state.watermark // step * step, *state.open]))
            if state.sealed + step > state.watermark:
                break
        idle = min([state.idle - 1, state.watermark, *state.open]) // step * step
        if idle > state.sealed:
            state.sealed = idle
            continue
        _seal(state, state.sealed, memory)
        state.sealed += step
        findings += _evaluate(state, zone, memory)
        state.idle = _due(state, zone, memory)
    return findings


def _due(state: ZoneState, zone: Zone, memory: Memory) -> int:
    """Until when nothing new can be said as long as nothing is seen: rules are not asked before."""
    now = state.sealed
    if not _is_calm(state, memory):
        memory.stir()
        return now
    due = memory.due
    for rule in memory.asked(state).dated:
        # What was observed since makes an absence later; the others hang on facts, by which all are worked out anew.
        if rule.id not in due or isinstance(rule.detect, Absence):
            due[rule.id] = _DUE[type(rule.detect)](state, rule, zone, now)
    memory.quiet = min(due.values(), default=NEVER)
    idle = min(memory.voices_until + 1, memory.quiet)
    others = memory.asked(state).others
    if _has_failed(state, memory):
        memory.look = ALWAYS
        return min(idle, _leaves(state, memory), *(_looks(state, rule, zone, now) for rule in others))
    if memory.look <= now < memory.stepped + _MINUTE:  # not worth its while where steps are further apart
        memory.look = min((_looks(state, rule, zone, now) for rule in others), default=NEVER)
    memory.stepped = now
    return idle


def _looks(state: ZoneState, rule: Rule, zone: Zone, now: int) -> int:
    looks = _LOOKS.get(type(rule.detect))  # a stranger's may have something to say at any step
    return now if looks is None else looks(state, rule, zone, now)


def _leaves(state: ZoneState, memory: Memory) -> int:
    """When tallies leave a window next, or a window is full for the first time: until then the same part fails."""
    now, ring = state.sealed, state.ring
    first = memory.failure + memory.ring + 1
    for window in {*memory.windows, sustained.longer(state, memory)}:
        oldest = bisect_left(ring, now - window, key=itemgetter(0))
        if oldest < len(ring):
            first = min(first, ring[oldest][0] + window + 1)
        if state.started > now - window:
            first = min(first, state.started + window)
    return first


def _is_calm(state: ZoneState, memory: Memory) -> bool:
    """Whether all agree, every fact is as it should be, and nothing has been said."""
    return not state.active and not memory.spreads and len(memory.calm) >= memory.transitions


def _has_failed(state: ZoneState, memory: Memory) -> bool:
    """Whether there is a failure in any window."""
    return memory.failure >= state.sealed - memory.ring


def _seal(state: ZoneState, slot: int, memory: Memory) -> None:
    """Merge one step's bucket into the state."""
    changed(state)
    bucket = state.open.pop(slot, None)
    oldest = (slot - memory.ring) // BLOCK * BLOCK
    while state.ring and state.ring[0][0] < oldest:
        del state.ring[0]
    forget = slot - _FORGET
    forgetting = memory.oldest_answer < forget
    if forgetting:
        _forget(state, forget, memory)
    if bucket is not None:
        # Of one event alone nobody can tell an order.
        tallies = bucket.tallies if len(bucket.ids) == 1 else _ordered(bucket.tallies)
        state.ring.append((slot, tallies))
        memory.note(slot, bucket.failing)
        if bucket.queries and not state.queries:
            state.queries = True
            memory.stir()  # there are more rules to ask
        for question, vantages in sorted(bucket.latest.items()):
            _answered(state, question, vantages, memory)
            if forgetting:
                known = state.latest[question]
                for key in [v for v, latest in known.items() if latest.time < forget]:
                    del known[key]
                    memory.answered_otherwise(question)
            if not vantages:  # all were refused; the question goes at the next turn
                memory.oldest_answer = ALWAYS
        if bucket.heard:
            _heard(state, bucket, slot - _HEARD)
        if bucket.edits:
            newest = sorted([*state.edits, *bucket.edits.values()], key=lambda edit: (edit.time, edit.id))
            state.edits = newest[-MAX_EDITS:]
            memory.calm.clear()
        for fact, probes in sorted(bucket.seen.items()):
            state.seen.setdefault(fact, {}).update(sorted(probes.items()))
            memory.voices_until = ALWAYS
    if forgetting:
        ages = (min((x.time for x in v.values()), default=ALWAYS) for v in state.latest.values())
        memory.oldest_answer = min(ages, default=slot)


def _forget(state: ZoneState, before: int, memory: Memory) -> None:
    """Questions that nobody was answered since."""
    for question in [q for q, v in state.latest.items() if all(x.time < before for x in v.values())]:
        del state.latest[question]
        state.agreement.pop(question, None)
        memory.answered_otherwise(question)


def _answered(state: ZoneState, question: str, vantages: dict[str, Latest], memory: Memory) -> None:
    """The newest answers to one question."""
    known = state.latest.setdefault(question, {})
    for key, latest in sorted(vantages.items()):
        before = known.get(key)
        known[key] = latest
        if before is not None:
            _paced(state, latest.time - before.time)
        if before is None or (before.answer, before.ttl) != (latest.answer, latest.ttl):
            memory.answered_otherwise(question)
        state.secure = state.secure or latest.dnssec == "secure"
        region, role, server = vantage.parts(key)
        if role == "authoritative" and latest.outcome not in SILENT:
            _reach(state, vantage.way(region, server))


def _paced(state: ZoneState, gap: int) -> None:
    """About the median of what lies between two answers: a few that are asked seldom, or often, do not count for it."""
    known = state.interval
    state.interval = known + (known // _SLOWLY if gap > known else -(known // _SLOWLY)) if known else gap


def _reach(state: ZoneState, way: str) -> None:
    if way not in state.reached:
        state.reached = sorted([*state.reached, way])


def _heard(state: ZoneState, bucket: Bucket, since: int) -> None:
    """Which probes observed the zone and at which pace, in the order of their names."""
    more = bucket.heard.keys() - state.heard.keys()
    for probe, time in sorted(bucket.heard.items()):
        if probe not in more and (gap := time - state.heard[probe]) > 0:
            pace = state.paces.get(probe, gap)
            # Soon longer and slowly shorter, for questions may come in bursts.
            state.paces[probe] = pace + (gap - pace) // (2 if gap > pace else 16)
    state.heard.update(bucket.heard)
    if more or min(state.heard.values()) < since:
        state.heard = {probe: time for probe, time in sorted(state.heard.items()) if time >= since}
        state.paces = {probe: pace for probe, pace in sorted(state.paces.items()) if probe in state.heard}
    if bucket.sight or state.blind:
        _sees(state, bucket)


def _sees(state: ZoneState, bucket: Bucket) -> None:
    """Which probes are blind, and from where there is a way over IPv6."""
    # Where there is one for others, a server of the zone that never answered over it fails.
    for region in sorted(bucket.over_ipv6.intersection(state.reached)):
        _reach(state, vantage.way(region, ":"))
    blind = {*state.blind, *bucket.sight} - {probe for probe, (_, sees) in bucket.sight.items() if sees}
    state.blind = sorted(blind.intersection(state.heard))


def _ordered(tallies: Tallies) -> Tallies:
    """By their keys, because the order of keys must not tell in which order events came."""
    for keys in tallies.values():
        for key, vantages in keys.items():
            for tally in vantages.values():
                tally.why = _by_key(tally.why)
            keys[key] = _by_key(vantages)
    return _by_key({rule: _by_key(keys) for rule, keys in tallies.items()})


def _by_key(mapping: dict[str, V]) -> dict[str, V]:
    return mapping if len(mapping) < 2 else dict(sorted(mapping.items()))


def _evaluate(state: ZoneState, zone: Zone, memory: Memory) -> list[Finding]:
    """Ask every rule at the end of the sealed step; where all is well, most detectors have nothing to say."""
    now = state.sealed
    rules = memory.rules
    transition.track(state, zone, now)
    propagation.track(state, zone, memory, now)
    findings: list[Finding] = []
    well = _is_calm(state, memory) and not _has_failed(state, memory)
    for rule in _asked(state, memory, now) if well else rules.rules:
        reading = _DETECTORS[type(rule.detect)](state, rule, zone, now)
        if reading.holds or (reading.cleared and state.active):
            findings += _live(state, rule, reading, moment(now))
    # A rule that has left the pack takes its findings with it.
    for key in sorted(k for k in state.active if rules.rule(k.split("\t")[0]) is None) if state.active else ():
        findings.append(_cleared(state.active.pop(key), moment(now)))
    return findings


def _asked(state: ZoneState, memory: Memory, now: int) -> list[Rule]:
    """The rules that may have something to say, or to learn, where all is well."""
    asked = memory.asked(state)
    if now < memory.quiet:
        return asked.others if now >= memory.look else []
    return [rule for rule in asked.rules if now >= memory.due.get(rule.id, now)]


def _live(state: ZoneState, rule: Rule, reading: Reading, time: dt.datetime) -> list[Finding]:
    """Begin, renew and end the findings of one rule."""
    findings = []
    for key, condition in sorted(reading.holds.items()):
        known = state.active.get(f"{rule.id}\t{key}")
        # The wording of the numbers moves at each step; only what a responder would act on is news.
        if known is None or condition.news or (known.where, known.verdict) != (condition.where, condition.verdict):
            finding = _finding(state, rule, key, condition, time, known)
            state.active[f"{rule.id}\t{key}"] = finding
            findings.append(finding)
    for key in sorted(reading.cleared - set(reading.holds)):
        known = state.active.pop(f"{rule.id}\t{key}", None)
        if known is not None:
            fact = state.facts.get(key)
            current = None if fact is None else words.value(key, fact.current)
            findings.append(structs.replace(_cleared(known, time), what=ended(rule, known, current)))
    return findings


def _finding(
    state: ZoneState, rule: Rule, key: str, condition: Condition, time: dt.datetime, known: Finding | None
) -> Finding:
    began = moment(condition.since) if condition.since is not None else time
    since = known.since if known is not None else began
    what, confidence = condition.what, condition.confidence
    if state.blind and rule.to == "owner":
        what += f"; blind meanwhile: {words.listing(state.blind)}"
        confidence = round(confidence * (1 - len(state.blind) / len(state.heard) / 2), 2)
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
        what=what,
        facts={**condition.facts, "change": _recent_change(state, micros(since))},
        verdict=condition.verdict,
        confidence=confidence,
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
        if name in labels and fact.changed is not None and since - 3600 * MICROS <= fact.changed <= since + 120 * MICROS
    }
    return f" after recent change of {' and '.join(sorted(recent))}" if recent else ""

"""An event into its bucket. Nothing here depends on the order in which events come."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from dns_events import Delegation, Observation, fingerprint

from .rules import Sustained
from .state import MAX_IDS, MAX_QUESTIONS, MAX_VANTAGES, Bucket, Latest, Seen, Tally, ZoneState, micros

if TYPE_CHECKING:
    from dns_events import Event

    from .inventory import Zone
    from .rules import Rule, Rules

_DATA_SHOWN = 4
#: Between the members of a fact's value.
SEPARATOR = ", "


def take(state: ZoneState, bucket: Bucket, event: Event, zone: Zone, rules: Rules) -> None:
    """Count one event. The same event twice counts once."""
    digest = int.from_bytes(blake2b(event.id.encode(), digest_size=8).digest(), "big")
    if digest in bucket.ids:
        return
    if len(bucket.ids) >= MAX_IDS:
        state.refused += 1
        return
    bucket.ids.add(digest)
    state.events += 1
    if len(state.probes) < MAX_VANTAGES:
        state.probes[event.probe.id] = event.probe.region or event.probe.id
    if isinstance(event, Observation):
        _observation(state, bucket, event, zone, rules)
    elif isinstance(event, Delegation):
        _delegation(bucket, event)


def _observation(state: ZoneState, bucket: Bucket, event: Observation, zone: Zone, rules: Rules) -> None:
    time = micros(event.time)
    question = f"{event.name}/{event.qtype}"
    region = event.probe.region or event.probe.id
    if event.server.name is not None and event.server.role == "authoritative":
        # The smaller of two names, so that the order of arrival does not choose.
        known_name = state.names.get(event.server.address, event.server.name)
        state.names[event.server.address] = min(known_name, event.server.name)
    for rule in rules.rules:
        if isinstance(rule.detect, Sustained) and _looks_at(rule, event, zone):
            key = event.server.address if rule.detect.by == "server" else question
            vantage = f"{region}\t{event.probe.id}\t{event.server.address}"
            keys = bucket.tallies.setdefault(rule.id, {})
            if key not in keys and len(keys) >= MAX_QUESTIONS:
                state.refused += 1
                continue
            tally = keys.setdefault(key, {}).setdefault(vantage, Tally())
            tally.total += 1
            if (why := _failure(rule.detect, event)) is not None:
                tally.failing += 1
                tally.why[why] = tally.why.get(why, 0) + 1
                tally.evidence = max(tally.evidence, (time, event.id))
    vantages = bucket.latest.setdefault(question, {})
    vantage = f"{region}\t{event.server.role}\t{event.server.address}"
    if len(bucket.latest) > MAX_QUESTIONS or (vantage not in vantages and len(vantages) >= MAX_VANTAGES):
        state.refused += 1
        return
    known = vantages.get(vantage)
    if known is None or (known.time, known.id) < (time, event.id):
        vantages[vantage] = Latest(
            time=time,
            id=event.id,
            outcome=event.outcome,
            answer=fingerprint(event.answers) if event.outcome == "answer" else event.outcome,
            ttl=event.ttl,
            data=tuple(sorted(record.data for record in event.answers))[:_DATA_SHOWN],
            dnssec=event.dnssec.status if event.dnssec is not None else None,
        )


def _looks_at(rule: Rule, event: Observation, zone: Zone) -> bool:
    where = rule.where
    if where.role is not None and event.server.role != where.role:
        return False
    if where.validated and (event.dnssec is None or event.dnssec.status == "indeterminate"):
        return False
    if where.expected:
        expectation = zone.expectation(event.name, event.qtype)
        return expectation is not None and expectation.expect is not None
    return True


def _failure(detect: Sustained, event: Observation) -> str | None:
    """Why this observation fails in the eyes of the detector; ``None`` when it does not."""
    if detect.bogus and event.dnssec is not None and event.dnssec.status == "bogus":
        return event.dnssec.cause or "bogus"
    return event.outcome if event.outcome in detect.failing else None


def _delegation(bucket: Bucket, event: Delegation) -> None:
    time = micros(event.time)
    facts = {
        "parent_ns": event.parent_ns,
        "child_ns": event.child_ns,
        "ds": event.ds,
        "dnskey": event.dnskey,
    }
    for fact, values in facts.items():
        # What could not be read is unknown, and unknown changes nothing.
        if values is None:
            continue
        probes = bucket.seen.setdefault(fact, {})
        known = probes.get(event.probe.id)
        if known is None or (known.time, known.id) < (time, event.id):
            probes[event.probe.id] = Seen(time=time, id=event.id, value=SEPARATOR.join(sorted(values)))

"""An event into its bucket. Nothing here depends on the order in which events come."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from dns_events import Delegation, Observation, fingerprint

from .state import MAX_IDS, MAX_QUESTIONS, MAX_VANTAGES, Bucket, Latest, Seen, Tally, ZoneState

if TYPE_CHECKING:
    from dns_events import Event, Record

    from .routes import Count, Route, Routes

_DATA_SHOWN = 4
#: Between the members of a fact's value.
SEPARATOR = ", "


def take(state: ZoneState, bucket: Bucket, event: Event, time: int, routes: Routes) -> None:
    """Count one event, of this time in microseconds. The same event twice counts once."""
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
        _observation(state, bucket, event, time, routes.of(event))
    elif isinstance(event, Delegation):
        _delegation(bucket, event, time)


def _observation(state: ZoneState, bucket: Bucket, event: Observation, time: int, route: Route) -> None:
    server = event.server
    if server.name is not None and server.role == "authoritative":
        # The smaller of two names, so that the order of arrival does not choose.
        state.names[server.address] = min(state.names.get(server.address, server.name), server.name)
    for count in route.counts:
        _count(state, bucket, count, time, event.id)
    if event.outcome == "answer" and not event.answers:
        return  # a log that does not tell what was answered
    vantages = bucket.latest.get(route.question)
    if vantages is None:
        if len(bucket.latest) >= MAX_QUESTIONS:
            state.refused += 1
            return
        vantages = bucket.latest[route.question] = {}
    known = vantages.get(route.vantage)
    if known is None and len(vantages) >= MAX_VANTAGES:
        state.refused += 1
        return
    if known is None or (known.time, known.id) < (time, event.id):
        mark, data = _said(event.answers)
        vantages[route.vantage] = Latest(
            time=time,
            id=event.id,
            outcome=event.outcome,
            answer=mark if event.outcome == "answer" else event.outcome,
            ttl=event.ttl,
            data=data,
            dnssec=event.dnssec.status if event.dnssec is not None else None,
        )


def _count(state: ZoneState, bucket: Bucket, count: Count, time: int, id_: str) -> None:
    keys = bucket.tallies.get(count.rule)
    if keys is None:
        keys = bucket.tallies[count.rule] = {}
    vantages = keys.get(count.key)
    if vantages is None:
        if len(keys) >= MAX_QUESTIONS:
            state.refused += 1
            return
        vantages = keys[count.key] = {}
    tally = vantages.get(count.vantage)
    if tally is None:
        tally = vantages[count.vantage] = Tally()
    tally.total += 1
    why = count.why
    if why is not None:
        tally.failing += 1
        tally.why[why] = tally.why.get(why, 0) + 1
        tally.evidence = max(tally.evidence, (time, id_))


@lru_cache(maxsize=16384)
def _said(answers: tuple[Record, ...]) -> tuple[str, tuple[str, ...]]:
    """The fingerprint of an answer, and the data to show of it."""
    return fingerprint(answers), tuple(sorted(record.data for record in answers))[:_DATA_SHOWN]


def _delegation(bucket: Bucket, event: Delegation, time: int) -> None:
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

"""An event into its bucket. Nothing here depends on the order in which events come."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from dns_events import Delegation, Observation, Registration, Traffic, ZoneChange, fingerprint, type_of

from . import vantage
from .facts import SEPARATOR, plain
from .matching import EvaluationError, as_json
from .routes import Count
from .state import (
    MAX_EDITS,
    MAX_IDS,
    MAX_QUESTIONS,
    MAX_VANTAGES,
    Bucket,
    Edit,
    Latest,
    Seen,
    Tally,
    ZoneState,
    fail,
    micros,
)

if TYPE_CHECKING:
    from dns_events import Event, Probe, Record

    from .routes import Route, Routes
    from .state import Tallies

#: So many records of an answer are held: all of nearly every set, so that they can be compared with the inventory.
_MOST_ANSWERED = 256
#: So many items of anything else.
_MOST_DATA = 16
#: Of so many servers faults are held.
_MOST_SERVERS = 64


def take(state: ZoneState, bucket: Bucket, event: Event, time: int, routes: Routes) -> None:
    """Count one event, of this time in microseconds. The same event twice counts once."""
    digest = int.from_bytes(blake2b(event.id.encode(), digest_size=8).digest(), "big")
    if digest in bucket.ids:
        return
    if len(bucket.ids) >= MAX_IDS:
        state.refused += 1
        return
    bucket.ids.add(digest)
    if len(bucket.ids) == 2:
        bucket.tallies = _own(bucket.tallies)
    state.events += 1
    if len(state.probes) < MAX_VANTAGES:
        state.probes[event.probe.id] = event.probe.region or event.probe.id
    if isinstance(event, Observation):
        route = routes.of(event)
        _tallies(state, bucket, event, time, routes, route)
        _observation(state, bucket, event, time, route)
    elif isinstance(event, Delegation):
        _delegation(bucket, event, time)
    elif isinstance(event, Registration):
        _registration(bucket, event, time)
    elif isinstance(event, ZoneChange):
        _edit(bucket, event, time)
    elif isinstance(event, Traffic):
        _traffic(state, bucket, event, time, routes)
    if routes.matches:
        _match(state, bucket, event, time, routes)


def _tallies(state: ZoneState, bucket: Bucket, event: Observation, time: int, routes: Routes, route: Route) -> None:
    if route.well and len(bucket.ids) == 1 and not routes.matches:
        bucket.tallies = routes.alone(route, event)
        return
    for count in (*route.counts, *routes.slow(route, event)):
        _count(state, bucket, count, time, event.id)


def _observation(state: ZoneState, bucket: Bucket, event: Observation, time: int, route: Route) -> None:
    probe = event.probe.id
    if bucket.heard.get(probe, 0) < time and (probe in bucket.heard or len(bucket.heard) < MAX_VANTAGES):
        bucket.heard[probe] = time
    if event.probe.reach is not None:
        _sight(bucket, event.probe, route.region, time)
    server = event.server
    if server.name is not None and server.role == "authoritative":
        # The smaller of two names, so that the order of arrival does not choose.
        state.names[server.address] = min(state.names.get(server.address, server.name), server.name)
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


def _sight(bucket: Bucket, probe: Probe, region: str, time: int) -> None:
    assert probe.reach is not None
    if "ipv6" in probe.reach:
        bucket.over_ipv6.add(region)
    if probe.id in bucket.sight or len(bucket.sight) < MAX_VANTAGES:
        bucket.sight[probe.id] = max(bucket.sight.get(probe.id, (0, False)), (time, bool(probe.reach)))


def _count(state: ZoneState, bucket: Bucket, count: Count, time: int, id_: str) -> None:
    tally = _tally(state, bucket, count.rule, count.key, count.vantage)
    if tally is None:
        return
    tally.total += 1
    why = count.why
    if why is not None:
        bucket.failing.add(count.rule)
        tally.failing += 1
        tally.why[why] = tally.why.get(why, 0) + 1
        tally.evidence = max(tally.evidence, (time, id_))


def _traffic(state: ZoneState, bucket: Bucket, event: Traffic, time: int, routes: Routes) -> None:
    bucket.queries = True
    server = "" if event.server is None else event.server.address
    seen_from = vantage.key(event.probe.region or event.probe.id, event.probe.id, server)
    for rule, outcomes in routes.traffic:
        tally = _tally(state, bucket, rule, server, seen_from)
        if tally is None:
            continue
        tally.total += event.queries
        for outcome in outcomes:
            number = event.outcomes.get(outcome, 0)
            if number:
                bucket.failing.add(rule)
                tally.failing += number
                tally.why[outcome] = tally.why.get(outcome, 0) + number
                tally.evidence = max(tally.evidence, (time, event.id))


def _match(state: ZoneState, bucket: Bucket, event: Event, time: int, routes: Routes) -> None:
    tree = None
    for rule, detect in routes.matches[type(event)]:
        if isinstance(event, Observation) and not routes.looks_at(rule, event):
            continue
        tree = tree or as_json(event)
        try:
            matches = rule.test(tree, routes.entry)
        except EvaluationError as error:
            fail(state, rule.id, str(error), time)
            continue
        if matches:
            server = event.server if isinstance(event, Observation | Traffic) else None
            seen_from = vantage.key(
                event.probe.region or event.probe.id, event.probe.id, "" if server is None else server.address
            )
            key, why = "", type_of(event)
            if isinstance(event, Observation):
                key, why = f"{event.name}/{event.qtype}" if detect.by == "question" else "", event.outcome
            _count(state, bucket, Count(rule.id, key, seen_from, why), time, event.id)


def _own(tallies: Tallies) -> Tallies:
    """Those of one event, which may be another bucket's too, as ones that can be added to."""
    return {
        rule: {
            key: {
                seen_from: Tally(tally.total, tally.failing, dict(tally.why), tally.evidence)
                for seen_from, tally in vantages.items()
            }
            for key, vantages in keys.items()
        }
        for rule, keys in tallies.items()
    }


def _tally(state: ZoneState, bucket: Bucket, rule: str, key: str, seen_from: str) -> Tally | None:
    """A rule's tally of one place, as one vantage sees it; ``None`` where there are too many."""
    keys = bucket.tallies.get(rule)
    if keys is None:
        keys = bucket.tallies[rule] = {}
    vantages = keys.get(key)
    if vantages is None:
        if len(keys) >= MAX_QUESTIONS:
            state.refused += 1
            return None
        vantages = keys[key] = {}
    tally = vantages.get(seen_from)
    if tally is None:
        if len(vantages) >= MAX_VANTAGES:
            state.refused += 1
            return None
        tally = vantages[seen_from] = Tally()
    return tally


@lru_cache(maxsize=16384)
def _said(answers: tuple[Record, ...]) -> tuple[str, tuple[str, ...]]:
    """The fingerprint of an answer, and its data; where there is too much, the fingerprint in place of the rest."""
    mark, data = fingerprint(answers), tuple(sorted(record.data for record in answers))
    return mark, data if len(data) <= _MOST_ANSWERED else (*data[:_MOST_ANSWERED], f"… ({mark})")


def _delegation(bucket: Bucket, event: Delegation, time: int) -> None:
    sets = {"parent_ns": event.parent_ns, "child_ns": event.child_ns, "ds": event.ds, "dnskey": event.dnskey}
    # What could not be read is unknown, and unknown changes nothing.
    facts = {name: SEPARATOR.join(sorted(values)) for name, values in sets.items() if values is not None}
    facts |= {f"{name}_ttl": str(event.ttls[name]) for name in ("ds", "dnskey") if name in event.ttls}
    facts |= _faults(event)
    if event.signatures_expire is not None:
        facts["signatures_expire"] = str(micros(event.signatures_expire))
    _see(bucket, event, time, facts)


def _faults(event: Delegation) -> dict[str, str]:
    """What is wrong with the delegation and the servers, nothing where all is well; without what was not looked at."""
    found: dict[str, str] = {}
    if event.servers or event.lame:
        found["lame"] = SEPARATOR.join(sorted(event.lame)[:_MOST_SERVERS])
    if any(view.tcp is not None for view in event.servers):
        without = sorted(view.address for view in event.servers if view.tcp is False)
        found["without_tcp"] = SEPARATOR.join(without[:_MOST_SERVERS])
    if event.unresolved is not None:
        found["unresolved"] = SEPARATOR.join(sorted(event.unresolved)[:_MOST_SERVERS])
    if event.parent_ns is not None and event.child_ns is not None:
        found["ns_mismatch"] = _difference(set(event.parent_ns), set(event.child_ns))
    if event.glue is not None and event.child_addresses is not None:
        glue, own = (
            {f"{name} {address}" for name, addresses in sets.items() for address in addresses}
            for sets in (event.glue, event.child_addresses)
        )
        # Of names that only one of them speaks of nothing can be said.
        both = event.glue.keys() & event.child_addresses.keys()
        found["glue_mismatch"] = _difference(
            {item for item in glue if item.split()[0] in both}, {item for item in own if item.split()[0] in both}
        )
    if event.soa_expire is not None and event.signatures_expire is not None:
        left = (event.signatures_expire - event.time).total_seconds()
        found["expire_outlives"] = str(event.soa_expire) if event.soa_expire > left else ""
    return found


def _difference(parent: set[str], zone: set[str]) -> str:
    parts = {"only at the parent": parent - zone, "only at the zone": zone - parent}
    return "; ".join(f"{where} {SEPARATOR.join(sorted(items)[:_MOST_DATA])}" for where, items in parts.items() if items)


def _registration(bucket: Bucket, event: Registration, time: int) -> None:
    if event.error is not None:
        return
    facts = {name: value for name in ("registrar", "registrant") if (value := getattr(event, name)) is not None}
    if event.nameservers is not None:
        facts["registered_ns"] = SEPARATOR.join(sorted(event.nameservers))
    if event.statuses is not None:
        # RFC 8056 §2 has the registrar's and the registry's prohibition; either one holds.
        locked = any(status.endswith("transfer prohibited") for status in event.statuses)
        facts["lock"] = "locked" if locked else "unlocked"
        facts["transfer"] = "pending" if "pending transfer" in event.statuses else "none"
    if event.expires is not None:
        facts["expires"] = str(micros(event.expires))
    _see(bucket, event, time, facts)


def _edit(bucket: Bucket, event: ZoneChange, time: int) -> None:
    bucket.edits[event.id] = Edit(
        time=time, id=event.id, actor=event.actor or "", added=_by_question(event.added),
        removed=_by_question(event.removed),
    )  # fmt: skip
    if len(bucket.edits) > MAX_EDITS:
        del bucket.edits[min(bucket.edits, key=lambda id_: (bucket.edits[id_].time, id_))]


def _by_question(records: tuple[Record, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for record in records:
        if f"{record.name}/{record.type}" in found or len(found) < _MOST_DATA:
            found.setdefault(f"{record.name}/{record.type}", set()).add(plain(record.data))
    return {question: tuple(sorted(data)[:_MOST_DATA]) for question, data in sorted(found.items())}


def _see(bucket: Bucket, event: Delegation | Registration, time: int, facts: dict[str, str]) -> None:
    for fact, value in facts.items():
        probes = bucket.seen.setdefault(fact, {})
        known = probes.get(event.probe.id)
        if known is None or (known.time, known.id) < (time, event.id):
            probes[event.probe.id] = Seen(time=time, id=event.id, value=value)

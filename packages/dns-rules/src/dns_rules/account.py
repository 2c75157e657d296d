"""The account of one incident: what it was made of, which thresholds were passed, and what would have prevented it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from dns_events import Delegation, Observation, Registration, Traffic, ZoneChange
from msgspec import Struct

from . import sentences, words
from .errors import RulesError
from .model import Incident
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

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence as Listed

    from dns_events import Event

    from .inventory import Zone
    from .model import Criticality
    from .rules import Rule, Rules


_RENEWED = {
    "ttl": "A TTL of the inventory's `ttl_minimum` or more, or a change window that allows `ttl`.",
    "signatures_expire": "New signatures before the time that is asked for.",
    "expires": "A renewal before the time that is asked for.",
}


class Turn(Struct, frozen=True, kw_only=True):
    """A change in the life of an incident."""

    time: dt.datetime
    state: str
    title: str


class Account(Struct, frozen=True, kw_only=True):
    """Why an incident was there."""

    incident: Incident
    life: tuple[Turn, ...]
    rules: tuple[str, ...]
    """When each of its rules fires, with the thresholds of its zone; the leading one first."""
    events: tuple[str, ...]
    """The events that show it, in words, in the order of time."""
    prevented: str
    """What would have prevented it."""


def account(
    id_: str, changes: Listed[Incident], events: Mapping[str, Event], zone: Zone | None, rules: Rules
) -> Account:
    """The account of an incident.

    Args:
        id_: of the incident, or its beginning.
        changes: every change of every incident, as `replay` gives them.
        events: of the recording, by id.
        zone: the inventory's entry of the incident's zone.
        rules: the pack that judged.

    Raises:
        RulesError: there is no such incident, or more than one.
    """
    life = [incident for incident in changes if incident.id.startswith(id_)]
    found = sorted({incident.id for incident in life})
    if len(found) != 1:
        known = words.listing(sorted({incident.id for incident in changes}), most=8) or "none"
        msg = f"{len(found)} incidents begin with {id_!r}; the recording gives {known}"
        raise RulesError(msg)
    last = life[-1]
    criticality = zone.criticality if zone is not None else None
    named = [rule for rule in map(rules.rule, last.findings or (last.rule,)) if rule is not None]
    turns: list[Turn] = []
    for incident in life:
        if not turns or (turns[-1].state, turns[-1].title) != (incident.state, incident.title):
            turns.append(Turn(time=incident.updated, state=incident.state, title=incident.title))
    evidence = {id_ for incident in life for id_ in incident.evidence}
    shown = sorted((events[id_] for id_ in evidence if id_ in events), key=lambda event: (event.time, event.id))
    leader = rules.rule(last.rule)
    return Account(
        incident=last,
        life=tuple(turns),
        rules=tuple(f"{rule.id}: {sentences.when(rule, criticality)}" for rule in named),
        events=tuple(in_words(event) for event in shown),
        prevented="" if leader is None else prevented(leader, last, criticality),
    )


def prevented(rule: Rule, incident: Incident, criticality: Criticality | None) -> str:
    """What would have kept a rule silent in a zone of this criticality."""
    match rule.detect:
        case Transition(allow=allow, expected=expected):
            approver = ", an edit by one of the zone's `approvers`," if allow == "records" else ""
            said = " or the new value in the inventory" if expected is not None else ""
            return f"A change window that allows `{allow}` at {incident.since:%Y-%m-%d %H:%M}Z{approver}{said}."
        case Sustained(ratio=ratio, window=window):
            share, while_ = words.percent(ratio), sentences.duration(window, criticality)
            return f"Fewer than {share} of failures in any {while_}, or a mend before that."
        case Divergence(of="servers"):
            return "A transfer to the server that lags, before the time for it had passed."
        case Divergence(verdicts=("rogue",)):
            return "Nothing of yours, unless the answer is one that you give: then `split: true`."
        case Divergence():
            return (
                "The same answer everywhere once the old TTL had passed; `split: true` where regions differ by design."
            )
        case Standing(for_=length):
            allowed = "" if rule.detect.allow is None else f", or a change window that allows `{rule.detect.allow}`"
            return f"A mend within {sentences.duration(length, criticality)}{allowed}."
        case Rollover():
            return "Keeping the old key until every cache has dropped what it is needed for: the TTL after the change."
        case Level(of=of):
            return _RENEWED[of]
        case Baseline() | Latency() | Volume():
            return "What is usual for the zone at this hour of the week."
        case Sequence(steps=steps, least=least):
            return f"Any of its {len(steps)} steps declared in a change window, so that fewer than {least} were left."
        case Absence(silent=silent):
            return f"An observation within {sentences.duration(silent, criticality)}."
        case Match() | Plugged():
            return "Nothing that it looks for; where it is meant, a narrower condition."


def in_words(event: Event) -> str:
    """An event in one line."""
    head = f"{event.time:%H:%M:%S}Z {event.probe.id}"
    match event:
        case Observation():
            said = words.listing(record.data for record in event.answers) or words.cause(event.outcome)
            dnssec = (
                ""
                if event.dnssec is None
                else f", {event.dnssec.status}"
                + (f" ({words.cause(event.dnssec.cause)})" if event.dnssec.cause else "")
            )
            return f"{head}: {event.name} {event.qtype} at {event.server.address}: {said}{dnssec}"
        case Delegation():
            parts = {"NS at the parent": event.parent_ns, "NS at the zone": event.child_ns, "DS": event.ds}
            told = [f"{name} {words.listing(value) or 'none'}" for name, value in parts.items() if value is not None]
            return f"{head}: delegation: {'; '.join(told) or 'could not be read'}"
        case Registration():
            fields = {"registrar": event.registrar, "registrant": event.registrant, "expires": event.expires}
            told = [f"{name} {value}" for name, value in fields.items() if value is not None]
            if event.statuses is not None:
                told.append(f"statuses {words.listing(event.statuses) or 'none'}")
            return f"{head}: registration: {'; '.join(told)}"
        case ZoneChange():
            return f"{head}: zone edited by {event.actor or 'somebody unknown'}"
        case Traffic():
            return f"{head}: {event.queries} queries, {words.counts(event.outcomes)}"

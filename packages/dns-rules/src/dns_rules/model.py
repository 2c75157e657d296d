"""What the judgement says: findings, incidents and health. Plain frozen data."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec
from msgspec import Struct

Severity = Literal["critical", "warning", "info"]
#: From the least to the gravest.
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")
Class = Literal["availability", "propagation", "integrity", "security", "resilience", "observer"]
Verdict = Literal["authorized", "undeclared", "contradicted"]
Criticality = Literal["critical", "high", "normal"]
HealthStatus = Literal["healthy", "at_risk", "unhealthy", "unknown"]


def gravest(*severities: Severity) -> Severity:
    """The gravest of some severities."""
    return max(severities, key=SEVERITIES.index)


class Tick(Struct, frozen=True):
    """Time that passes without events. The runner sends it; the judgement has no clock of its own."""

    time: dt.datetime


class Offender(Struct, frozen=True, kw_only=True):
    """Where exactly it shows: regions, name servers ("ns4.example (192.0.2.4)") and names."""

    regions: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Finding(Struct, frozen=True, kw_only=True):
    """One rule's condition on one part of one zone, when it begins, changes or ends."""

    id: str
    """Derived from rule, zone, key and `since`: the same in every replay."""
    rule: str
    zone: str
    key: str
    """The part of the zone: a server's address, ``name/qtype``, or ``""`` for the zone itself."""
    state: Literal["active", "cleared"]
    time: dt.datetime
    since: dt.datetime
    where: Offender
    what: str
    """What is so; of a cleared one, how it ended."""
    facts: dict[str, str]
    """Values for the rule's title and first checks (``cause``, ``before``, ``after``, …)."""
    verdict: Verdict | None = None
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    """Ids of events that show it."""


class Call(Struct, frozen=True, kw_only=True):
    """One page of an incident: a team was called, and why."""

    time: dt.datetime
    team: str
    why: Literal["firing", "graver", "escalated"]
    """It fired, it became graver than the team was told, or nobody acknowledged it in time."""
    severity: Severity


class Acknowledgement(Struct, frozen=True, kw_only=True):
    """Somebody has taken an incident on. It holds until the incident becomes graver."""

    time: dt.datetime
    by: str
    note: str = ""


class Silence(Struct, frozen=True, kw_only=True):
    """Incidents of which nobody is called for a time. They are judged and shown as ever.

    What is ``None`` is not asked for.
    """

    id: str
    start: dt.datetime
    end: dt.datetime
    reason: str
    by: str
    zone: str | None = None
    rule: str | None = None
    owner: str | None = None


class Incident(Struct, frozen=True, kw_only=True):
    """What a person is told: related findings of a zone as one thing with one owner and one page."""

    id: str
    rule: str
    class_: Class = msgspec.field(name="class")
    severity: Severity
    zone: str
    state: Literal["pending", "firing", "resolved"]
    since: dt.datetime
    updated: dt.datetime
    drill: bool = False
    title: str
    what: str
    where: Offender
    check_first: tuple[str, ...]
    runbook: str
    owner: str
    escalate: tuple[str, ...] = ()
    verdict: Verdict | None = None
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """Rules whose findings belong to it, the leading one first."""
    part_of: str | None = None
    """The incident that it became a part of when the cause of both was found; it is resolved then."""
    zones: tuple[str, ...] = ()
    """Where zones of one owner share the cause: all that it has hit, `zone` too. Empty for one zone alone."""
    calls: tuple[Call, ...] = ()
    """Who was called, in the order of time. Empty while it is silenced or waits for its owner's hours."""
    acknowledged: Acknowledgement | None = None
    silenced: Silence | None = None
    """Why nobody is called."""
    returns: int = 0
    """How often the same trouble of the zone was over in the hours before."""
    resolution: str = ""
    """How long it lasted and how it ended, once it is resolved."""


class Health(Struct, frozen=True, kw_only=True):
    """How a zone is, with the reasons. Missing data makes it ``unknown``, never worse."""

    zone: str
    time: dt.datetime
    status: HealthStatus
    score: int
    """100 is well, 0 is down."""
    reasons: tuple[str, ...] = ()
    agreement: float | None = None
    """Smallest share of regions that give one answer, over the questions that should agree."""
    dnssec: str | None = None
    regions: dict[str, str] = {}
    """Region to ``ok``, ``failing`` or ``unknown``."""

"""What one batch leaves behind, as plain rows. Pure, so that every bus writes the same."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import Delegation, Observation, fingerprint
from msgspec import Struct

from kafka_bridge.store import histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_events import Event

#: Columns of `observation_minute` that count outcomes, in their order.
OUTCOMES = (
    "answer", "nodata", "nxdomain", "referral", "refused", "servfail", "error", "timeout", "unreachable", "malformed",
)  # fmt: skip

MinuteKey = tuple[dt.datetime, str, str, str, str, str]
AnswerKey = tuple[str, str, str, str, str]


class Minute(Struct):
    """Counts of one question at one server from one region within one minute."""

    role: str
    server_name: str | None
    outcomes: dict[str, int] = {}
    secure: int = 0
    bogus: int = 0
    latency: list[int] = msgspec.field(default_factory=lambda: [0] * histogram.SIZE)


class Plan(Struct, frozen=True):
    """The aggregates of a batch."""

    minutes: dict[MinuteKey, Minute]
    answers: dict[AnswerKey, Observation]
    delegations: dict[tuple[str, str], Delegation]


def plan(events: Iterable[Event]) -> Plan:
    """The rows that a batch of events comes to."""
    minutes: dict[MinuteKey, Minute] = {}
    answers: dict[AnswerKey, Observation] = {}
    delegations: dict[tuple[str, str], Delegation] = {}
    for event in events:
        if isinstance(event, Observation):
            _count(minutes, event)
            key = (event.zone, event.name, event.qtype, region_of(event), event.server.address)
            if key not in answers or answers[key].time <= event.time:
                answers[key] = event
        elif isinstance(event, Delegation):
            delegations[event.zone, event.probe.id] = event
    return Plan(minutes, answers, delegations)


def region_of(event: Event) -> str:
    """The region an event counts for; a probe without one is a region of its own."""
    return event.probe.region or event.probe.id


def answer_data(event: Observation) -> str:
    """The answer's records as JSON text."""
    records: list[dict[str, Any]] = [msgspec.to_builtins(record) for record in event.answers]
    return msgspec.json.encode(records).decode()


def answer_mark(event: Observation) -> str:
    """What tells one answer from another: the fingerprint, or the outcome where there is none."""
    return fingerprint(event.answers) if event.outcome == "answer" else event.outcome


def _count(minutes: dict[MinuteKey, Minute], event: Observation) -> None:
    minute = event.time.replace(second=0, microsecond=0)
    key = (minute, event.zone, event.name, event.qtype, region_of(event), event.server.address)
    row = minutes.get(key)
    if row is None:
        row = minutes[key] = Minute(role=event.server.role, server_name=event.server.name)
    row.outcomes[event.outcome] = row.outcomes.get(event.outcome, 0) + 1
    if event.dnssec is not None:
        row.secure += event.dnssec.status == "secure"
        row.bogus += event.dnssec.status == "bogus"
    if event.latency is not None:
        row.latency[histogram.bucket(event.latency)] += 1

"""What one batch leaves behind, as plain rows. Pure, so that every bus writes the same."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING

from dns_events import Delegation, Observation, Registration, Traffic, ZoneChange, fingerprint
from msgspec import Struct

from kafka_bridge.store import histogram

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_events import Event

MinuteKey = tuple[dt.datetime, str, str, str, str, str]
AnswerKey = tuple[str, str, str, str, str]


class Counts(Struct):
    """How many there were of each outcome, and of validated answers."""

    outcomes: dict[str, int] = {}
    secure: int = 0
    bogus: int = 0

    def add(self, event: Observation) -> None:
        """One more."""
        self.outcomes[event.outcome] = self.outcomes.get(event.outcome, 0) + 1
        if event.dnssec is not None:
            self.secure += event.dnssec.status == "secure"
            self.bogus += event.dnssec.status == "bogus"

    def counted(self) -> dict[str, int]:
        """By column."""
        return {**self.outcomes, "secure": self.secure, "bogus": self.bogus}


class Minute(Counts):
    """Counts of one question at one server from one region within one minute."""

    role: str = ""
    server_name: str | None = None


class Seen(Struct):
    """The newest that a probe sent, and how much in this batch."""

    region: str | None
    time: dt.datetime
    events: int = 0


class Plan(Struct, frozen=True):
    """The aggregates of a batch."""

    minutes: dict[MinuteKey, Minute] = {}
    latencies: dict[tuple[dt.datetime, str, str, str, str, int], int] = {}
    """By minute, zone, region, role, server and bucket."""
    estate: dict[tuple[dt.datetime, str, str], Counts] = {}
    """By minute, region and role."""
    estate_latencies: dict[tuple[dt.datetime, str, str, int], int] = {}
    answers: dict[AnswerKey, list[Observation]] = {}
    """What was answered, one after the other, where it differs; the last is the newest."""
    delegations: dict[tuple[str, str], Delegation] = {}
    registrations: dict[tuple[str, str], Registration] = {}
    changes: list[ZoneChange] = []
    traffic: list[Traffic] = []
    probes: dict[str, Seen] = {}


def plan(events: Iterable[Event]) -> Plan:
    """The rows that a batch of events comes to."""
    made = Plan()
    answered: dict[AnswerKey, list[Observation]] = {}
    for event in events:
        _see(made.probes, event)
        match event:
            case Observation():
                region = region_of(event)
                _count(made, event, region)
                if event.outcome == "answer" and not event.answers:
                    continue  # a log that does not tell what was answered
                answered.setdefault((event.zone, event.name, event.qtype, region, event.server.address), []).append(
                    event
                )
            case Delegation():
                made.delegations[event.zone, event.probe.id] = event
            case Registration():
                # A reading that failed says nothing about the rest: what was read before stays.
                if event.error is None:
                    made.registrations[event.zone, event.probe.id] = event
            case ZoneChange():
                made.changes.append(event)
            case Traffic():
                made.traffic.append(event)
    for key, listed in answered.items():
        made.answers[key] = _distinct(listed)
    return made


def region_of(event: Event) -> str:
    """The region an event counts for; a probe without one is a region of its own."""
    return event.probe.region or event.probe.id


def answer_mark(event: Observation) -> str:
    """What tells one answer from another: the fingerprint, or the outcome where there is none."""
    return fingerprint(event.answers) if event.outcome == "answer" else event.outcome


def _count(made: Plan, event: Observation, region: str) -> None:
    minute, server = event.time.replace(second=0, microsecond=0), event.server
    key = (minute, event.zone, event.name, event.qtype, region, server.address)
    row = made.minutes.get(key)
    if row is None:
        row = made.minutes[key] = Minute(role=server.role, server_name=server.name)
    row.add(event)
    whole = made.estate.get((minute, region, server.role))
    if whole is None:
        whole = made.estate[minute, region, server.role] = Counts()
    whole.add(event)
    if event.latency is not None:
        bucket = histogram.bucket(event.latency)
        place = (minute, event.zone, region, server.role, server.address, bucket)
        made.latencies[place] = made.latencies.get(place, 0) + 1
        spot = (minute, region, server.role, bucket)
        made.estate_latencies[spot] = made.estate_latencies.get(spot, 0) + 1


def _distinct(listed: list[Observation]) -> list[Observation]:
    """In the order of time: each that differs from the one before, and the newest."""
    if len(listed) == 1:
        return listed
    listed.sort(key=lambda event: event.time)
    kept = [listed[0]]
    for before, event in pairwise(listed):
        # Most are the same, often the very same; a fingerprint is made only where they are not.
        alike = event.outcome == before.outcome and event.answers == before.answers
        if not alike and answer_mark(event) != answer_mark(before):
            kept.append(event)
    if kept[-1] is not listed[-1]:
        kept.append(listed[-1])
    return kept


def _see(probes: dict[str, Seen], event: Event) -> None:
    seen = probes.get(event.probe.id)
    if seen is None:
        seen = probes[event.probe.id] = Seen(event.probe.region, event.time)
    seen.time = max(seen.time, event.time)
    seen.events += 1

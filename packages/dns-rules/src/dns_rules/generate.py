"""Events from a short timeline: for rule tests, drills on paper and examples.

A timeline is a list of spans. Each span repeats every question from every region to every server, at a
steady pace, and says what comes back.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Literal

import msgspec
from dns_events import (
    Delegation,
    Dnssec,
    DnssecCause,
    DnssecStatus,
    Event,
    Family,
    Observation,
    Outcome,
    Probe,
    Record,
    Registration,
    Role,
    Server,
    ServerView,
    Traffic,
    ZoneChange,
    durations,
)
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Timelines begin here unless told otherwise: a Monday.
EPOCH = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
_RCODE = {"answer": "NOERROR", "nodata": "NOERROR", "nxdomain": "NXDOMAIN", "servfail": "SERVFAIL",
          "refused": "REFUSED", "referral": "NOERROR", "error": "NOTIMP", "malformed": None,
          "timeout": None, "unreachable": None}  # fmt: skip


class Span(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stretch of a timeline, as it stands in YAML."""

    from_: str = msgspec.field(name="from", default="0s")
    to: str
    every: str = "10s"
    regions: tuple[str, ...] = ("ap-south", "eu-west", "us-east")
    servers: tuple[str, ...] = ("192.0.2.1", "192.0.2.2")
    role: Role = "authoritative"
    names: tuple[str, ...] = ()
    qtype: str = "A"
    outcome: Outcome = "answer"
    data: tuple[str, ...] = ("198.51.100.1",)
    alias: str | None = None
    """With `outcome: nxdomain`, the name that does not exist, to which the one that is asked for is an alias."""
    ttl: int = 30
    dnssec: DnssecStatus | None = None
    cause: DnssecCause | None = None
    latency: float = 0.012
    """Seconds."""
    event: Literal["observation", "delegation", "registration", "traffic", "zone_change"] = "observation"
    parent_ns: tuple[str, ...] | None = None
    child_ns: tuple[str, ...] | None = None
    ds: tuple[str, ...] | None = None
    dnskey: tuple[str, ...] | None = None
    ttls: dict[str, int] = {}
    """Original TTLs of the sets of a delegation event."""
    lame: tuple[str, ...] = ()
    without_tcp: tuple[str, ...] = ()
    """Of `servers`, those that do not answer over TCP."""
    unresolved: tuple[str, ...] = ()
    """Name servers whose names do not exist."""
    soa_expire: str | None = None
    glue: dict[str, tuple[str, ...]] | None = None
    child_addresses: dict[str, tuple[str, ...]] | None = None
    signatures: str | None = None
    """How long after the beginning of the timeline the first signature at the apex expires."""
    registrar: str | None = None
    registrant: str | None = None
    statuses: tuple[str, ...] | None = None
    reach: tuple[Family, ...] | None = None
    """Over which address families other servers answer the probes."""
    skew: float | None = None
    """Seconds by which the probes' clocks are ahead."""
    actor: str | None = None
    """Who edited the zone: `data` was added, and `removed` taken away, of each name."""
    removed: tuple[str, ...] = ()
    queries: int = 0
    """That each server was asked in a minute."""
    outcomes: dict[str, int] = {}
    """Of the queries."""
    expires: str | None = None
    """How long after the beginning of the timeline the registration expires."""


def events(zone: str, spans: tuple[Span, ...], start: dt.datetime = EPOCH, *, number: int = 0) -> list[Event]:
    """The events of a timeline, in the order of their time. The same timeline gives the same ids.

    Args:
        zone: whose.
        spans: of the timeline.
        start: when it begins.
        number: of the first span, where the timeline goes on from another call.
    """
    found = [event for place, span in enumerate(spans, number) for event in _span(zone, span, place, start)]
    return sorted(found, key=lambda event: (event.time, event.id))


def _span(zone: str, span: Span, number: int, start: dt.datetime) -> Iterator[Event]:
    begin, end, pace = (durations.seconds(text) for text in (span.from_, span.to, span.every))
    turns = int((end - begin) / pace)
    for turn in range(turns):
        for place, region in enumerate(span.regions):
            # Regions are not in step with each other, as in reality.
            offset = begin + turn * pace + pace * place / len(span.regions)
            time = start + dt.timedelta(seconds=offset)
            probe = Probe(id=f"{region}-1", region=region, clock_skew=span.skew, reach=span.reach)
            if span.event == "delegation":
                yield Delegation(
                    id=_id(zone, number, turn, region, "delegation"),
                    time=time,
                    probe=probe,
                    zone=zone,
                    parent_ns=span.parent_ns,
                    child_ns=span.child_ns,
                    ds=span.ds,
                    dnskey=span.dnskey,
                    ttls=span.ttls,
                    lame=span.lame,
                    unresolved=span.unresolved,
                    glue=span.glue,
                    child_addresses=span.child_addresses,
                    soa_expire=None if span.soa_expire is None else int(durations.seconds(span.soa_expire)),
                    signatures_expire=_after(start, span.signatures),
                    servers=tuple(
                        ServerView(address=server, lame=server in span.lame, tcp=server not in span.without_tcp)
                        for server in span.servers
                    ),
                )
                continue
            if span.event == "zone_change":
                yield ZoneChange(
                    id=_id(zone, number, turn, region, "zone_change"),
                    time=time,
                    probe=probe,
                    zone=zone,
                    actor=span.actor,
                    added=_records(zone, span, span.data),
                    removed=_records(zone, span, span.removed),
                )
                continue
            if span.event == "registration":
                yield Registration(
                    id=_id(zone, number, turn, region, "registration"),
                    time=time,
                    probe=probe,
                    zone=zone,
                    registrar=span.registrar,
                    registrant=span.registrant,
                    statuses=span.statuses,
                    nameservers=span.parent_ns,
                    expires=_after(start, span.expires),
                    via="rdap",
                )
                continue
            if span.event == "traffic":
                for server in span.servers:
                    yield Traffic(
                        id=_id(zone, number, turn, region, server, "traffic"),
                        time=time,
                        probe=probe,
                        zone=zone,
                        server=Server(address=server, role=span.role),
                        window=60,
                        queries=span.queries,
                        outcomes=span.outcomes,
                    )
                continue
            for name in span.names or (zone,):
                for server in span.servers:
                    yield _observation(zone, span, number, turn, probe, time, name, server)


def _observation(
    zone: str, span: Span, number: int, turn: int, probe: Probe, time: dt.datetime, name: str, server: str
) -> Observation:
    answered = span.outcome == "answer"
    rcode = _RCODE[span.outcome]
    return Observation(
        id=_id(zone, number, turn, probe.id, f"{name}/{span.qtype}/{server}"),
        time=time,
        probe=probe,
        zone=zone,
        name=name,
        qtype=span.qtype,
        server=Server(address=server, role=span.role),
        transport="udp",
        outcome=span.outcome,
        rcode=rcode,
        answers=_answers(name, span),
        ttl=span.ttl if answered else None,
        latency=span.latency if rcode is not None else None,
        dnssec=Dnssec(status=span.dnssec, cause=span.cause) if span.dnssec is not None else None,
    )


def _answers(name: str, span: Span) -> tuple[Record, ...]:
    if span.outcome == "nxdomain" and span.alias is not None:
        return (Record(name=name, type="CNAME", ttl=span.ttl, data=span.alias),)
    data = span.data if span.outcome == "answer" else ()
    return tuple(Record(name=name, type=span.qtype, ttl=span.ttl, data=item) for item in data)


def _records(zone: str, span: Span, data: tuple[str, ...]) -> tuple[Record, ...]:
    names = span.names or (zone,)
    return tuple(Record(name=name, type=span.qtype, ttl=span.ttl, data=item) for name in names for item in data)


def _after(start: dt.datetime, text: str | None) -> dt.datetime | None:
    return None if text is None else start + dt.timedelta(seconds=durations.seconds(text))


def _id(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, "/".join(str(part) for part in parts)))

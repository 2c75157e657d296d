"""Other tools' records into our events, one file a dialect, and our events into SIEMs' schemas; no sockets here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from dns_events.errors import DecodeError, DnsEventsError
from dns_events.events import Event

from . import dnscheck, dnscollector, ecs, ocsf, telegraf, vector, zeek
from .building import Reading

Reader = Callable[[bytes, Reading], Iterator[Event | DecodeError]]
Writer = Callable[[Event], dict[str, Any]]

#: What reads a message of a dialect.
DIALECTS: dict[str, Reader] = {
    "dnscollector": dnscollector.read,
    "vector": vector.read,
    "telegraf": telegraf.read,
    "dnscheck": dnscheck.read,
    "zeek": zeek.read,
    "ecs": ecs.read,
    "ocsf": ocsf.read,
}
#: What writes an event in a dialect.
WRITERS: dict[str, Writer] = {"ecs": ecs.write, "ocsf": ocsf.write}


def read(
    dialect: str,
    data: bytes,
    *,
    zone_of: Callable[[str], str] | None = None,
    probe: str | None = None,
    region: str | None = None,
    clients: bool = False,
    server: str | None = None,
) -> Iterator[Event | DecodeError]:
    """Read a message of another tool. Nothing is lost: what makes no event comes back as the reason.

    Args:
        dialect: one of `DIALECTS`.
        data: one message: a JSON object, an array of them, or one a line; for ``dnscheck`` also OTLP protobuf.
        zone_of: the zone of a canonical name, which no dialect tells; the name itself where it is left out.
        probe: id for records whose tool does not say who it is; the dialect's name where it is left out.
        region: of the probe.
        clients: keep what records tell of those who asked, in `extra`.
        server: address of the server where records leave it out.

    Returns:
        An event, or the error with its reason, for every record. `NotAnObservationError` marks those that are
        whole but tell of no lookup and its end.

    Raises:
        DnsEventsError: no such dialect.
    """
    if dialect not in DIALECTS:
        raise DnsEventsError(f"dialect {dialect!r}; known are {', '.join(DIALECTS)}")
    return DIALECTS[dialect](data, Reading(zone_of or str, probe or dialect, region, clients, server))


def write(dialect: str, event: Event) -> dict[str, Any]:
    """An event as a document of a SIEM's schema.

    Raises:
        DnsEventsError: no such dialect to write, or no place for the event in it.
    """
    if dialect not in WRITERS:
        raise DnsEventsError(f"dialect {dialect!r} to write; known are {', '.join(WRITERS)}")
    return WRITERS[dialect](event)

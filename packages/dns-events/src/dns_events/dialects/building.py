"""From what a dialect found to an observation that cannot be invalid."""

from __future__ import annotations

import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from dns_events import ndjson
from dns_events.errors import DecodeError, DnsEventsError, NotAnObservationError
from dns_events.events import Ede, Observation, Probe, Server
from dns_events.ids import derived_id
from dns_events.names import normalize

from .codes import internet
from .extra import bounded
from .framing import Record as Message
from .framing import records

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from dns_events.events import Event, Outcome, Record, Role, Source, Transport

    from .fields import Fields


class Reading(NamedTuple):
    """What the reader knows and a record does not."""

    zone_of: Callable[[str], str]
    """The zone of a canonical name."""
    probe: str
    """Id for records whose tool does not say who it is."""
    region: str | None = None
    clients: bool = False
    """Whether the addresses of those who asked are kept."""
    server: str | None = None
    """Address of the server where a record leaves it out."""


def each(data: bytes, reading: Reading, read: Callable[[Message, Reading], Event]) -> Iterator[Event | DecodeError]:
    """Every record of a message through a dialect's reader of one."""
    for found in records(data):
        yield found if isinstance(found, DecodeError) else tried(partial(read, found, reading))


def tried(read: Callable[[], Event]) -> Event | DecodeError:
    """What reading comes to, with the reason where it comes to nothing."""
    try:
        return read()
    except DecodeError as error:
        return error
    except DnsEventsError as error:
        return DecodeError(str(error))


def asked(name: str | None, qclass: str | None = None, opcode: str | None = None) -> str:
    """The canonical name of a question that events tell of.

    Raises:
        NotAnObservationError: of another class than IN, or no query at all.
        DecodeError: there is no name.
    """
    if opcode is not None and opcode.upper() not in {"QUERY", "0"}:
        raise NotAnObservationError(f"opcode {opcode[:20]}: only queries are observations")
    if not internet(qclass):
        raise NotAnObservationError(f"class {(qclass or '')[:20]}: only IN has observations")
    if name is None:
        raise DecodeError("no question: the record has no name that was asked for")
    return normalize(name)


def server(
    reading: Reading,
    address: str | None,
    role: Role,
    *,
    port: int | None = None,
    name: str | None = None,
    nsid: str | None = None,
) -> Server:
    """Who answered.

    A tool that names its server by host name gives no address; the host name then stands for it.

    Raises:
        DecodeError: the record does not say, and the reader was not told.
    """
    host = address or reading.server
    if host is None:
        raise DecodeError("whose answer it was is not in the record; give the server's address to the reader")
    literal = literal_of(host)
    if literal is None and address is not None:
        name = name or host
        literal = literal_of(reading.server or "") or normalize(host)
    canonical = None if name is None or literal_of(name) else normalize(name)
    return Server(address=literal or host, port=port or 53, name=canonical, role=role, nsid=nsid)


def beside(fields: Fields, reading: Reading, clients: Iterable[str]) -> dict[str, Any] | None:
    """What is left of a record and kept as the event's `extra`.

    Args:
        fields: the record, all that is mapped already taken.
        reading: says whether clients are kept.
        clients: the paths that tell of who asked; their addresses are looked for, and dropped, everywhere else too.
    """
    hidden: set[str] = set()
    if not reading.clients:
        for path in clients:
            _addresses(fields.drop(path), hidden)
    return bounded(fields.tree, hidden=hidden, unknown=fields.unknown)


def _addresses(value: Any, found: set[str]) -> None:
    match value:
        case str() if (literal := literal_of(value)) and not ipaddress.ip_address(literal).is_unspecified:
            found.update((value, literal))
        case dict():
            for item in value.values():
                _addresses(item, found)
        case list():
            for item in value:
                _addresses(item, found)
        case _:
            pass


def literal_of(text: str) -> str | None:
    """The address in its shortest form; ``None`` where it is none."""
    try:
        return str(ipaddress.ip_address(text.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def observation(
    reading: Reading,
    raw: bytes,
    *,
    time: dt.datetime,
    identity: str | None,
    name: str,
    qtype: str,
    server: Server,
    outcome: Outcome,
    source: Source,
    transport: Transport,
    rcode: str | None = None,
    flags: tuple[str, ...] = (),
    answers: tuple[Record, ...] = (),
    ttl: int | None = None,
    latency: float | None = None,
    ede: tuple[Ede, ...] = (),
    serial: int | None = None,
    detail: str | None = None,
    extra: dict[str, Any] | None = None,
) -> Observation:
    """The event of one record; its id follows from the record's bytes and its time.

    Raises:
        DnsEventsError: what the record says contradicts itself, or makes an event that no line could hold.
    """
    made = Observation(
        id=derived_id(time, raw),
        time=time,
        probe=Probe(id=identity or reading.probe, region=reading.region),
        zone=reading.zone_of(name),
        source=source,
        name=name,
        qtype=qtype,
        server=server,
        transport=transport,
        outcome=outcome,
        rcode=rcode,
        flags=flags,
        ede=ede,
        answers=answers,
        ttl=ttl,
        serial=serial,
        latency=latency,
        detail=detail,
        extra=extra,
    )
    fits(made)
    return made


def fits(event: Event) -> None:
    """Check that an event fits into a line.

    Raises:
        DecodeError: a reader of NDJSON would refuse it.
    """
    if (size := len(ndjson.encode(event))) > ndjson.MAX_LINE_BYTES:
        raise DecodeError(f"makes an event of {size} bytes; at most {ndjson.MAX_LINE_BYTES} are read")

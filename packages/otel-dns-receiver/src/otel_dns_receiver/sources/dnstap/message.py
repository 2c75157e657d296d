"""One dnstap message, read no further than counting needs."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import dns.exception
import dns.name
import dns.rdatatype
from dns_events import Role, Source, Transport, from_dns
from google.protobuf.message import DecodeError

from .dnstap_pb2 import Dnstap  # type: ignore[attr-defined]  # made at run time

if TYPE_CHECKING:
    from dns_events import Outcome


class Kind(NamedTuple):
    """What a message type means."""

    role: Role
    """Of the server that answers."""
    source: Source
    response: bool
    family: int
    """Queries and responses of one kind have the same number."""


#: By `Message.Type`: AUTH, RESOLVER, CLIENT, FORWARDER and STUB, each query and response.
KINDS: dict[int, Kind] = {
    1: Kind("authoritative", "authoritative_log", False, 1),
    2: Kind("authoritative", "authoritative_log", True, 1),
    3: Kind("authoritative", "resolver_log", False, 3),
    4: Kind("authoritative", "resolver_log", True, 3),
    # BIND calls a query with RD a client's and its own answer to it an authority's: one family.
    5: Kind("recursive", "resolver_log", False, 1),
    6: Kind("recursive", "resolver_log", True, 1),
    7: Kind("recursive", "resolver_log", False, 7),
    8: Kind("recursive", "resolver_log", True, 7),
    9: Kind("recursive", "resolver_log", False, 9),
    10: Kind("recursive", "resolver_log", True, 9),
}
TRANSPORTS: dict[int, Transport] = {1: "udp", 2: "tcp", 3: "dot", 4: "doh", 5: "udp", 6: "tcp", 7: "doq"}
_MESSAGE = 1


class MessageError(ValueError):
    """A frame that is no dnstap message with a DNS question in it."""


class Seen(NamedTuple):
    """One query or response."""

    kind: Kind
    key: tuple[object, ...]
    """The same for a query and its response."""
    name: str
    qtype: int
    server: bytes
    """Address of who answers, packed; empty where the producer does not say."""
    port: int
    client: bytes
    transport: Transport
    asked: float | None
    """Seconds since 1970."""
    answered: float | None
    wire: bytes
    """The DNS message."""


def read(frame: bytes) -> Seen | None:
    """Read a frame; ``None`` for kinds of messages that say nothing of lookups (updates, tools).

    Raises:
        MessageError: it cannot be read.
    """
    try:
        tap = Dnstap.FromString(frame)
    except DecodeError as error:
        raise MessageError("no protobuf message") from error
    message = tap.message
    kind = KINDS.get(message.type)
    if tap.type != _MESSAGE or kind is None:
        return None
    wire = message.response_message if kind.response else message.query_message
    if kind.family == 1 and kind.response and len(wire) > 3 and not wire[3] & 0x80:
        kind = KINDS[2]  # no RA: whatever the producer calls it, this server does not recurse
    # A header, a root name, type and class are the least; a response to a broken query may have no question.
    if len(wire) < 17 or wire[4:6] != b"\x00\x01":
        raise MessageError("no DNS message with one question")
    end = 12
    try:
        while (length := wire[end]) != 0:
            if length > 63:
                raise MessageError("a compressed question")
            end += length + 1
    except IndexError:
        raise MessageError("ends within the question") from None
    question = wire[12 : end + 5]
    if len(question) < end - 7:
        raise MessageError("ends within the question")
    server, client = message.response_address, message.query_address
    asked = answered = None
    if message.query_time_sec:
        asked = message.query_time_sec + message.query_time_nsec / 1e9
    if message.response_time_sec:
        answered = message.response_time_sec + message.response_time_nsec / 1e9
    return Seen(
        kind,
        (kind.family, client, message.query_port, server, wire[:2], question),
        name_of(wire[12 : end + 1]),
        wire[end + 1] << 8 | wire[end + 2],
        server,
        message.response_port,
        client,
        TRANSPORTS.get(message.socket_protocol, "udp"),
        asked,
        answered,
        wire,
    )


@lru_cache(maxsize=65_536)
def name_of(raw: bytes) -> str:
    """The canonical text of an uncompressed name.

    Raises:
        MessageError: it is too long.
    """
    try:
        name, _ = dns.name.from_wire(raw, 0)
    except dns.exception.DNSException as error:
        raise MessageError("a name that cannot be") from error
    return from_dns(name)


@lru_cache(maxsize=4096)
def address_of(packed: bytes) -> str | None:
    """The text of a packed address; ``None`` where it is none."""
    try:
        return str(ipaddress.ip_address(packed))
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def type_of(number: int) -> str:
    """A type's mnemonic."""
    return dns.rdatatype.to_text(rdtype_of(number))


def rdtype_of(number: int) -> dns.rdatatype.RdataType:
    """A type as dnspython has it."""
    return dns.rdatatype.RdataType.make(number)


def outcome_of(wire: bytes, role: Role) -> Outcome:
    """What a response's header says came of the question; for counting, where `read.outcome` would cost too much."""
    rcode = wire[3] & 0x0F
    if rcode == 3:
        return "nxdomain"
    if rcode == 2:
        return "servfail"
    if rcode == 5:
        return "refused"
    if rcode != 0:
        return "error"
    if wire[6:8] != b"\0\0" or wire[2] & 0x02:  # records, or truncated before the first
        return "answer"
    if role == "authoritative" and not wire[2] & 0x04 and wire[8:10] != b"\0\0":
        return "referral"
    return "nodata"

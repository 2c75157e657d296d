"""The five events: what was seen of DNS, by whom, and when.

Every event is a frozen, keyword-only struct that cannot exist invalid. Names are lower-case A-labels
without the trailing dot, times are aware and in UTC, durations are seconds, and what is not known is
``None``. The wire form is the same tree under the same names, told apart by ``type``.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from .errors import InvalidEventError
from .names import normalize

Outcome = Literal[
    "answer",
    "nodata",
    "nxdomain",
    "referral",
    "refused",
    "servfail",
    "error",
    "timeout",
    "unreachable",
    "malformed",
]
Source = Literal["probe", "authoritative_log", "resolver_log", "application", "error_report"]
Role = Literal["authoritative", "recursive"]
Transport = Literal["udp", "tcp", "dot", "doh", "doq"]
DnssecStatus = Literal["secure", "insecure", "bogus", "indeterminate"]
DnssecCause = Literal[
    "ds_mismatch",
    "dnskey_missing",
    "rrsig_missing",
    "rrsig_expired",
    "rrsig_not_yet_valid",
    "signature_invalid",
    "algorithm_unsupported",
    "nsec_missing",
    "ds_removed",
]
EdnsBehaviour = Literal["supported", "ignored", "refused", "dropped"]

Time = Annotated[dt.datetime, Meta(tz=True)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Uint16 = Annotated[int, Meta(ge=0, le=65535)]
#: TTLs and serials are 32-bit on the wire (RFC 1035 §3.2.1, §3.3.13).
Uint32 = Annotated[int, Meta(ge=0, le=4294967295)]
Count = Annotated[int, Meta(ge=0, le=9223372036854775807)]
Seconds = Annotated[float, Meta(ge=0)]

#: The form of RFC 9562 §4; a pattern, for `uuid.UUID` would cost a fourth of making an event.
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE).fullmatch

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]").search

#: What stands in an observation's `extra` is bounded to this many bytes of JSON.
MAX_EXTRA_BYTES = 16_384

#: Outcomes in which no DNS message came back, so that there is neither rcode nor latency.
SILENT: frozenset[str] = frozenset({"timeout", "unreachable"})


Family = Literal["ipv4", "ipv6"]


# Events are trees: nothing in one leads back to it, and so they are no business of the garbage collector (`gc=False`).


class Probe(Struct, frozen=True, kw_only=True, gc=False):
    """Who looked: a probe, a log shipper or an application."""

    id: str
    region: str | None = None
    network: str | None = None
    """Network the probe sits in, for instance ``AS64500``."""
    clock_age: Seconds | None = None
    """Seconds since the clock was last known to be synchronized; ``None`` where nobody knows."""
    clock_skew: float | None = None
    """Seconds by which the clock is ahead of a time server's; ``None`` where it was not compared."""
    reach: tuple[Family, ...] | None = None
    """Address families over which any server answered the probe lately, whatever it was asked; ``()`` is a blind probe,
    ``None`` unknown."""

    def __post_init__(self) -> None:
        _text("probe.id", self.id)
        _optional_text("probe.region", self.region)
        _not_negative("probe.clock_age", self.clock_age)
        _not_negative("probe.clock_skew", None if self.clock_skew is None else abs(self.clock_skew))


class Server(Struct, frozen=True, kw_only=True, gc=False):
    """Whom it asked."""

    address: str
    """IPv4 or IPv6 literal."""
    port: Port = 53
    name: str | None = None
    role: Role
    nsid: str | None = None
    """Name server identifier (RFC 5001), as text where it is printable, else as hex digits."""

    def __post_init__(self) -> None:
        _text("server.address", self.address)
        _in_range("server.port", self.port, 65535)
        if self.name is not None:
            _name("server.name", self.name)


class Ede(Struct, frozen=True, kw_only=True, gc=False):
    """One Extended DNS Error (RFC 8914)."""

    code: Uint16
    text: str = ""


class Record(Struct, frozen=True, kw_only=True, gc=False):
    """One resource record; `data` is presentation form (RFC 1035 §5.1) with absolute, dotted names."""

    name: str
    type: str
    ttl: Uint32
    data: str

    def __post_init__(self) -> None:
        _name("name", self.name)
        _text("type", self.type)
        _in_range("ttl", self.ttl, 4294967295)


class Dnssec(Struct, frozen=True, kw_only=True, gc=False):
    """What validation said (RFC 4035 §4.3), and why when it failed."""

    status: DnssecStatus
    cause: DnssecCause | None = None
    expires: Time | None = None
    """The earliest expiration among the signatures that were used."""

    def __post_init__(self) -> None:
        if self.expires is not None:
            _utc("dnssec.expires", self.expires)


class Violation(Struct, frozen=True, kw_only=True, gc=False):
    """One expectation that an answer did not meet."""

    expectation: str
    """Which: ``data``, ``minimum``, ``ttl``, ``rcode``, ``flag``, ``match``, ``not_match`` or ``parity``."""
    text: str
    """What was expected and what came."""

    def __post_init__(self) -> None:
        _text("expectation", self.expectation)


class ServerView(Struct, frozen=True, kw_only=True, gc=False):
    """What one authoritative server address says of a zone, and how it behaves."""

    address: str
    name: str | None = None
    nsid: str | None = None
    serial: Uint32 | None = None
    """SOA serial in its answer."""
    zoneversion: Uint32 | None = None
    """Serial in the ZONEVERSION option (RFC 9660) of the same answer."""
    lame: bool = False
    """Delegated to, but it does not answer with authority."""
    tcp: bool | None = None
    """Whether it answers over TCP (RFC 7766); ``None`` where it was not asked."""
    edns: EdnsBehaviour | None = None
    dnssec: Dnssec | None = None
    """Validation of its own SOA answer, with its own signatures."""

    def __post_init__(self) -> None:
        _text("address", self.address)


class _Event(Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """What every event carries."""

    id: str
    """UUIDv7 (RFC 9562)."""
    time: Time
    probe: Probe
    zone: str

    def __post_init__(self) -> None:
        if _UUID(self.id) is None:
            msg = f"id {self.id!r} is not a UUID; dns_events.new_id() makes one"
            raise InvalidEventError(msg)
        _utc("time", self.time)
        _name("zone", self.zone)


class Observation(_Event, frozen=True, kw_only=True, tag="observation"):
    """One question asked, or one seen, and what came of it."""

    source: Source = "probe"
    name: str
    qtype: str
    server: Server
    transport: Transport
    outcome: Outcome
    rcode: str | None = None
    """Mnemonic of the response code (RFC 6895); ``None`` when nothing came back."""
    flags: tuple[str, ...] = ()
    """Header flags in lower case, in the order of the wire."""
    ede: tuple[Ede, ...] = ()
    answers: tuple[Record, ...] = ()
    ttl: Uint32 | None = None
    """Smallest TTL in the answer."""
    serial: Uint32 | None = None
    latency: Seconds | None = None
    dnssec: Dnssec | None = None
    wire: str | None = None
    """Base64 of the response, kept for failures and changes."""
    detail: str | None = None
    """Why there is no usable answer, in words: a certificate that expired, an HTTP status."""
    violations: tuple[Violation, ...] = ()
    """Expectations that the answer did not meet."""
    extra: dict[str, Any] | None = None
    """What another tool said beside, under its own names; at most `MAX_EXTRA_BYTES` of JSON."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _name("name", self.name)
        _text("qtype", self.qtype)
        _not_negative("latency", self.latency)
        if self.outcome in SILENT and (self.rcode is not None or self.latency is not None):
            msg = f"outcome {self.outcome!r} means that nothing came back: rcode and latency must be null"
            raise InvalidEventError(msg)
        if self.extra is not None:
            _extra(self.extra)


class Delegation(_Event, frozen=True, kw_only=True, tag="delegation"):
    """The parent's and the child's view of one zone cut, seen at one moment."""

    parent_ns: tuple[str, ...] | None = None
    child_ns: tuple[str, ...] | None = None
    ds: tuple[str, ...] | None = None
    """DS records at the parent in presentation form; ``()`` is a proven absence, ``None`` unknown."""
    dnskey: tuple[str, ...] | None = None
    """``"<flags> <protocol> <algorithm> <key tag>"`` of each DNSKEY at the apex."""
    serials: dict[str, Uint32] = {}
    """SOA serial by server address."""
    lame: tuple[str, ...] = ()
    """Addresses that are delegated to but do not answer with authority."""
    glue: dict[str, tuple[str, ...]] | None = None
    """Addresses by name server as the parent's referral gives them; ``None`` where it gave none of the NS set."""
    child_addresses: dict[str, tuple[str, ...]] | None = None
    """Addresses by name server as the servers themselves give them, for names within the zone."""
    unresolved: tuple[str, ...] | None = None
    """Name servers that certainly have no address: their names do not exist, or have no A and AAAA records."""
    cds: tuple[str, ...] | None = None
    """CDS records at the apex (RFC 7344); ``None`` unknown."""
    cdnskey: tuple[str, ...] | None = None
    """``"<flags> <protocol> <algorithm> <key tag>"`` of each CDNSKEY at the apex."""
    ttls: dict[str, Uint32] = {}
    """Original TTLs of ``parent_ns``, ``child_ns``, ``ds``, ``dnskey`` and ``soa``, in seconds (RFC 7583 timing)."""
    soa_expire: Uint32 | None = None
    """The SOA's EXPIRE: for how long a secondary that is cut off keeps answering, in seconds."""
    signatures_expire: Time | None = None
    """The earliest expiration among the signatures at the apex, over all servers."""
    servers: tuple[ServerView, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        listed = (("parent_ns", self.parent_ns), ("child_ns", self.child_ns), ("unresolved", self.unresolved))
        for field, names in listed:
            for name in names or ():
                _name(field, name)
        if self.signatures_expire is not None:
            _utc("signatures_expire", self.signatures_expire)


class Registration(_Event, frozen=True, kw_only=True, tag="registration"):
    """One RDAP reading (RFC 9083). A failed reading has `error` and says nothing about the rest."""

    registrar: str | None = None
    statuses: tuple[str, ...] | None = None
    """RDAP status values, for instance ``client transfer prohibited`` (RFC 8056)."""
    nameservers: tuple[str, ...] | None = None
    expires: Time | None = None
    changed: Time | None = None
    registrant: str | None = None
    """Hash of the registrant's entity, never the entity itself."""
    transfer: str | None = None
    ds: tuple[str, ...] | None = None
    """DS data at the registry, ``<key tag> <algorithm> <digest type> <digest>``; ``()`` is a delegation without."""
    via: Literal["rdap", "whois"] | None = None
    error: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.nameservers or ():
            _name("nameservers", name)
        for field, time in (("expires", self.expires), ("changed", self.changed)):
            if time is not None:
                _utc(field, time)


class ZoneChange(_Event, frozen=True, kw_only=True, tag="zone_change"):
    """An edit of a zone: from NOTIFY, IXFR or AXFR, a provider's audit log, or a plan."""

    actor: str | None = None
    serial_from: Uint32 | None = None
    serial_to: Uint32 | None = None
    added: tuple[Record, ...] = ()
    removed: tuple[Record, ...] = ()


class Traffic(_Event, frozen=True, kw_only=True, tag="traffic"):
    """Counts from query logs or dnstap, one for each zone, server and minute."""

    server: Server | None = None
    window: Seconds
    """Length of the window that ends at `time`, in seconds."""
    queries: Count
    outcomes: dict[str, Count] = {}
    top_nxdomain: tuple[tuple[str, int], ...] = ()
    clients: Count | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _not_negative("window", self.window)
        _not_negative("queries", self.queries)


Event = Observation | Delegation | Registration | ZoneChange | Traffic

#: The event types by the `type` that tells them apart on the wire.
TYPES: dict[str, type[Event]] = {
    "observation": Observation,
    "delegation": Delegation,
    "registration": Registration,
    "zone_change": ZoneChange,
    "traffic": Traffic,
}


def type_of(event: Event) -> str:
    """The event's `type` as it stands on the wire."""
    return str(event.__struct_config__.tag)


def _name(field: str, value: str) -> None:
    canonical = normalize(value)
    if canonical != value:
        msg = f"{field} {value!r} is not in canonical form; write {canonical!r}"
        raise InvalidEventError(msg)


def _text(field: str, value: str) -> None:
    if not value:
        msg = f"{field} is empty; it must be known"
        raise InvalidEventError(msg)
    if _CONTROL(value):
        msg = f"{field} {value!r} holds a control character; leave it out"
        raise InvalidEventError(msg)


def _optional_text(field: str, value: str | None) -> None:
    if value == "":
        msg = f"{field} is empty; write null for what is not known"
        raise InvalidEventError(msg)
    if value is not None and _CONTROL(value):
        msg = f"{field} {value!r} holds a control character; leave it out"
        raise InvalidEventError(msg)


def _extra(value: dict[str, Any]) -> None:
    if not value:
        msg = "extra is empty; write null where nothing was said beside"
        raise InvalidEventError(msg)
    try:
        size = len(msgspec.json.encode(value))
    except (TypeError, ValueError, RecursionError) as error:
        msg = f"extra is not JSON: {error}"
        raise InvalidEventError(msg) from error
    if size > MAX_EXTRA_BYTES:
        msg = f"extra is {size} bytes of JSON; at most {MAX_EXTRA_BYTES} are kept"
        raise InvalidEventError(msg)


def _utc(field: str, value: dt.datetime) -> None:
    if value.tzinfo is not dt.UTC and value.utcoffset() != dt.timedelta(0):
        msg = f"{field} {value.isoformat()} is not in UTC"
        raise InvalidEventError(msg)


def _not_negative(field: str, value: float | None) -> None:
    # `not >=` also refuses NaN, which JSON cannot carry.
    if value is not None and not 0 <= value < float("inf"):
        msg = f"{field} is {value}; it must be a finite number, 0 or more"
        raise InvalidEventError(msg)


def _in_range(field: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        msg = f"{field} is {value}; it must be between 0 and {most}"
        raise InvalidEventError(msg)

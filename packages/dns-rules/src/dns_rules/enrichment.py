"""What is known beside an event when it is judged, and the event with it. Pure: whoever runs it says what is known."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from dns_events import DecodeError, Delegation, Event, Observation, Registration, ZoneChange, ndjson
from msgspec import Struct, structs

from .memory import spread_of
from .state import moment

if TYPE_CHECKING:
    from .inventory import Inventory, Zone
    from .state import ZoneState

_ENCODER = msgspec.json.Encoder()
#: A name and a type.
Question = tuple[str, str]


class KnownDelegation(Struct, frozen=True, kw_only=True):
    """The zone cut as it was seen last."""

    time: dt.datetime
    parent_ns: tuple[str, ...] | None
    child_ns: tuple[str, ...] | None
    ds: tuple[str, ...] | None
    dnskey: tuple[str, ...] | None


class KnownRegistration(Struct, frozen=True, kw_only=True):
    """The registration as it was read last without an error."""

    time: dt.datetime
    registrar: str | None
    statuses: tuple[str, ...] | None
    nameservers: tuple[str, ...] | None
    expires: dt.datetime | None


class KnownChange(Struct, frozen=True, kw_only=True):
    """The zone's last change."""

    id: str
    time: dt.datetime
    actor: str | None
    serial_from: int | None
    serial_to: int | None


class Propagation(Struct, frozen=True, kw_only=True):
    """How far the regions agree on this question, and what this vantage makes of it."""

    share: float | None
    """Share of the vantages that give the most frequent answer."""
    agreed: dt.datetime | None
    """Since when they agreed, the last time they did."""
    diverged: dt.datetime | None
    """Since when they do not."""
    old_ttl: int
    """For how many seconds a cache may hold what was answered while they agreed."""
    verdicts: dict[str, str] = {}
    """By region, where not all give one answer: ``current``, ``in_window``, ``overdue``, ``stale_served``, ``split`` or
    ``rogue``."""
    converges: dt.datetime | None = None
    """When the last region ``in_window`` must give the new answer."""


class Chain(Struct, frozen=True, kw_only=True):
    """DNSSEC of the zone: what is wanted, what was seen."""

    wanted: str
    was_secure: bool
    """Whether any vantage ever validated it."""
    signed: bool | None
    """Whether the parent has DS records; ``None`` unknown."""


class Enrichment(Struct, frozen=True, kw_only=True):
    """What goes under `enrichment`. Absent knowledge is null."""

    owner: str | None = None
    owner_name: str | None = None
    criticality: str | None = None
    expect: Any = None
    """What the inventory expects of this question."""
    split: bool | None = None
    window: str | None = None
    """The change window that is open at the event's time."""
    delegation: KnownDelegation | None = None
    registration: KnownRegistration | None = None
    zone_change: KnownChange | None = None
    propagation: Propagation | None = None
    dnssec: Chain | None = None


class Known(Struct, frozen=True):
    """The newest of one zone."""

    delegation: KnownDelegation | None = None
    registration: KnownRegistration | None = None
    change: KnownChange | None = None


class Enriched(NamedTuple):
    """An event, and its enrichment."""

    event: Event
    json: bytes
    """The event, as it came where it came as JSON."""
    enrichment: bytes
    """As JSON."""

    def encode(self) -> bytes:
        """The event's JSON object with one more member, so that whoever reads events reads it too."""
        return b'%s,"enrichment":%s}' % (self.json[:-1], self.enrichment)


class _Beside(Struct):
    enrichment: msgspec.Raw


_BESIDE = msgspec.json.Decoder(_Beside)


def decode(value: bytes) -> Enriched:
    """What `Enriched.encode` has written.

    Raises:
        DecodeError: it is no event, or has nothing beside it.
    """
    try:
        enrichment = bytes(_BESIDE.decode(value).enrichment)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error
    end = b',"enrichment":%s}' % enrichment
    if value.endswith(end):
        json = value.removesuffix(end) + b"}"
        return Enriched(ndjson.decode(json), json, enrichment)
    event = ndjson.decode(value)  # another tool has written the object anew
    return Enriched(event, ndjson.encode(event), enrichment)


def as_json(event: Event, value: bytes | None = None) -> bytes:
    """The event's JSON object: what it came as, if that is one and nothing else.

    Args:
        event: that it is.
        value: what it came as.
    """
    return value.rstrip() if value is not None and value[:1] == b"{" else ndjson.encode(event)


def question_of(event: Event) -> Question | None:
    """What was asked, where the event is an answer."""
    return (event.name, event.qtype) if isinstance(event, Observation) else None


def minute_of(event: Event) -> dt.datetime:
    """Change windows are looked up by it: they begin and end on whole minutes, or close enough to them."""
    return event.time.replace(second=0, microsecond=0)


def learn(known: Known, event: Event) -> Known:
    """What is known of a zone after one more event of it; the same object where it said nothing new."""
    match event:
        case Delegation() if known.delegation is None or known.delegation.time <= event.time:
            delegation = KnownDelegation(
                time=event.time, parent_ns=event.parent_ns, child_ns=event.child_ns, ds=event.ds, dnskey=event.dnskey
            )
            return structs.replace(known, delegation=delegation)
        case Registration(error=None) if known.registration is None or known.registration.time <= event.time:
            registration = KnownRegistration(
                time=event.time, registrar=event.registrar, statuses=event.statuses, nameservers=event.nameservers,
                expires=event.expires,
            )  # fmt: skip
            return structs.replace(known, registration=registration)
        case ZoneChange() if known.change is None or known.change.time <= event.time:
            change = KnownChange(
                id=event.id, time=event.time, actor=event.actor, serial_from=event.serial_from,
                serial_to=event.serial_to,
            )  # fmt: skip
            return structs.replace(known, change=change)
    return known


def join(
    known: Known,
    question: Question | None,
    minute: dt.datetime,
    zone: Zone | None,
    state: ZoneState | None,
    inventory: Inventory,
) -> bytes:
    """The `Enrichment` of all events of a zone that ask this in this minute, as JSON.

    Args:
        known: the newest of the zone.
        question: of the event, where it has one.
        minute: of the event's time.
        zone: its entry, where it has one.
        state: after the judgement of the event, where it was judged.
        inventory: that the entry is of.
    """
    base = Enrichment(delegation=known.delegation, registration=known.registration, zone_change=known.change)
    if zone is None:
        return _ENCODER.encode(base)
    expectation = None if question is None else zone.expectation(*question)
    window = zone.window(minute, "records")
    owner = zone.owner_of(() if question is None else question[:1])
    found = structs.replace(
        base,
        owner=owner,
        owner_name=inventory.teams[str(owner)].name,
        criticality=zone.criticality,
        expect=None if expectation is None else expectation.expect,
        split=None if expectation is None else expectation.split,
        window=None if window is None else window.id,
        propagation=None if state is None or question is None else _propagation(state, "/".join(question)),
        dnssec=Chain(
            wanted=zone.dnssec,
            was_secure=state is not None and state.secure,
            signed=None if known.delegation is None or known.delegation.ds is None else bool(known.delegation.ds),
        ),
    )
    return _ENCODER.encode(found)


def _propagation(state: ZoneState, question: str) -> Propagation | None:
    found = state.agreement.get(question)
    if found is None:
        return None
    spread = spread_of(state, question)
    return Propagation(
        verdicts={} if spread is None else {region: voice.verdict for region, voice in spread.regions.items()},
        converges=None if spread is None or spread.converges is None else moment(spread.converges),
        share=found.share,
        agreed=None if found.agreed is None else moment(found.agreed),
        diverged=None if found.diverged is None else moment(found.diverged),
        old_ttl=found.ttl,
    )

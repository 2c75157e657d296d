"""What is known beside an event, joined to it: from the inventory and from state, never by a look-up per event."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from dns_events import Delegation, Event, Observation, Registration, ZoneChange
from dns_rules import spread_of
from dns_rules.state import moment
from msgspec import Struct, structs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg
    from dns_rules import Inventory, Judgement
    from dns_rules.inventory import Zone
    from dns_rules.state import ZoneState

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Event)
#: Zones outside the inventory that are remembered; others' topics may name any number of them.
_STRANGERS = 20_000


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


class Known(Struct):
    """The newest of one zone."""

    delegation: KnownDelegation | None = None
    registration: KnownRegistration | None = None
    change: KnownChange | None = None


class Enricher:
    """The memory of one partition's zones. It belongs to the transaction's thread."""

    def __init__(self) -> None:
        self._known: dict[str, Known] = {}

    def forget(self) -> None:
        """Read everything from the store anew."""
        self._known.clear()

    def enrich(
        self,
        cursor: psycopg.Cursor[Any],
        events: list[Event],
        judgement: Judgement,
        inventory: Inventory,
        sources: Mapping[str, bytes],
    ) -> list[Enriched]:
        """Every event with what was known once the batch was judged.

        Args:
            cursor: for zones that are met for the first time.
            events: of the batch.
            judgement: after the batch.
            inventory: whose zones they are.
            sources: JSON of events by id, where they came as JSON.
        """
        self._make_room(inventory)
        self._adopt(cursor, {event.zone for event in events})
        for event in events:
            self._learn(event)
        made: dict[tuple[Any, ...], bytes] = {}
        zones = {name: (inventory.zone(name), judgement.state(name)) for name in {event.zone for event in events}}
        found = []
        for event in events:
            zone, state = zones[event.zone]
            # Windows begin and end on whole minutes, or close enough to them.
            minute = event.time.replace(second=0, microsecond=0)
            question = (event.name, event.qtype) if isinstance(event, Observation) else None
            key = (event.zone, question, minute)
            if key not in made:
                made[key] = _ENCODER.encode(self._join(event.zone, question, minute, zone, state, inventory))
            found.append(Enriched(event, sources.get(event.id) or _ENCODER.encode(event), made[key]))
        return found

    def _make_room(self, inventory: Inventory) -> None:
        """Forget zones that nobody owns, once they are many; met again, they are read from the store."""
        if len(self._known) > len(inventory.zones) + _STRANGERS:
            self._known = {zone: known for zone, known in self._known.items() if inventory.zone(zone) is not None}

    def _join(
        self,
        name: str,
        question: tuple[str, str] | None,
        minute: dt.datetime,
        zone: Zone | None,
        state: ZoneState | None,
        inventory: Inventory,
    ) -> Enrichment:
        known = self._known.get(name, Known())
        base = Enrichment(delegation=known.delegation, registration=known.registration, zone_change=known.change)
        if zone is None:
            return base
        expectation = None if question is None else zone.expectation(*question)
        window = zone.window(minute, "records")
        owner = zone.owner_of(() if question is None else question[:1])
        return structs.replace(
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

    def _learn(self, event: Event) -> None:
        known = self._known.setdefault(event.zone, Known())
        match event:
            case Delegation() if known.delegation is None or known.delegation.time <= event.time:
                known.delegation = KnownDelegation(
                    time=event.time, parent_ns=event.parent_ns, child_ns=event.child_ns, ds=event.ds,
                    dnskey=event.dnskey,
                )  # fmt: skip
            case Registration(error=None) if known.registration is None or known.registration.time <= event.time:
                known.registration = KnownRegistration(
                    time=event.time, registrar=event.registrar, statuses=event.statuses,
                    nameservers=event.nameservers, expires=event.expires,
                )  # fmt: skip
            case ZoneChange() if known.change is None or known.change.time <= event.time:
                known.change = KnownChange(
                    id=event.id, time=event.time, actor=event.actor, serial_from=event.serial_from,
                    serial_to=event.serial_to,
                )  # fmt: skip

    def _adopt(self, cursor: psycopg.Cursor[Any], zones: set[str]) -> None:
        if not (unknown := sorted(zones - set(self._known))):
            return
        self._known |= {zone: Known() for zone in unknown}
        for table in ("delegation_current", "registration_current"):
            cursor.execute(
                f"select distinct on (zone) body from {table} where zone = any(%s) order by zone, time desc",  # noqa: S608 - from above
                (unknown,),
            )
            for (body,) in cursor.fetchall():
                self._learn(_DECODER.decode(msgspec.json.encode(body)))
        cursor.execute(
            "select distinct on (zone) zone, id, time, actor, serial_from, serial_to from zone_change "
            "where zone = any(%s) order by zone, time desc",
            (unknown,),
        )
        for zone, id_, time, actor, serial_from, serial_to in cursor.fetchall():
            self._known[zone].change = KnownChange(
                id=id_, time=time, actor=actor, serial_from=serial_from, serial_to=serial_to
            )


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

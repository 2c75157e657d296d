"""What is known beside an event, joined to it: from the inventory and from state, never by a look-up per event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from dns_events import Event
from dns_rules.enrichment import Enriched, Known, KnownChange, as_json, join, learn, minute_of, question_of
from msgspec import structs

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg
    from dns_rules import Inventory, Judgement

_DECODER = msgspec.json.Decoder(Event)
#: Zones outside the inventory that are remembered; others' topics may name any number of them.
_STRANGERS = 20_000
_UNKNOWN = Known()


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
            sources: what events came as, by id, where they came as JSON.
        """
        self._make_room(inventory)
        self._adopt(cursor, {event.zone for event in events})
        for event in events:
            self._learn(event)
        made: dict[tuple[Any, ...], bytes] = {}
        zones = {name: (inventory.zone(name), judgement.state(name)) for name in {event.zone for event in events}}
        found = []
        for event in events:
            question, minute = question_of(event), minute_of(event)
            key = (event.zone, question, minute)
            if key not in made:
                made[key] = join(self._known[event.zone], question, minute, *zones[event.zone], inventory)
            found.append(Enriched(event, as_json(event, sources.get(event.id)), made[key]))
        return found

    def _make_room(self, inventory: Inventory) -> None:
        """Forget zones that nobody owns, once they are many; met again, they are read from the store."""
        if len(self._known) > len(inventory.zones) + _STRANGERS:
            self._known = {zone: known for zone, known in self._known.items() if inventory.zone(zone) is not None}

    def _learn(self, event: Event) -> None:
        self._known[event.zone] = learn(self._known.get(event.zone, _UNKNOWN), event)

    def _adopt(self, cursor: psycopg.Cursor[Any], zones: set[str]) -> None:
        if not (unknown := sorted(zones - set(self._known))):
            return
        self._known |= dict.fromkeys(unknown, _UNKNOWN)
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
            change = KnownChange(id=id_, time=time, actor=actor, serial_from=serial_from, serial_to=serial_to)
            self._known[zone] = structs.replace(self._known[zone], change=change)

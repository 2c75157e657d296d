"""Judged events with what is known beside them, as the bridge writes them. No Flink in it.

What hangs on the judgement changes only as a step is judged, which is when a timer lets time pass. Until then all
events of a zone that ask the same in the same minute have the same beside them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import msgspec
from dns_events import semconv, type_of

from dns_rules.enrichment import Enriched, Known, as_json, join, learn, minute_of, question_of

from .held import Cache, Held

if TYPE_CHECKING:
    from dns_events import Event

    from dns_rules.enrichment import Question
    from dns_rules.inventory import Inventory
    from dns_rules.state import ZoneState

#: Writes times in RFC 3339, as JSON has them in quotes.
_TIMES = msgspec.json.Encoder()
_SAVED = msgspec.msgpack.Encoder()
_KNOWN = msgspec.msgpack.Decoder(Known)
#: Of a zone, so many are kept at most.
_JOINED = 256


#: What is written of an event: zone, value, id, time, source and type. A plain one, as Flink's fast coder asks for.
Message = tuple[str, bytes, str, str, str, str]


class Beside:
    """What is known beside the events of one zone.

    Args:
        known: the newest of it.
    """

    __slots__ = ("_by", "_joined", "known")

    def __init__(self, known: Known) -> None:
        self.known = known
        self._by: Inventory | None = None
        self._joined: dict[tuple[Question | None, str], bytes] = {}

    @classmethod
    def load(cls, saved: bytes | None) -> Self:
        """Of what `dump` has made; ``None`` where nothing was."""
        return cls(Known() if saved is None else _KNOWN.decode(saved))

    def dump(self) -> bytes:
        """What is saved."""
        return _SAVED.encode(self.known)

    def passed(self) -> None:
        """A step may have been judged."""
        self._joined.clear()

    def enrich(self, event: Event, value: bytes, state: ZoneState | None, inventory: Inventory) -> Message:
        """An event as it is written.

        Args:
            event: of the zone.
            value: what it came as.
            state: of the zone, after the event.
            inventory: what is watched.
        """
        if (known := learn(self.known, event)) is not self.known:
            self.known = known
            self._joined.clear()
        if self._by is not inventory or len(self._joined) > _JOINED:
            self._by = inventory
            self._joined.clear()
        time = _TIMES.encode(event.time)[1:-1].decode()
        # The time's text is as good as the minute, and is there already.
        place = (question_of(event), time[:16])
        joined = self._joined.get(place)
        if joined is None:
            zone = inventory.zone(event.zone)
            joined = join(known, place[0], minute_of(event), zone, state, inventory)
            self._joined[place] = joined
        written = Enriched(event, as_json(event, value), joined).encode()
        return (event.zone, written, event.id, time, *_origin(event.probe.id, type_of(event)))


class Enriching:
    """Enriches the events of many zones.

    Args:
        cached: zones whose joins are kept.
        saved: what is known of a zone, as Flink keeps it.
    """

    def __init__(self, cached: int, saved: Any) -> None:
        self._beside: Cache[Beside] = Cache(cached)
        self._saved = saved

    def enrich(self, event: Event, value: bytes, state: ZoneState | None, inventory: Inventory) -> Message:
        """As `Beside` has it."""
        held = self._beside.get(event.zone)
        if held is None:
            saved = self._saved.get(event.zone)
            # What was not written yet comes back as it was put in.
            held = saved if isinstance(saved, Held) else Held(Beside.load(saved), Beside.dump)
            self._beside.put(event.zone, held)
        known = held.state.known
        message = held.state.enrich(event, value, state, inventory)
        if held.state.known is not known:
            self._saved.put(event.zone, held)
        return message

    def passed(self, zone: str) -> None:
        """A step of a zone may have been judged."""
        held = self._beside.get(zone)
        if held is not None:
            held.state.passed()


@lru_cache(maxsize=8192)
def _origin(probe: str, kind: str) -> tuple[str, str]:
    """CloudEvents' source and type, as the bridge has them."""
    return f"/probes/{probe}", semconv.EVENT_PREFIX + kind

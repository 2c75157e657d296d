"""Messages of another tool into events, as `decode` does it for OTLP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_events import dialects
from dns_events.errors import NotAnObservationError

from kafka_bridge.pipeline.decode import MAX_AHEAD, Dead, Decoded, fault

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules import Inventory

    from .settings import Foreign


class Dialect:
    """Reads one foreign topic.

    Args:
        entry: of the configuration.
        inventory: a name belongs to the longest of its zones, and to itself where none fits.
    """

    def __init__(self, entry: Foreign, inventory: Inventory) -> None:
        self._entry = entry
        self._zones = frozenset(zone.zone for zone in inventory.zones)
        self.passed = 0
        """Whole records that tell of no lookup and its end, such as queries without their answers."""

    def decode(self, payload: bytes, now: dt.datetime) -> Decoded:
        """Read all records of a message; a bad one does not keep the others back."""
        decoded = Decoded([], [], {})
        try:
            self._read(payload, now, decoded)
        except Exception as error:  # noqa: BLE001 - see fault
            decoded.dead.append(Dead(fault(error), payload))
        return decoded

    def _read(self, payload: bytes, now: dt.datetime, decoded: Decoded) -> None:
        entry = self._entry
        found = dialects.read(
            entry.dialect, payload, zone_of=self._zone_of, probe=entry.probe, region=entry.region,
            clients=entry.clients, server=entry.server,
        )  # fmt: skip
        for item in found:
            if isinstance(item, NotAnObservationError):
                self.passed += 1
            elif isinstance(item, Exception):
                decoded.dead.append(Dead(f"{entry.dialect}: {item}", payload))
            elif item.time > now + MAX_AHEAD:
                ahead = (item.time - now).total_seconds()
                decoded.dead.append(Dead(f"clock ahead: the record's time is {ahead:.0f} s ahead of ours", payload))
            else:
                decoded.events.append(item)

    def _zone_of(self, name: str) -> str:
        rest = name
        while rest:
            if rest in self._zones:
                return rest
            rest = rest.partition(".")[2]
        return "." if "." in self._zones else name

"""How much was taken and what was refused, by probe."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .refusal import Reason

#: Stands for whoever did not prove to be a listed probe.
UNKNOWN = "unknown"
#: Probes that are counted by name; lists that change all the time must not fill the memory.
_MOST_PROBES = 10_000


class Accepted(NamedTuple):
    """What one probe has sent and the bus has made durable."""

    requests: int = 0
    events: int = 0
    octets: int = 0
    """Bytes of its requests, decompressed."""


class Snapshot(NamedTuple):
    """The counts of one moment."""

    accepted: Mapping[str, Accepted]
    """By probe id."""
    refused: Mapping[tuple[Reason, str], int]
    """By reason and probe id; `replayed` ones were acknowledged, but not stored again."""


class IntakeCounts:
    """Counts since the start; safe to use from any thread."""

    def __init__(self, most: int = _MOST_PROBES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._probes: set[str] = set()
        self._accepted: dict[str, Accepted] = {}
        self._refused: dict[tuple[Reason, str], int] = {}

    def accepted(self, probe: str | None, events: int, octets: int) -> None:
        """Count a request that is durable."""
        with self._lock:
            name = self._name(probe)
            before = self._accepted.get(name, Accepted())
            self._accepted[name] = Accepted(before.requests + 1, before.events + events, before.octets + octets)

    def refused(self, reason: Reason, probe: str | None) -> None:
        """Count a request that is not taken."""
        with self._lock:
            key = (reason, self._name(probe))
            self._refused[key] = self._refused.get(key, 0) + 1

    def snapshot(self) -> Snapshot:
        """The counts now."""
        with self._lock:
            return Snapshot(dict(self._accepted), dict(self._refused))

    def _name(self, probe: str | None) -> str:
        if probe is None or (probe not in self._probes and len(self._probes) >= self._most):
            return UNKNOWN
        self._probes.add(probe)
        return probe

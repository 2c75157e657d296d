"""What a source is, and what it is given."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dns_events import Event, Probe, within

if TYPE_CHECKING:
    from collections.abc import Callable


class Source(Protocol):
    """A kind of source: a frozen, keyword-only `msgspec.Struct` with `forbid_unknown_fields`.

    Its fields are its keys in ``receiver.yaml``. A ``ValueError`` from its ``__post_init__`` is shown to the
    user with file and line, so its text says what to write instead.
    """

    async def run(self, context: Context) -> None:
        """Watch until cancelled, then clean up.

        What fails outside (a peer, a file that is not there yet) is logged once, counted and tried again;
        what raises ends this source, is logged, counted, and the source is started again after a pause.
        """


class Zones:
    """The watched zones, and which of them a name lies in."""

    def __init__(self, zones: tuple[str, ...]) -> None:
        self.names = zones
        self._known = frozenset(zones)

    def of(self, name: str) -> str | None:
        """The closest watched zone that a canonical name lies in, else ``None``."""
        if "\\" in name:  # an escaped dot: labels decide, not text
            return max((zone for zone in self.names if within(name, zone)), key=len, default=None)
        rest = name
        while rest:
            if rest in self._known:
                return rest
            _, _, rest = rest.partition(".")
        return "." if "." in self._known else None


@dataclass(frozen=True, slots=True)
class Context:
    """What the receiver gives a source.

    `emit` never blocks and never raises; `count` is the source's own accounting, exported as the metric
    ``dnstower.source.items`` with the source's name and the state.
    """

    name: str
    """The source's name in metrics and logs: its `type`, with a number where there are several."""
    zones: Zones
    base: Path
    """Folder of the configuration file; relative paths are relative to it."""
    probe: Callable[[], Probe]
    """Who looks, with the age of the clock now."""
    emit: Callable[[Event], None]
    count: Callable[[str, int], None]
    """``count(state, number)``: items that came to this state, for instance ``received`` or ``unparsable``."""
    log: logging.Logger

    @classmethod
    def collecting(
        cls, zones: tuple[str, ...] = (), base: Path = Path(), probe: Probe | None = None
    ) -> tuple[Context, list[Event], Counter[str]]:
        """A context that keeps events and counts in memory, for tests of sources."""
        events: list[Event] = []
        counts: Counter[str] = Counter()
        who = probe or Probe(id="test", region="test")

        def count(state: str, number: int) -> None:
            counts[state] += number

        log = logging.getLogger("otel_dns_receiver.sources")
        return cls("test", Zones(zones), base, lambda: who, events.append, count, log), events, counts

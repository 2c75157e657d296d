"""Which observations are evidence: validation that failed, and answers whose wire was kept. Pure."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING

from dns_events import Observation, ndjson
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_events import Event

#: Of one zone and minute in one batch; what is beyond is counted in a record of its own.
MOST = 200


class Piece(Struct, frozen=True):
    """One record on its way into the chain."""

    kind: str
    zone: str | None
    time: dt.datetime
    source: list[str]
    body: str


def select(events: Iterable[Event]) -> list[Piece]:
    """Records of a batch, in the order of their time."""
    places: dict[tuple[str, dt.datetime], list[Observation]] = defaultdict(list)
    for event in events:
        if isinstance(event, Observation) and _tells(event):
            places[event.zone, event.time.replace(second=0, microsecond=0)].append(event)
    found: list[Piece] = []
    for (zone, minute), listed in places.items():
        listed.sort(key=lambda event: (event.time, event.id))
        found += [
            Piece(
                "observation", zone, event.time, [event.id], ndjson.encode(event).decode().replace("\\u0000", "\\ufffd")
            )
            for event in listed[:MOST]
        ]
        if len(listed) > MOST:
            found.append(Piece("more", zone, minute, [], f'{{"observations":{len(listed) - MOST}}}'))
    return sorted(found, key=lambda piece: (piece.time, piece.zone or "", piece.source))


def _tells(event: Observation) -> bool:
    return event.wire is not None or (event.dnssec is not None and event.dnssec.status == "bogus")

"""A recording through the same judgement as live events."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from dns_events import ndjson

from .engine import Engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Event

    from .inventory import Inventory
    from .model import Incident
    from .rules import Rules

#: Events are judged so many at a time, which changes nothing but the time it takes.
_TOGETHER = 4_000


def replay(
    path: Path,
    inventory: Inventory,
    rules: Rules,
    *,
    all_states: bool = False,
    progress: Callable[[int, Event], None] | None = None,
) -> list[Incident]:
    """Judge an NDJSON file of events, in its order, and let its last events be judged too.

    Args:
        path: the recording; ``-`` is standard input.
        inventory: what is watched.
        rules: the rule pack.
        all_states: every change of every incident, instead of the last state of each that fired.
        progress: told how many bytes were read, and the last event of them.

    Raises:
        DecodeError: names file and line.
    """
    engine = Engine(inventory, rules)
    where = "standard input" if str(path) == "-" else str(path)
    changes: list[Incident] = []
    with sys.stdin.buffer if str(path) == "-" else Path(path).open("rb") as lines:
        events = ndjson.decode_lines(lines, where=where)
        while batch := list(islice(events, _TOGETHER)):
            changes += engine.step(batch).incidents
            if progress is not None:
                progress(lines.tell() if lines.seekable() else 0, batch[-1])
    changes += engine.finish().incidents
    tell_failures(engine)
    if all_states:
        return changes
    last = {incident.id: incident for incident in changes}
    fired = {incident.id for incident in changes if incident.state == "firing"}
    return [incident for id_, incident in last.items() if id_ in fired]


def tell_failures(engine: Engine) -> None:
    """Say on standard error which rules could not be evaluated."""
    for rule, failure in engine.judgement.failures().items():
        print(f"rule {rule} could not be evaluated {failure.number} times: {failure.text}", file=sys.stderr)


def shown(path: Path) -> Callable[[int, Event], None] | None:
    """A line on standard error of how far a replay is, renewed as it goes; ``None`` where nobody looks at it."""
    if not sys.stderr.isatty():
        return None
    size = path.stat().st_size if path.is_file() else 0

    def told(read: int, event: Event) -> None:
        share = f"{read / size:4.0%}  " if size else ""
        ending = "\n" if size and read >= size else "\r"
        print(f"{share}{event.time:%Y-%m-%d %H:%M}Z", end=ending, file=sys.stderr, flush=True)

    return told

"""A recording through the same judgement as live events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dns_events import ndjson

from .engine import Engine

if TYPE_CHECKING:
    from .inventory import Inventory
    from .model import Incident
    from .rules import Rules


def replay(path: Path, inventory: Inventory, rules: Rules, *, all_states: bool = False) -> list[Incident]:
    """Judge an NDJSON file of events, in its order, and let its last events be judged too.

    Args:
        path: the recording; ``-`` is standard input.
        inventory: what is watched.
        rules: the rule pack.
        all_states: every change of every incident, instead of the last state of each that fired.

    Raises:
        DecodeError: names file and line.
    """
    engine = Engine(inventory, rules)
    where = "standard input" if str(path) == "-" else str(path)
    changes: list[Incident] = []
    with sys.stdin.buffer if str(path) == "-" else Path(path).open("rb") as lines:
        for event in ndjson.decode_lines(lines, where=where):
            changes += engine.step((event,)).incidents
    changes += engine.finish().incidents
    if all_states:
        return changes
    last = {incident.id: incident for incident in changes}
    fired = {incident.id for incident in changes if incident.state == "firing"}
    return [incident for id_, incident in last.items() if id_ in fired]

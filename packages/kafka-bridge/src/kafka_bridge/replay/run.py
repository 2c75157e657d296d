"""A stretch of history through the engine. It has no way to page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules import Engine

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable

    from dns_events import Event
    from dns_rules import Incident, Inventory, Rules


def run(
    stretches: Iterable[tuple[dt.datetime, list[Event]]],
    inventory: Inventory,
    rules: Rules,
    *,
    start: dt.datetime,
    progress: Callable[[dt.datetime, int], None],
) -> list[Incident]:
    """The incidents that would have fired from `start` on, as they were last.

    Args:
        stretches: events in the order of their time, with the time up to which each stretch goes. What is before
            `start` is for the rules' memory.
        inventory: what is watched.
        rules: the rule pack.
        start: incidents that began before are not told.
        progress: told the time that was reached and how many events there were.
    """
    engine = Engine(inventory, rules)
    last: dict[str, Incident] = {}
    fired: set[str] = set()
    events = 0

    def note(incidents: Iterable[Incident]) -> None:
        for incident in incidents:
            last[incident.id] = incident
            if incident.state == "firing":
                fired.add(incident.id)

    for until, listed in stretches:
        note(engine.step(listed).incidents)
        events += len(listed)
        progress(until, events)
    note(engine.finish().incidents)
    return sorted((last[id_] for id_ in fired if last[id_].since >= start), key=lambda i: (i.since, i.zone, i.rule))

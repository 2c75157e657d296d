"""Whom to call about an incident, and when: its owner's hours, silences, acknowledgements, escalation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dns_events import durations
from msgspec import structs

from .inventory import Team
from .model import SEVERITIES, Call, gravest
from .state import MICROS, micros, moment

if TYPE_CHECKING:
    from .inventory import Inventory
    from .model import Acknowledgement, Incident, Silence
    from .state import CorrelationState, OpenIncident


def begin(item: OpenIncident, time: int) -> None:
    """The incident's owner is to be called at this time, in microseconds; whoever is above, from then on."""
    item.call, item.step = time, 0


def due(item: OpenIncident, state: CorrelationState) -> int | None:
    """When somebody is to be called next. Of what is quiet nobody is."""
    if not item.active or item.incident.state != "firing":
        return None
    silenced = item.incident.silenced
    if silenced is not None and item.call == micros(silenced.end):
        # It may have been ended sooner.
        item.call = next((micros(known.end) for known in state.silences if known.id == silenced.id), item.call)
    return item.call


def call(item: OpenIncident, state: CorrelationState, inventory: Inventory) -> Incident | None:
    """Call whoever is due, or put it off; returns the incident where that changed it."""
    incident, time = item.incident, item.call
    assert time is not None
    silence = next((silence for silence in state.silences if _covers(silence, item, time)), None)
    if silence is not None:
        item.call = micros(silence.end)
        return _changed(item, time, silenced=silence)
    team, why = _whom(item, inventory)
    hours = _team(inventory, team).hours
    if hours is not None and (opens := micros(hours.next(moment(time)))) > time:
        if incident.severity != "critical":
            item.call = opens
            return _changed(item, time, silenced=None)
        team = _team(inventory, team).after_hours or team
    called = Call(time=moment(time), team=team, why=why, severity=incident.severity)
    # Who has taken on something less has not taken on this.
    taken = None if why == "graver" else incident.acknowledged
    changed = _changed(item, time, calls=(*incident.calls, called), silenced=None, acknowledged=taken)
    item.call = None if taken else _next(item, inventory, time)
    return changed


def graver(item: OpenIncident, time: int) -> bool:
    """Have the owner of a firing incident called once more where it is graver than was told; returns whether."""
    incident = item.incident
    if incident.state != "firing":
        return False
    severity = SEVERITIES.index(incident.severity)
    if incident.calls:
        more = severity > SEVERITIES.index(gravest(*(call.severity for call in incident.calls)))
    else:  # what waits for the owner's hours waits no longer
        more = item.call is not None and incident.severity == "critical"
    if more:
        begin(item, time)
    return more


def acknowledge(item: OpenIncident, taken: Acknowledgement | None) -> Incident | None:
    """Somebody has taken the incident on: nobody else is called, as long as it becomes no graver."""
    incident = item.incident
    if taken is None or incident.acknowledged == taken or incident.state != "firing":
        return None
    if any(call.why != "escalated" and call.time > taken.time for call in incident.calls):
        return None
    item.call = None
    item.incident = structs.replace(incident, acknowledged=taken)
    return item.incident


def _covers(silence: Silence, item: OpenIncident, time: int) -> bool:
    incident = item.incident
    # What many zones share is silenced with the last of them.
    zones = {incident.zone, *item.zones}
    return (
        micros(silence.start) <= time < micros(silence.end)
        and silence.rule in (None, incident.rule)
        and silence.owner in (None, incident.owner)
        and (silence.zone is None or zones == {silence.zone})
    )


def _whom(item: OpenIncident, inventory: Inventory) -> tuple[str, Literal["firing", "graver", "escalated"]]:
    owner = item.incident.owner
    steps = _team(inventory, owner).escalate
    if 0 < item.step <= len(steps):
        return steps[item.step - 1].to, "escalated"
    return owner, "graver" if item.incident.calls else "firing"


def _next(item: OpenIncident, inventory: Inventory, time: int) -> int | None:
    """When the next team is called, unless somebody acknowledges before; ``None``: there is none."""
    incident = item.incident
    began = max(micros(call.time) for call in incident.calls if call.why != "escalated")
    severity = SEVERITIES.index(incident.severity)
    for number, step in enumerate(_team(inventory, incident.owner).escalate, 1):
        if number > item.step and severity >= SEVERITIES.index(step.severity):
            item.step = number
            return max(time, began + int(durations.seconds(step.after) * MICROS))
    return None


def _team(inventory: Inventory, key: str) -> Team:
    # Of a team that has left the inventory only its name is known.
    return inventory.teams.get(key) or Team(name=key)


def _changed(item: OpenIncident, time: int, **fields: object) -> Incident | None:
    if all(getattr(item.incident, name) == value for name, value in fields.items()):
        return None
    item.incident = structs.replace(item.incident, updated=moment(time), **fields)
    return item.incident

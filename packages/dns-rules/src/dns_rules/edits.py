"""Who edited a zone, and whether an observed change is what an approver did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .facts import SEPARATOR
from .state import MICROS, moment

if TYPE_CHECKING:
    from .inventory import Zone
    from .state import Edit, ZoneState

#: An edit with its records may take so long until all servers give it; one of which only the serial is known, less.
_LONG = 24 * 3600 * MICROS
_SHORT = 15 * 60 * MICROS
#: A probe may see the change before the audit log tells of it.
_AFTER = 600 * MICROS


def was_edited(state: ZoneState, zone: Zone, question: str, current: str, changed: int) -> bool:
    """Whether one of the zone's `approvers` made the change that was first seen at `changed`.

    An edit that tells its records must have led to what the servers give now; one that does not must have been just
    before.
    """
    return any(
        edit.actor in zone.approvers and _explains(edit, question, current, changed)
        for edit in state.edits
        if edit.actor
    )


def editor(state: ZoneState, question: str, changed: int) -> str:
    """Words for who edited last what was seen at `changed`; nothing where nobody is known."""
    for edit in reversed(state.edits):
        if _is_near(edit, question, changed):
            return f"; edited by {edit.actor or 'somebody unknown'} at {moment(edit.time):%H:%M:%S}Z"
    return ""


def _explains(edit: Edit, question: str, current: str, changed: int) -> bool:
    if not _is_near(edit, question, changed):
        return False
    if not edit.added and not edit.removed:
        return True
    data = set(current.split(SEPARATOR)) if current else set()
    return set(edit.added.get(question, ())) <= data and not data.intersection(edit.removed.get(question, ()))


def _is_near(edit: Edit, question: str, changed: int) -> bool:
    if not edit.added and not edit.removed:
        return changed - _SHORT <= edit.time <= changed + _AFTER
    about = question in edit.added or question in edit.removed
    return about and changed - _LONG <= edit.time <= changed + _AFTER

"""Changes: who may make them, and windows that are over."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from .registry import zone_check

if TYPE_CHECKING:
    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons

_OLD = dt.timedelta(days=30)


@zone_check("best-practice", "the inventory says what is, its history what was")
def change_over(zone: Zone, _inventory: Inventory, now: dt.datetime) -> Reasons:
    """A change window that ended more than 30 days ago is taken out."""
    for index, change in enumerate(zone.changes):
        if change.end is not None and change.end < now - _OLD:
            yield f".changes[{index}]", f"change {change.id} ended on {change.end:%Y-%m-%d}; take it out"


@zone_check("best-practice", "an edit by an approver is authorized without a window")
def approvers_missing(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A zone says whose edits are authorized."""
    if not zone.approvers:
        yield "", f"{zone.zone} has no `approvers`; write who may edit it, as the provider's audit log names them"

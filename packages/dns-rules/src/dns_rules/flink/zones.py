"""`judge` of one zone, as a keyed function is asked: an event, a timer. No Flink in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dns_rules.judge import dismiss, judge
from dns_rules.model import Tick
from dns_rules.state import MICROS, ZoneState, moment

if TYPE_CHECKING:
    from dns_events import Event

    from dns_rules.inventory import Inventory
    from dns_rules.model import Finding
    from dns_rules.rules import Rules

#: Time passes by timers alone, because a slower partition may have older events to come.
_BY_TICKS = 0
#: A zone of which nothing is due is looked at so often all the same: its entry may have changed.
_SELDOM = 60 * MICROS


class Turn(NamedTuple):
    """What became of a zone."""

    state: ZoneState | None
    findings: list[Finding]
    due: int | None
    """When time is to pass for it next, in microseconds since 1970."""


def heard(state: ZoneState | None, event: Event, inventory: Inventory, rules: Rules) -> Turn:
    """Take an event in."""
    state, findings = judge(state, event, inventory, rules, _BY_TICKS)
    return Turn(state, findings, None if state is None or not state.open else min(state.open) + rules.pace[0])


def waited(state: ZoneState, passed: int, inventory: Inventory, rules: Rules) -> Turn:
    """Let time pass; the zone's state is no more where it has left the inventory.

    Args:
        state: of the zone.
        passed: microseconds since 1970 before which no events are to come.
        inventory: what is watched.
        rules: the rule pack.
    """
    if inventory.zone(state.zone) is None:
        return Turn(None, dismiss(state), None)
    step, lateness = rules.pace
    after, findings = judge(state, Tick(moment(passed + lateness)), inventory, rules)
    assert after is not None
    next_ = passed // step * step + step
    quiet = min([after.idle, next_ + _SELDOM, *(slot + step for slot in after.open)])
    return Turn(after, findings, max(next_, -(-quiet // step) * step))

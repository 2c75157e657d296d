"""What a change window says that record sets will be, and whether what is seen follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .intake import SEPARATOR, plain
from .state import MICROS, micros

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inventory import Zone

#: After its window a plan is right beside the inventory, which is to be brought up to date, for so long.
_KEPT = 7 * 86_400 * MICROS


class Plan(NamedTuple):
    """One record set of a change window; times in microseconds since 1970."""

    change: str
    start: int
    end: int
    data: frozenset[str]
    """As `plain` has it."""


class Plans:
    """The plans of one zone.

    Args:
        zone: the inventory's entry.
    """

    def __init__(self, zone: Zone) -> None:
        self._plans: dict[str, list[Plan]] = {}
        for change in zone.changes:
            for planned in change.records:
                assert change.start is not None
                assert change.end is not None
                plan = Plan(change.id, micros(change.start), micros(change.end), frozenset(map(plain, planned.data)))
                self._plans.setdefault(f"{planned.name}/{planned.type}", []).append(plan)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._plans)

    def during(self, question: str, time: int) -> Plan | None:
        """The plan of a record set in whose window a time is."""
        return next((plan for plan in self._plans.get(question, ()) if plan.start <= time < plan.end), None)

    def made(self, question: str, time: int) -> Plan | None:
        """The newest plan that may have been carried out by then, and of which the inventory may not tell yet."""
        plans = [plan for plan in self._plans.get(question, ()) if plan.start <= time < plan.end + _KEPT]
        return max(plans, key=lambda plan: plan.start, default=None)


def follows(plan: Plan, before: str, current: str) -> bool:
    """Whether a tracked value is the planned one, or on the way to it from the one before."""
    old, now = _data(before), _data(current)
    return old & plan.data <= now <= old | plan.data


def gives(plan: Plan, data: Iterable[str]) -> bool:
    """Whether an answer has the planned data."""
    return frozenset(map(plain, data)) == plan.data


def in_words(plan: Plan) -> str:
    """``change CHG-12 says 192.0.2.9``."""
    return f"change {plan.change} says {SEPARATOR.join(sorted(plan.data)) or 'that there is none'}"


def _data(value: str) -> frozenset[str]:
    return frozenset(map(plain, value.split(SEPARATOR))) if value else frozenset()

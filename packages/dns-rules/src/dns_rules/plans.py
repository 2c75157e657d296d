"""What a change window says that record sets will be, and whether what is seen follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .facts import SEPARATOR, members, plain, tracked
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
    tracked: frozenset[str]
    """What of it is tracked."""
    alias: str
    """The target of the CNAME that takes the set's place; else empty. An answer has it, and what is found there."""

    def says(self, data: frozenset[str]) -> bool:
        """Whether tracked data is the planned one."""
        return self.alias in data if self.alias else data == self.tracked


class Plans:
    """The plans of one zone.

    Args:
        zone: the inventory's entry.
    """

    def __init__(self, zone: Zone) -> None:
        self._plans: dict[str, list[Plan]] = {}
        for change in zone.changes:
            aliases = {each.name: plain(each.data[0]) for each in change.records if each.type == "CNAME" and each.data}
            for planned in change.records:
                assert change.start is not None
                assert change.end is not None
                data = frozenset(map(plain, planned.data))
                question = f"{planned.name}/{planned.type}"
                plan = Plan(
                    change.id,
                    micros(change.start),
                    micros(change.end),
                    data,
                    members(tracked(planned.data, question, zone)),
                    "" if data else aliases.get(planned.name, ""),
                )
                self._plans.setdefault(question, []).append(plan)
        for plans in self._plans.values():
            plans.sort(key=lambda plan: plan.start)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._plans)

    def during(self, question: str, time: int) -> Plan | None:
        """The newest plan of a record set in whose window a time is."""
        return next((plan for plan in reversed(self._begun(question, time)) if time < plan.end), None)

    def made(self, question: str, time: int) -> Plan | None:
        """The newest plan that may have been carried out by then, and of which the inventory may not tell yet."""
        return next(reversed(self._begun(question, time)), None)

    def removed(self, question: str, time: int) -> bool:
        """Whether a plan took the record set away, and none has surely brought it back."""
        plans = self._begun(question, time)
        # One that brings it back has until the end of its window.
        return bool(plans) and any(not plan.data for plan in (plans if time < plans[-1].end else plans[-1:]))

    def follows(self, question: str, before: str, current: str, *, changed: int, now: int) -> bool:
        """Whether a tracked value is the planned one, one that the plan begins from, or in its window between them.

        Args:
            question: of the record set.
            before: its value as it was before all plans.
            current: its value.
            changed: since when it has that, in microseconds since 1970.
            now: when it is judged, likewise.
        """
        plans = self._begun(question, now)
        if not plans:
            return False
        plan, earlier, data = plans[-1], plans[:-1], members(current)
        if plan.says(data):
            return True
        if any(each.says(data) for each in earlier):
            return changed < plan.end
        if now >= plan.end or not data:  # nothing is not on the way to anything: a zone without DS is insecure
            return False
        begins = [members(before), *(each.tracked for each in earlier)]
        return any(old & plan.tracked <= data <= old | plan.tracked for old in begins)

    def _begun(self, question: str, time: int) -> list[Plan]:
        """By their start."""
        return [plan for plan in self._plans.get(question, ()) if plan.start <= time < plan.end + _KEPT]


def gives(plan: Plan, data: Iterable[str]) -> bool:
    """Whether an answer has the planned data."""
    given = frozenset(map(plain, data))
    return plan.alias in given if plan.alias else given == plan.data


def in_words(plan: Plan) -> str:
    """``change CHG-12 says 192.0.2.9``."""
    alias = f"CNAME {plan.alias}" if plan.alias else "that there is none"
    return f"change {plan.change} says {SEPARATOR.join(sorted(plan.data)) or alias}"

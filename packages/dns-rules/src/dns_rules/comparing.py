"""What another rule pack would have said of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from .model import Incident

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What a responder would notice.
_NOTICED = ("rule", "severity", "owner", "title", "state", "since", "zones")


class Difference(Struct, frozen=True, kw_only=True):
    """One incident that only one of two packs pages, or that they page differently."""

    change: Literal["added", "removed", "changed"]
    zone: str
    before: Incident | None = None
    after: Incident | None = None
    fields: tuple[str, ...] = ()
    """For `changed`, what differs."""

    def __str__(self) -> str:
        """A line or two of a diff."""
        lines = []
        if self.before is not None:
            lines.append(f"- {_line(self.before)}")
        if self.after is not None:
            lines.append(f"+ {_line(self.after)}")
        return "\n".join(lines)


def compare(before: Iterable[Incident], after: Iterable[Incident]) -> list[Difference]:
    """The differences between what two packs paged of one recording, in the order of time.

    Incidents are the same where they are of one zone and overlap: with the same rule, or else with another one.
    """
    left, right = list(before), list(after)
    found: list[Difference] = []
    for same_rule in (True, False):
        for old in list(left):
            new = next((new for new in right if _is_same(old, new, same_rule=same_rule)), None)
            if new is None:
                continue
            left.remove(old)
            right.remove(new)
            fields = tuple(name for name in _NOTICED if getattr(old, name) != getattr(new, name))
            if fields:
                found.append(Difference(change="changed", zone=old.zone, before=old, after=new, fields=fields))
    found += [Difference(change="removed", zone=old.zone, before=old) for old in left]
    found += [Difference(change="added", zone=new.zone, after=new) for new in right]
    return sorted(found, key=lambda difference: (_incident(difference).since, difference.zone))


def _is_same(old: Incident, new: Incident, *, same_rule: bool) -> bool:
    overlaps = old.since <= new.updated and new.since <= old.updated
    return old.zone == new.zone and overlaps and (old.rule == new.rule) == same_rule


def _incident(difference: Difference) -> Incident:
    incident = difference.before or difference.after
    assert incident is not None
    return incident


def _line(incident: Incident) -> str:
    return f"{incident.since:%Y-%m-%d %H:%M:%S}Z {incident.severity:8} {incident.owner}: {incident.title}"

"""What a detector says of one part of a zone at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from dns_rules.model import Offender, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState


#: Later than anything is due.
NEVER = 1 << 62


class Condition(Struct, frozen=True, kw_only=True):
    """The content of a finding, before it has a life."""

    where: Offender
    what: str
    facts: dict[str, str]
    verdict: Verdict | None = None
    confidence: float = 1.0
    evidence: tuple[str, ...] = ()
    since: int | None = None
    """When it began, where the detector knows better than the moment of the evaluation."""
    news: bool = False
    """Something that a responder acts on is other than it was when this was told last."""


class Reading(NamedTuple):
    """All that one detector says of one zone.

    What is in `holds` is so. Of what is in neither set nothing is known: an active finding stays as it is.
    """

    holds: dict[str, Condition]
    cleared: frozenset[str]


def standing(state: ZoneState, rule: Rule) -> set[str]:
    """The keys of a rule's active findings."""
    if not state.active:
        return set()  # by far the commonest case
    head = f"{rule.id}\t"
    return {key.removeprefix(head) for key in state.active if key.startswith(head)}


if TYPE_CHECKING:
    #: Zone state, the rule, the zone's inventory entry, and the evaluated time (microseconds).
    Detect = Callable[["ZoneState", "Rule", "Zone", int], "Reading"]

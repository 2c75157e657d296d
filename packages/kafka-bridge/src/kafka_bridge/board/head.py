"""The head of every page: how all that is chosen is, in one word and a few figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .questions import executive as ask
from .questions import incidents

if TYPE_CHECKING:
    from .asking import Reading


class Head(Struct, frozen=True, kw_only=True):
    """Zones by status, and what is open; drills are counted apart."""

    statuses: dict[str, int]
    firing: int
    drills: int
    pending: int

    @property
    def watched(self) -> int:
        """How many zones there are."""
        return sum(self.statuses.values())

    @property
    def healthy(self) -> int:
        """How many of them are."""
        return self.statuses.get("healthy", 0)

    @property
    def overall(self) -> str:
        """The worst of all; ``unknown`` where not one zone was judged."""
        if self.firing or "unhealthy" in self.statuses:
            return "unhealthy"
        if self.drills or "at_risk" in self.statuses:
            return "at_risk"
        return "healthy" if self.healthy and self.healthy == self.watched else "unknown"


def read(reading: Reading) -> Head:
    """As it is now."""
    (opened,) = reading.rows(incidents.opened(scoped=reading.choice.scoped))
    return Head(statuses={row["status"]: row["zones"] for row in reading.rows(ask.STATUSES)}, **opened)

"""Who answers what to one question, and whether they may still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from .state import Latest

Verdict = Literal["current", "in_window", "overdue", "stale_served", "lagging_server", "split", "rogue"]


class Voice(NamedTuple):
    """What one region's resolver says, and whether it may still."""

    verdict: Verdict
    until: int | None
    """Until when it may, in microseconds since 1970."""
    server: str
    latest: Latest


class Spread(NamedTuple):
    """The answers to one question, where there is more than one."""

    reference: str
    """The fingerprint of what all should give."""
    data: tuple[str, ...]
    share: float | None
    """Of the regions that give it; ``None`` for fewer than two."""
    regions: dict[str, Voice]
    lagging: dict[str, tuple[Latest, ...]]
    """Authoritative servers that give another answer from wherever they are asked."""
    servers: int
    """How many authoritative servers answered."""

    @property
    def converges(self) -> int | None:
        """When the last region that may still give the old answer must give the new one."""
        return max((v.until for v in self.regions.values() if v.verdict == "in_window" and v.until), default=None)

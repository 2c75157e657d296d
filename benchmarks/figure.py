"""One row of the table."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """Ours and what stands beside it, in the same unit."""

    what: str
    ours: float
    beside: str
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs

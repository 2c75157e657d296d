"""Findings on their way to the correlation."""

from __future__ import annotations

from typing import NamedTuple


class Batch(NamedTuple):
    """Findings that come together, of one fault."""

    fault: str
    began: float
    """When these zones began to fail, on average."""
    number: int
    pages: int
    cleared: bool = False
    """Whether they say that it is over: they cost as much, and page nobody."""

    def split(self, most: int) -> tuple[Batch, Batch | None]:
        """So many of them, with their share of the pages; and the rest, where there is one."""
        part = min(self.number, most)
        pages = self.pages * part // self.number
        rest = self._replace(number=self.number - part, pages=self.pages - pages) if part < self.number else None
        return self._replace(number=part, pages=pages), rest

"""What is known of each fault: whom it hit, who was told of it, and when."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from .outcome import Fault

if TYPE_CHECKING:
    from .batch import Batch


class Ledger:
    """Faults by name, and pages by minute."""

    def __init__(self) -> None:
        self._zones: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._paged: Counter[str] = Counter()
        self._delays: dict[str, list[float]] = defaultdict(list)
        self._pages: Counter[int] = Counter()

    def hit(self, fault: str, zones: int) -> None:
        """So many more zones have trouble of which there will be an incident."""
        self._zones[fault] += zones

    def zones(self, fault: str) -> int:
        """That it has hit so far."""
        return self._zones[fault]

    def tell(self, batch: Batch, now: float) -> None:
        """There are incidents of these findings."""
        self._pages[int(now // 60)] += batch.pages
        self._told[batch.fault] += batch.number
        self._paged[batch.fault] += batch.pages
        self._delays[batch.fault].extend([now - batch.began] * max(1, batch.number // 50))

    @property
    def pages(self) -> dict[int, int]:
        """By minute."""
        return dict(self._pages)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """By name."""
        return tuple(
            Fault(name, zones, self._told[name], tuple(self._delays[name]), self._paged[name])
            for name, zones in sorted(self._zones.items())
        )

"""What is assumed, not measured."""

from __future__ import annotations

import math

from msgspec import Struct

#: How long things are kept, in days, as the bridge has it unless told otherwise.
RAW_DAYS, ENRICHED_DAYS, MINUTES_DAYS, HOURS_DAYS, DAYS_DAYS = 1, 7, 7, 90, 1100


class Ground(Struct, frozen=True, kw_only=True):
    """What is assumed of machines and people."""

    cores: int = 16
    memory: float = 64e9
    busy: float = 0.6
    """Share of a core that is planned with: the rest is for bursts and for catching up."""
    copies: int = 3
    """Of each message, on brokers of their own."""
    broker_disk: float = 4e12
    database_cores: int = 64
    database_disk: float = 20e12
    database_wal: float = 300e6
    """Bytes a second that one PostgreSQL writes for good, checkpoints and standby with it."""
    provider: float = 0.08
    """Share of zones that one provider has: they fail together."""
    parent: float = 0.30
    """Share of zones under one TLD: so do they."""
    patience: float = 60.0
    """Seconds within which the correlation is through with such a fault."""
    query: float = 2.0
    """Seconds that somebody waits for a panel."""

    def machines(self, cores: float) -> int:
        """That so many cores take, one at least."""
        return _whole(cores, self.cores, self.busy)

    def databases(self, cores: float, disk: float) -> int:
        """Machines of PostgreSQL, one at least."""
        return max(_whole(cores, self.database_cores, self.busy), math.ceil(disk / self.database_disk))


def _whole(cores: float, of: int, busy: float) -> int:
    return max(1, math.ceil(cores / (of * busy)))

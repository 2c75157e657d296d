"""What is simulated."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from benchmarks.capacity.model.load import Load
from benchmarks.capacity.times import DAY, HOUR

Engine = Literal["group", "flink"]


class Setting(Struct, frozen=True, kw_only=True):
    """What is simulated. Times are seconds from the beginning of the week, a Monday at midnight UTC."""

    load: Load = Load(zones=1_000_000, interval=300.0)
    engine: Engine = "group"
    members: int = 120
    """Workers of the group, or slots of Flink."""
    together: bool = True
    """Zones of one owner that fail for one cause are one incident; else each is one for itself, as where each has
    another owner."""
    seed: int = 7
    # What happens.
    wave: float = 0.15
    """By how much of its mean the load goes up by day and down by night: what is seen passively."""
    zone_faults: float = 1.0
    """Of a zone in a year, of its own, each for half an hour."""
    dark: tuple[float, float] = (1 * DAY + 9 * HOUR, 1800.0)
    """One region's probes have no network: from when, and for how long; what they kept comes at once."""
    provider: tuple[float, float, float] = (2 * DAY + 14 * HOUR, 7200.0, 0.08)
    """A provider is out: from when, for how long, and for which share of zones."""
    death: float = 3 * DAY + 11 * HOUR
    """A member dies."""
    parent: tuple[float, float, float] = (4 * DAY + 16 * HOUR, 2400.0, 0.30)
    """A TLD fails: from when, for how long, and for which share of zones."""
    parent_ttl: float = 3600.0
    """Seconds for which resolvers know a delegation: a TLD's fault is seen as it runs out."""
    pause: tuple[float, float] = (5 * DAY + 10 * HOUR, 120.0)
    """The database takes nothing."""
    # What is assumed of the rules and the engines.
    window: float = 300.0
    """Of the rule, for zones of no special importance."""
    lateness: float = 10.0
    hold: float = 15.0
    joins: float = 1800.0
    """Seconds for which zones join an incident of their parent."""
    share: float = 0.9
    """Of the window that must have failed."""
    turn: float = 1.0
    """Seconds from one turn of the correlation to the next."""
    session: float = 10.0
    """Until the group sees that a member is gone."""
    flink_cost: float = 2.0
    """Times the pure step, of the judgement on Flink: Python and Java, as `./dev bench --only flink` has it."""
    flink_restart: float = 60.0
    """Assumed, not measured: until the job goes on from its checkpoint, which is half a minute old on average."""

    def paused(self, time: float) -> bool:
        """Whether the database takes nothing then."""
        start, length = self.pause
        return start <= time < start + length

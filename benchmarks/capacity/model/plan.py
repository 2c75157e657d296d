"""All that one load needs in one mode."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .limits import Limit, limits
from .load import Load
from .mode import Mode
from .needs import Need, needs
from .states import state
from .workers import judging_cores, partitions, processes, worker_cores

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .ground import Ground


class Plan(Struct, frozen=True):
    """All of one load in one mode."""

    mode: Mode
    load: Load
    rate: float
    """Events a second."""
    workers: int | None
    """Judging processes of one core; ``None`` where that is not measured."""
    partitions: int
    """Of `dns.normalized`; 0 without Kafka."""
    state: float
    """Bytes of all zones' states."""
    needs: tuple[Need, ...]
    limits: tuple[Limit, ...]
    """The first to be reached first."""

    @property
    def cores(self) -> float | None:
        """Of all parts that were measured; ``None`` where one was not."""
        known = [need.cores for need in self.needs if need.cores is not None]
        return sum(known) if len(known) == len(self.needs) else None

    @property
    def machines(self) -> int | None:
        """Of all parts."""
        known = [need.machines for need in self.needs if need.machines is not None]
        return sum(known) if len(known) == len(self.needs) else None

    @property
    def holds(self) -> bool:
        """Whether nothing has reached its limit."""
        return all(limit.use <= limit.most for limit in self.limits)


def plan(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> Plan:
    """Everything that a load needs in a mode."""
    judging = judging_cores(load, figures, mode)
    workers = None if judging is None else processes(judging, ground)
    # Where Flink's own cost is not measured, partitions are as many as a group would have.
    sharing = workers or processes(worker_cores(load, figures), ground)
    return Plan(
        mode=mode,
        load=load,
        rate=load.rate,
        workers=workers,
        partitions=0 if mode == "embedded" else partitions(sharing),
        state=load.zones * state(load, figures),
        needs=tuple(needs(load, figures, ground, mode)),
        limits=tuple(limits(load, figures, ground, mode)),
    )

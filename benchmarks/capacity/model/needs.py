"""What each part needs, from the probes to the archive."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

from benchmarks.capacity.times import DAY

from .kafka import broker_cores, brokers, topics_disk
from .postgres import database, database_disk
from .states import state
from .workers import judging_cores, worker_cores

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .ground import Ground
    from .load import Load
    from .mode import Mode


class Need(Struct, frozen=True):
    """What one part needs."""

    part: str
    cores: float | None
    """Spent, all the time; ``None`` where its cost is not measured."""
    memory: float = 0.0
    """Bytes."""
    disk: float = 0.0
    """Bytes."""
    machines: int | None = 0
    """``None`` where the cores are; 0 where it is a guest of another part's."""


def needs(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> list[Need]:
    """In the order in which an event meets them."""
    ends = [_postgres(load, figures, ground, mode), _archive(load, figures)]
    if mode == "embedded":
        held = load.zones * figures["state_memory"]
        return [_probes(load, figures, ground), Need("bridge", worker_cores(load, figures), held, 0.0, 1), *ends]
    begins = [_probes(load, figures, ground), _kafka(load, figures, ground), _normalize(load, figures, ground)]
    if mode == "group":
        return [*begins, _workers(load, figures, ground), *ends]
    return [*begins, _flink(load, figures, ground), _store(load, figures, ground), *ends]


def _probes(load: Load, figures: Coefficients, ground: Ground) -> Need:
    cores = load.rate * figures["edge_cpu"]
    memory = load.zones * load.asked * figures["edge_memory"]
    return Need("probes", cores, memory, 0.0, max(load.regions, ground.machines(cores)))


def _kafka(load: Load, figures: Coefficients, ground: Ground) -> Need:
    cores, disk = broker_cores(load, figures, ground), topics_disk(load, figures, ground)
    return Need("Kafka", cores, 0.0, disk, brokers(load, figures, ground))


def _normalize(load: Load, figures: Coefficients, ground: Ground) -> Need:
    cores = load.rate * figures["normalize_cpu"]
    return Need("normalize", cores, 0.0, 0.0, ground.machines(cores))


def _workers(load: Load, figures: Coefficients, ground: Ground) -> Need:
    cores, held = worker_cores(load, figures), load.zones * figures["state_memory"]
    machines = max(ground.machines(cores), math.ceil(held / ground.memory))
    return Need("judge and store", cores, held, 0.0, machines)


def _flink(load: Load, figures: Coefficients, ground: Ground) -> Need:
    cores = judging_cores(load, figures, "flink")
    machines = None if cores is None else ground.machines(cores)
    return Need("Flink", cores, 0.0, load.zones * state(load, figures), machines)


def _store(load: Load, figures: Coefficients, ground: Ground) -> Need:
    """Beside Flink, which only judges."""
    cores = load.rate * max(0.0, figures["worker_event"] - figures["judge_cpu"])
    return Need("store", cores, 0.0, 0.0, ground.machines(cores))


def _postgres(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> Need:
    cores, _ = database(load, figures, mode)
    disk = database_disk(load, figures, mode)
    return Need("PostgreSQL", cores, 0.0, disk, 0 if mode == "embedded" else ground.databases(cores, disk))


def _archive(load: Load, figures: Coefficients) -> Need:
    disk = load.rate * DAY * figures["archive_bytes"]
    return Need("archive, a day", load.rate * figures["archive_cpu"], 0.0, disk, 0)

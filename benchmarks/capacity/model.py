"""From a load to machines, partitions, bytes and cores, and to what breaks first. Pure: figures in, figures out.

What was measured comes as `Coefficients`; what is assumed stands in `Ground`, and can be set. Everything but the
correlation of faults grows in a straight line with the zones, and what was measured on few is drawn on.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from .coefficients import Coefficients

Mode = Literal["embedded", "group", "flink"]
MODES: tuple[Mode, ...] = ("embedded", "group", "flink")

DAY = 86400.0
#: Seconds of one step of the rules, and of the half hour within which most rules look.
STEP, WINDOW = 5.0, 1800.0
#: How long things are kept, in days, as the bridge has it unless told otherwise.
RAW_DAYS, ENRICHED_DAYS, MINUTES_DAYS, HOURS_DAYS, DAYS_DAYS = 1, 7, 7, 90, 1100
#: Regions of the measurement of `hour_bytes`.
_MEASURED_REGIONS = 3
_ROLES = 2
_SLOW = "panel, the worst zones (slow)"


class Load(Struct, frozen=True, kw_only=True):
    """What is watched."""

    zones: int
    questions: int = 1
    """Names and types of each zone."""
    regions: int = 3
    servers: int = 2
    """Addresses of each zone's name servers, each asked from each region."""
    resolvers: int = 1
    """Of each region."""
    interval: float = 60.0
    """Seconds between two askings of a question at a vantage."""
    teams: int = 1000
    """Owners: zones of one owner that fail for one cause are one incident."""

    @property
    def vantages(self) -> int:
        """From where each question is asked."""
        return self.regions * (self.servers + self.resolvers)

    @property
    def asked(self) -> int:
        """Questions of one zone in an interval."""
        return self.questions * self.vantages

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.zones * self.asked / self.interval


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


class Limit(Struct, frozen=True):
    """How near one part is to where it stops being right."""

    part: str
    use: float
    most: float
    unit: str
    breaks: bool
    """Whether something stops being right there; else it is only slow."""
    zones: float
    """Of a load that is like this one but for the zones, those at which it is reached."""


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
    judging = None if mode == "flink" else worker_cores(load, figures)
    if mode == "flink" and figures.has("flink_judge_cpu"):
        judging = load.rate * figures["flink_judge_cpu"]
    workers = None if judging is None else max(1, math.ceil(judging / ground.busy))
    return Plan(
        mode=mode,
        load=load,
        rate=load.rate,
        workers=workers,
        # Two for each worker, so that one that is gone is shared by many; and a round number, for it seldom changes.
        partitions=0 if mode == "embedded" else _round(2 * (workers or _group_workers(load, figures, ground))),
        state=load.zones * state(load, figures),
        needs=tuple(_needs(load, figures, ground, mode, judging)),
        limits=tuple(sorted(_limits(load, figures, ground, mode), key=lambda limit: limit.zones)),
    )


def state(load: Load, figures: Coefficients) -> float:
    """Bytes of one zone's state, as it is written: of its questions, and of what they brought in half an hour.

    Two answers within a step of the rules are one sample.
    """
    return load.asked * figures["state_question"] + samples(load) * figures["state_sample"]


def samples(load: Load) -> float:
    """Of a zone, in half an hour."""
    return min(WINDOW / STEP, load.asked * WINDOW / load.interval)


def writes(load: Load, figures: Coefficients) -> float:
    """States that are written a second: each step's, and those of zones that events came of (a batch a second)."""
    return load.zones * (figures["step_writes"] / STEP + min(1.0, load.asked / load.interval))


def worker_cores(load: Load, figures: Coefficients) -> float:
    """Cores that judging and storing take of the workers, PostgreSQL not with them."""
    return load.rate * figures["worker_event"] + _states(load, figures, "worker")


def database(load: Load, figures: Coefficients, mode: Mode) -> tuple[float, float]:
    """Cores of PostgreSQL, and bytes of WAL a second.

    On Flink the states are not in it; embedded, what comes in is written to it first.
    """
    processor, wal = load.rate * figures["postgres_event"], load.rate * figures["wal_event"]
    if mode != "flink":
        processor += _states(load, figures, "postgres")
        wal += _states(load, figures, "wal")
    if mode == "embedded":
        wal += load.rate * figures["normalized_plain"]
    return processor, wal


def _states(load: Load, figures: Coefficients, of: str) -> float:
    """What is spent each second on states that are written."""
    each = figures[f"{of}_write"] + state(load, figures) * figures[f"{of}_byte"]
    return writes(load, figures) * each


def database_disk(load: Load, figures: Coefficients, mode: Mode) -> float:
    """Bytes of the store, with everything kept as long as the bridge keeps it unless told otherwise."""
    asked_minutes = min(1440.0, DAY / load.interval)
    groups = load.regions * _ROLES
    in_group = load.questions * max(load.servers, load.resolvers)
    minutes = (
        load.asked * asked_minutes * figures["row_observation_minute"]
        + load.asked * asked_minutes * figures["latency_rows"] * figures["row_latency_minute"]
        + groups * min(1440.0, DAY / load.interval * in_group) * figures["row_zone_minute_closed"]
        + 1440.0 * figures["row_zone_health_minute"]
    )
    hours = figures["hour_bytes"] * load.regions / _MEASURED_REGIONS
    kept = MINUTES_DAYS * minutes + HOURS_DAYS * hours + DAYS_DAYS * hours / 24
    now = load.asked * figures["row_answer_current"] + load.asked / load.interval * 3600 * figures["row_seen_event"]
    own = 0.0 if mode == "flink" else state(load, figures)
    raw = load.asked / load.interval * DAY * RAW_DAYS * figures["normalized_plain"] if mode == "embedded" else 0.0
    return load.zones * (kept + now + own + raw)


def topics_disk(load: Load, figures: Coefficients, ground: Ground) -> float:
    """Bytes of all brokers' logs."""
    kept = RAW_DAYS * (figures["raw_bytes"] + figures["normalized_bytes"]) + ENRICHED_DAYS * figures["enriched_bytes"]
    return load.rate * DAY * kept * ground.copies


def correlation(findings: float, figures: Coefficients, *, teams: int = 0) -> float:
    """CPU seconds until the correlation is through with so many findings of one fault.

    Args:
        findings: one of each zone.
        figures: that were measured.
        teams: that own the zones, where they share the cause; 0 where each is an incident of its own.
    """
    incidents = min(findings, teams) if teams else findings
    joined = findings / incidents if incidents else 0.0
    # They open one after the other, so that half of them are open on average; later ones find all of them open.
    opened = incidents - incidents**2 / (2 * findings) if findings else 0.0
    each = figures["correlate_cpu"] + opened * figures["correlate_open"]
    return findings * (each + (joined / 2 * figures["correlate_joined"] if teams else 0.0))


def _group_workers(load: Load, figures: Coefficients, ground: Ground) -> int:
    """Where Flink's own cost is not measured, partitions are as many as a group would have."""
    return max(1, math.ceil(worker_cores(load, figures) / ground.busy))


def _needs(load: Load, figures: Coefficients, ground: Ground, mode: Mode, judging: float | None) -> list[Need]:
    edge = load.rate * figures["edge_cpu"]
    questions = load.zones * load.asked
    found = [
        Need(
            "probes", edge, questions * figures["edge_memory"], 0.0,
            max(load.regions, _machines(edge, ground.cores, ground)),
        )
    ]  # fmt: skip
    held = load.zones * figures["state_memory"]
    processor, _ = database(load, figures, mode)
    disk = database_disk(load, figures, mode)
    archive = Need(
        "archive, a day", load.rate * figures["archive_cpu"], 0.0, load.rate * DAY * figures["archive_bytes"], 0
    )
    if mode == "embedded":
        return [*found, Need("bridge", judging, held, 0.0, 1), Need("PostgreSQL", processor, 0.0, disk, 0), archive]
    brokers = load.rate * figures["broker_cpu"] * ground.copies
    log = topics_disk(load, figures, ground)
    normalize = load.rate * figures["normalize_cpu"]
    least = ground.copies if load.rate else 1
    kafka = max(least, _machines(brokers, ground.cores, ground), math.ceil(log / ground.broker_disk))
    found += [
        Need("Kafka", brokers, 0.0, log, kafka),
        Need("normalize", normalize, 0.0, 0.0, _machines(normalize, ground.cores, ground)),
    ]
    databases = max(1, _machines(processor, ground.database_cores, ground), math.ceil(disk / ground.database_disk))
    if mode == "group":
        assert judging is not None
        machines = max(_machines(judging, ground.cores, ground), math.ceil(held / ground.memory))
        found.append(Need("judge and store", judging, held, 0.0, machines))
    else:
        slots = None if judging is None else _machines(judging, ground.cores, ground)
        found.append(Need("Flink", judging, 0.0, load.zones * state(load, figures), slots))
        store = load.rate * max(0.0, figures["worker_event"] - figures["judge_cpu"])
        found.append(Need("store", store, 0.0, 0.0, _machines(store, ground.cores, ground)))
    return [*found, Need("PostgreSQL", processor, 0.0, disk, databases), archive]


def _limits(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> list[Limit]:
    uses = _uses(load, figures, ground, mode)
    found = []
    for part, (use, most, unit) in uses.items():

        def over(zones: float, part: str = part, most: float = most) -> bool:
            like = Load(**{name: getattr(load, name) for name in load.__struct_fields__} | {"zones": zones})
            return _uses(like, figures, ground, mode)[part][0] > most

        found.append(Limit(part, use, most, unit, part != _SLOW, _reached(over)))
    return found


def _uses(load: Load, figures: Coefficients, ground: Ground, mode: Mode) -> dict[str, tuple[float, float, str]]:
    """What is used of what cannot be had twice, its most, and the unit."""
    processor, wal = database(load, figures, mode)
    parent = correlation(ground.parent * load.zones, figures, teams=load.teams)
    alone = correlation(ground.provider * load.zones, figures)
    provider = correlation(ground.provider * load.zones, figures, teams=load.teams)
    found = {
        "PostgreSQL, WAL": (wal / 1e6, ground.database_wal / 1e6, "MB/s"),
        "PostgreSQL, disk": (database_disk(load, figures, mode) / 1e12, ground.database_disk / 1e12, "TB"),
        "PostgreSQL, cores": (processor, ground.database_cores * ground.busy, "cores"),
        "correlate, a TLD fails": (parent, ground.patience, "s"),
        "correlate, a provider fails": (provider, ground.patience, "s"),
        "correlate, a provider fails, each zone for itself": (alone, ground.patience, "s"),
        _SLOW: (load.zones * figures["query_worst"], ground.query, "s"),
    }
    if mode == "embedded":
        # One thread judges, on the one core that Python gives it.
        found["judge, one core"] = (worker_cores(load, figures), ground.busy, "cores")
        found["memory"] = (load.zones * figures["state_memory"] / 1e9, ground.memory / 1e9, "GB")
    return found


def _reached(over: Callable[[float], bool]) -> float:
    """The number at which it begins to be so, to a thousandth; everything here only grows."""
    low, high = 1.0, 1e12
    while high / low > 1.001:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if over(middle) else (middle, high)
    return low


def _machines(cores: float, of: int, ground: Ground) -> int:
    return max(1, math.ceil(cores / (of * ground.busy)))


def _round(number: int) -> int:
    """The next of 4, 6, 8, 12, 16, 24, 32, …: halves of it are whole."""
    size = 4
    while size < number:
        size = size * 3 // 2 if size & (size - 1) == 0 else size * 4 // 3
    return size

"""What PostgreSQL does and holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.capacity.times import DAY

from .ground import DAYS_DAYS, HOURS_DAYS, MINUTES_DAYS, RAW_DAYS
from .states import state, written

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .load import Load
    from .mode import Mode

#: Regions of the measurement of `hour_bytes`.
_MEASURED_REGIONS = 3
_ROLES = 2


def database(load: Load, figures: Coefficients, mode: Mode) -> tuple[float, float]:
    """Cores of PostgreSQL, and bytes of WAL a second.

    On Flink the states are not in it; embedded, what comes in is written to it first.
    """
    processor, wal = load.rate * figures["postgres_event"], load.rate * figures["wal_event"]
    if mode != "flink":
        processor += written(load, figures, "postgres")
        wal += written(load, figures, "wal")
    if mode == "embedded":
        wal += load.rate * figures["normalized_plain"]
    return processor, wal


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

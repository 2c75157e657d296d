"""What Kafka's brokers do and hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.capacity.times import DAY

from .ground import ENRICHED_DAYS, RAW_DAYS

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .ground import Ground
    from .load import Load


def broker_cores(load: Load, figures: Coefficients, ground: Ground) -> float:
    """Of all brokers: each copy costs as much as the first."""
    return load.rate * figures["broker_cpu"] * ground.copies


def topics_disk(load: Load, figures: Coefficients, ground: Ground) -> float:
    """Bytes of all brokers' logs."""
    kept = RAW_DAYS * (figures["raw_bytes"] + figures["normalized_bytes"]) + ENRICHED_DAYS * figures["enriched_bytes"]
    return load.rate * DAY * kept * ground.copies


def brokers(load: Load, figures: Coefficients, ground: Ground) -> int:
    """Machines, one for each copy at least."""
    least = ground.copies if load.rate else 1
    full = math.ceil(topics_disk(load, figures, ground) / ground.broker_disk)
    return max(least, ground.machines(broker_cores(load, figures, ground)), full)

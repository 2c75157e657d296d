"""Coefficients that are easy to reckon with."""

from __future__ import annotations

from benchmarks.capacity.coefficients import Coefficient, Coefficients

VALUES = {
    "edge_cpu": 20e-6, "edge_memory": 10_000, "raw_bytes": 100, "normalized_bytes": 200, "enriched_bytes": 300,
    "normalized_plain": 700, "normalize_cpu": 25e-6, "broker_cpu": 75e-6, "archive_bytes": 60, "archive_cpu": 40e-6,
    "judge_cpu": 100e-6, "tick_cpu": 4e-6, "step_writes": 1.0, "state_question": 500, "state_sample": 100,
    "state_memory": 100e3, "state_load": 200e-6, "worker_event": 200e-6,
    "worker_write": 0, "worker_byte": 10e-9,
    "postgres_event": 100e-6, "postgres_write": 0, "postgres_byte": 5e-9, "wal_event": 1000,
    "wal_write": 0, "wal_byte": 1.0,
    "row_observation_minute": 500, "row_latency_minute": 300, "row_zone_minute_closed": 300,
    "row_zone_health_minute": 400, "row_seen_event": 100, "row_answer_current": 700, "latency_rows": 1.0,
    "correlate_cpu": 100e-6, "correlate_open": 2e-6, "correlate_joined": 1e-6, "correlate_state": 2000,
    "correlate_dump": 3e-6, "query_zone": 0.02, "query_worst": 1e-6, "hour_bytes": 110_000,
}  # fmt: skip
FIGURES = Coefficients(
    machine="a test",
    measured="2026-11-27",
    figures={
        **{name: Coefficient(float(value), "s/event", "") for name, value in VALUES.items()},
        "flink_judge_cpu": Coefficient(None, "s/event", "nobody did"),
    },
)


def but(**changed: float) -> Coefficients:
    """The same, with some others."""
    more = {name: Coefficient(float(value), "s/event", "") for name, value in changed.items()}
    return Coefficients(machine="a test", measured="2026-11-27", figures={**FIGURES.figures, **more})

"""The topics by function, and what is promised of each."""

from __future__ import annotations

from typing import NamedTuple


class Topics(NamedTuple):
    """Names of the topics of one environment."""

    raw: str
    """OTLP, as the Collector's kafka exporter writes it: no key, many records in one message."""
    normalized: str
    """One event a message, by zone. Exactly once for who reads committed."""
    enriched: str
    """The event with what was known around it, by zone. At least once, with the event's id."""
    findings: str
    """In the order of their times, one partition. At least once, with the finding's id, state and time."""
    incidents: str
    """Every change of each, by id; compacted. At least once."""
    control: str
    """What a job on another engine is told: inventory, rules, deeds and the time; compacted, one partition."""
    deadletter: str
    """What could not be read, as it came."""


def topics(prefix: str = "") -> Topics:
    """The topics of the environment with this prefix."""
    return Topics(*(f"{prefix}dns.{field}" for field in Topics._fields))

"""What is written: measurements, their tags and fields, and what of the views each is read from.

docs/influxdb.md has the table of them. Nobody else knows their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from dns_rules.model import Severity

from kafka_bridge.store.columns import COUNTS

from .lines import Kind, line

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from typing import Any

#: What a minute's points follow from; each may change without the others.
Subject = Literal["counts", "health", "incidents"]
SUBJECTS: frozenset[Subject] = frozenset(get_args(Subject))


class Measurement(NamedTuple):
    """One measurement that is read row by row: minute, tags, fields."""

    name: str
    subject: Subject
    tags: tuple[str, ...]
    fields: tuple[tuple[str, Kind], ...]
    query: str

    def line(self, prefix: str, row: Sequence[Any]) -> bytes | None:
        """A row as a point."""
        minute, *rest = row
        values = rest[len(self.tags) :]
        return line(
            prefix + self.name,
            zip(self.tags, rest, strict=False),
            [(name, kind, value) for (name, kind), value in zip(self.fields, values, strict=True)],
            minute,
        )


_OUTCOMES: tuple[tuple[str, Kind], ...] = tuple((name, "integer") for name in ("total", "failed", *COUNTS))
_LATENCY: tuple[tuple[str, Kind], ...] = (("count", "integer"), ("p50", "float"), ("p95", "float"), ("p99", "float"))
_ZONE = ("zone", "region", "role")
_SERVER = (*_ZONE, "server")
_ESTATE = ("region", "role")
_HEALTH: tuple[tuple[str, Kind], ...] = (("status", "string"), ("score", "integer"), ("agreement", "float"))


def _counts(view: str, tags: tuple[str, ...]) -> str:
    sums = ", ".join(f"sum({name})::bigint" for name, _ in _OUTCOMES)
    key = ", ".join(("minute", *tags))
    return f"select {key}, {sums} from {view} where minute = any(%s) group by {key}"  # noqa: S608 - from below


def _quantiles(view: str, tags: tuple[str, ...]) -> str:
    columns = ", ".join(("minute", *tags, "count", *(f"{name}::float8" for name in ("p50", "p95", "p99"))))
    return f"select {columns} from {view} where minute = any(%s)"  # noqa: S608 - from below


#: v_server_minute, not v_zone_minute: what came late is there at once, in v_zone_minute after the next roll-up.
_ALWAYS = (
    Measurement("outcomes", "counts", _ZONE, _OUTCOMES, _counts("v_server_minute", _ZONE)),
    Measurement("latency", "counts", _ZONE, _LATENCY, _quantiles("v_latency_minute", _ZONE)),
    Measurement("estate", "counts", _ESTATE, _OUTCOMES, _counts("v_estate_minute", _ESTATE)),
    Measurement("estate_latency", "counts", _ESTATE, _LATENCY, _quantiles("v_latency_estate_minute", _ESTATE)),
    Measurement(
        "health", "health", ("zone",), _HEALTH,
        "select minute, zone, status, score, agreement from v_health_minute where minute = any(%s)",
    ),
)  # fmt: skip
_BY_SERVER = (
    Measurement("server_outcomes", "counts", _SERVER, _OUTCOMES, _counts("v_server_minute", _SERVER)),
    Measurement("server_latency", "counts", _SERVER, _LATENCY, _quantiles("v_latency_server_minute", _SERVER)),
)
_INCIDENTS = "incidents"
SEVERITIES: tuple[str, ...] = get_args(Severity)


def measurements(*, servers: bool) -> tuple[Measurement, ...]:
    """All that are read row by row."""
    return _ALWAYS + _BY_SERVER if servers else _ALWAYS


def incident_lines(prefix: str, minute: dt.datetime, count: Mapping[str, int]) -> list[bytes]:
    """Open incidents of a minute's end, a point for each severity: 0 is written too, so that a curve comes down."""
    made = (
        line(prefix + _INCIDENTS, [("severity", severity)], [("open", "integer", count.get(severity, 0))], minute)
        for severity in sorted({*SEVERITIES, *count})
    )
    return [one for one in made if one is not None]

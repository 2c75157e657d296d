"""What the page shows, read in one go."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from psycopg.rows import class_row, dict_row

if TYPE_CHECKING:
    from kafka_bridge.store.pool import Pool

#: Minutes that the charts reach back.
MINUTES = 60


class Zone(Struct, kw_only=True):
    """One row of v_zone_overview."""

    zone: str
    owner: str
    owner_name: str
    criticality: str
    status: str
    score: int | None
    reasons: list[str] | None
    agreement: float | None
    dnssec: str | None
    regions: dict[str, str] | None
    judged: dt.datetime | None
    last_minute: dt.datetime | None
    p50: float | None
    p95: float | None
    availability_hour: float | None
    availability_day: float | None
    questions: int | None
    firing: int


class Point(Struct, kw_only=True):
    """One minute of one zone."""

    zone: str
    minute: dt.datetime
    total: int
    failed: int
    bogus: int


class Latency(Struct, kw_only=True):
    """One minute of one region."""

    region: str
    minute: dt.datetime
    p50: float | None
    p95: float | None


class Region(Struct, kw_only=True):
    """One row of v_region."""

    region: str
    last_minute: dt.datetime
    questions: int
    answered: float | None


class Scene(Struct, kw_only=True):
    """All of one page."""

    now: dt.datetime
    zones: list[Zone]
    points: list[Point]
    latency: list[Latency]
    regions: list[Region]
    incidents: list[dict[str, Any]]
    resolved: list[dict[str, Any]]


def read(pool: Pool) -> Scene:
    """Everything, as of one moment."""
    with pool.connection() as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read read only")
        (now,) = connection.execute("select now()").fetchone() or (dt.datetime.now(dt.UTC),)
        with connection.cursor(row_factory=class_row(Zone)) as cursor:
            zones = cursor.execute(
                "select * from v_zone_overview order by firing desc, coalesce(score, 101), zone"
            ).fetchall()
        with connection.cursor(row_factory=class_row(Point)) as cursor:
            points = cursor.execute(
                "select zone, minute, sum(total)::bigint as total, sum(failed)::bigint as failed, "
                "sum(bogus)::bigint as bogus from v_zone_minute "
                "where minute > now() - %s * interval '1 minute' group by zone, minute order by minute",
                (MINUTES,),
            ).fetchall()
        with connection.cursor(row_factory=class_row(Latency)) as cursor:
            latency = cursor.execute(
                "select region, minute, histogram_quantile(histogram(bucket, count), 0.5) as p50, "
                "histogram_quantile(histogram(bucket, count), 0.95) as p95 from estate_latency_minute "
                "where minute > now() - %s * interval '1 minute' group by region, minute order by region, minute",
                (MINUTES,),
            ).fetchall()
        with connection.cursor(row_factory=class_row(Region)) as cursor:
            regions = cursor.execute("select * from v_region order by region").fetchall()
        return Scene(
            now=now,
            zones=zones,
            points=points,
            latency=latency,
            regions=regions,
            incidents=incidents(pool, ("firing", "pending")),
            resolved=incidents(pool, ("resolved",), most=5),
        )


def incidents(pool: Pool, states: tuple[str, ...], most: int = 50) -> list[dict[str, Any]]:
    """Incidents in these states, the gravest and newest first."""
    with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select body from incident where state = any(%s) order by state, "
            "array_position(array['critical', 'warning', 'info'], severity), updated desc limit %s",
            (list(states), most),
        ).fetchall()
    return [row["body"] for row in rows]


def as_json(value: object) -> bytes:
    """For the page's own small API."""
    return msgspec.json.encode(value)

"""TimescaleDB's own jobs: refresh, columnstore and retention as the configuration says, and whether they run."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]

_MINUTES = (
    "observation_minute", "latency_minute", "zone_health_minute", "traffic_minute", "estate_minute",
    "estate_latency_minute",
)  # fmt: skip
#: What is made from what, with how far behind the newest it may be and how often it is looked at.
_REFRESHED = {
    "zone_minute": (dt.timedelta(minutes=1), dt.timedelta(minutes=1)),
    "zone_hour": (dt.timedelta(hours=1), dt.timedelta(minutes=10)),
    "latency_hour": (dt.timedelta(hours=1), dt.timedelta(minutes=10)),
    "zone_day": (dt.timedelta(days=1), dt.timedelta(hours=1)),
    "latency_day": (dt.timedelta(days=1), dt.timedelta(hours=1)),
}


def set_policies(connection: Connection, keep: dict[str, dt.timedelta]) -> None:
    """Make the jobs as the configuration says; the same again changes nothing.

    Args:
        connection: with the schema in its search path.
        keep: for how long each level is kept: ``minute``, ``hour``, ``day`` and ``estate``.
    """
    for table in _MINUTES:
        level = "estate" if table.startswith("estate") else "minute"
        _retain(connection, table, keep[level])
    for table in ("observation_minute", "latency_minute"):
        _once(connection, "add_columnstore_policy", table, after=dt.timedelta(days=1))
    for view, (end, every) in _REFRESHED.items():
        level = view.rpartition("_")[2]
        below = keep["minute" if level in {"minute", "hour"} else "hour"]
        # Never over what retention took from below: it would be refreshed to nothing.
        start = max(below - dt.timedelta(days=1), below / 2)
        connection.execute("select remove_continuous_aggregate_policy(%s, if_exists => true)", (view,))
        connection.execute(
            "select add_continuous_aggregate_policy(%s, start_offset => %s, end_offset => %s, schedule_interval => %s)",
            (view, start, end, every),
        )
        if level != "minute":
            _once(connection, "add_columnstore_policy", view, after=start + 2 * end)
        _retain(connection, view, keep[level])


def troubles(connection: Connection) -> list[str]:
    """Jobs of ours that fail, a sentence each (``timescaledb_information.job_stats``)."""
    rows = connection.execute(
        "select j.job_id, j.proc_name, coalesce(j.hypertable_name, ''), s.last_run_status, s.total_failures, "
        "(select e.err_message from timescaledb_information.job_errors e "
        "where e.job_id = j.job_id order by e.finish_time desc limit 1) "
        "from timescaledb_information.jobs j left join timescaledb_information.job_stats s using (job_id) "
        "where s.job_id is not null and (j.hypertable_schema = current_schema() "
        "or j.hypertable_schema like '\\_timescaledb%') "
        "order by 1"
    ).fetchall()
    return [
        f"job {id_} ({procedure} on {table}) fails, {failures} times so far: {error or 'no message'}"
        for id_, procedure, table, status, failures, error in rows
        if status == "Failed"
    ]


def _retain(connection: Connection, table: str, after: dt.timedelta) -> None:
    connection.execute("select remove_retention_policy(%s, if_exists => true)", (table,))
    connection.execute("select add_retention_policy(%s, drop_after => %s::interval)", (table, after))


def _once(connection: Connection, policy: str, table: str, **options: dt.timedelta) -> None:
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.SQL(key), sql.Literal(value)) for key, value in options.items()
    )
    connection.execute(
        sql.SQL("call {}({}, {}, if_not_exists => true)").format(sql.SQL(policy), sql.Literal(table), named)
    )

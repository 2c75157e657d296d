"""Roll-ups on plain PostgreSQL: minutes, hours and days are closed once they are past, and again where one came late.

Workers write the lowest level only. Its end of life is the level `minute` by zone, from that `hour`, from that `day`.
What a level closes is added to the bucket of the level above that is still open; the views add the rest, which is
little, so that nobody waits for this.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import sql

from .columns import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg

    from .pool import Pool

    Connection = psycopg.Connection[tuple[Any, ...]]

#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_707A
#: Late ones in one transaction.
_LATE = 2000


class Roll(NamedTuple):
    """One table made from one below."""

    table: str
    column: str
    below: str
    below_column: str
    key: tuple[str, ...]
    values: tuple[str, ...]


class Level(NamedTuple):
    """A step of the ladder."""

    name: str
    width: dt.timedelta
    lag: dt.timedelta
    """A bucket is closed once it is past for so long."""
    rolls: tuple[Roll, ...]


_KEY = ("region", "role")
LEVELS = (
    Level(
        "minute", dt.timedelta(minutes=1), dt.timedelta(minutes=1),
        (Roll("zone_minute_closed", "minute", "observation_minute", "minute", _KEY, COUNTS),),
    ),
    Level(
        "hour", dt.timedelta(hours=1), dt.timedelta(minutes=5),
        (
            Roll("zone_hour_closed", "hour", "zone_minute_closed", "minute", _KEY, COUNTS),
            Roll("latency_hour_closed", "hour", "latency_minute", "minute", (*_KEY, "bucket"), ("count",)),
        ),
    ),
    Level(
        "day", dt.timedelta(days=1), dt.timedelta(hours=1),
        (
            Roll("zone_day_closed", "day", "zone_hour_closed", "hour", _KEY, COUNTS),
            Roll("latency_day_closed", "day", "latency_hour_closed", "hour", (*_KEY, "bucket"), ("count",)),
        ),
    ),
)  # fmt: skip
_ORIGIN = dt.datetime(2000, 1, 3, tzinfo=dt.UTC)


def roll_up(pool: Pool, now: dt.datetime, *, keep: dict[str, dt.timedelta]) -> None:
    """Close what is past, level by level, and do late buckets again.

    Args:
        pool: connections to the store.
        now: the time it is.
        keep: for how long each level's source is kept: what is older is not made anew from what is left of it.
    """
    below: dt.datetime | None = None
    for number, level in enumerate(LEVELS):
        above = LEVELS[number + 1] if number + 1 < len(LEVELS) else None
        with pool.connection() as connection:
            closed = _close(connection, level, above, _floor(now - level.lag, level.width))
            while _late(connection, level, above, now - keep[level.name], below):
                pass
        below = closed


def reopen(connection: Connection) -> None:
    """Make the open buckets anew from what is closed below them. The caller holds the transaction."""
    connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    closed: dict[str, dt.datetime] = dict(connection.execute("select level, closed from rollup").fetchall())
    for level, above in pairwise(LEVELS):
        for roll in above.rolls:
            _sum_up(connection, roll, above, closed[above.name], closed[level.name], _replace)


def note_late(cursor: psycopg.Cursor[Any], buckets: set[tuple[dt.datetime, str]]) -> None:
    """Have a worker's batch say which minutes it wrote that are closed already. The caller holds the transaction.

    Args:
        cursor: of the transaction.
        buckets: minutes and zones that were written.
    """
    # Held until the commit: nothing is closed over what is not committed yet. An advisory lock has a queue, so that
    # whoever closes gets its turn among many workers; a row's share lock has none.
    cursor.execute("select pg_advisory_xact_lock_shared(%s)", (_LOCK,))
    cursor.execute("select closing from rollup where level = 'minute'")
    row = cursor.fetchone()
    if row is None:
        return
    late = sorted((minute, zone) for minute, zone in buckets if minute < row[0])
    if late:
        cursor.execute(
            "insert into rollup_late (level, bucket, zone) select 'minute', bucket, zone "
            "from unnest(%s::timestamptz[], %s::text[]) as late (bucket, zone) "
            # Updated even where it is there, because whoever is doing it now has to wait for this batch.
            "on conflict (level, bucket, zone) do update set noted = excluded.noted",
            ([minute for minute, _ in late], [zone for _, zone in late]),
        )


def _close(connection: Connection, level: Level, above: Level | None, until: dt.datetime) -> dt.datetime:
    """Close what is past; returns up to when the level is closed."""
    row = connection.execute("select closed from rollup where level = %s", (level.name,)).fetchone()
    assert row is not None
    since: dt.datetime = row[0]
    if until <= since:
        return since
    # First the word, which waits for the batches at hand; then the work, for which nobody waits.
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("update rollup set closing = %s where level = %s", (until, level.name))
    with connection.transaction():
        for roll in level.rolls:
            _sum_up(connection, roll, level, since, until, _replace)
        if above is not None:
            for roll in above.rolls:
                _sum_up(connection, roll, above, since, until, _add)
        connection.execute("update rollup set closed = %s where level = %s", (until, level.name))
    return until


def _sum_up(
    connection: Connection,
    roll: Roll,
    level: Level,
    since: dt.datetime,
    until: dt.datetime,
    meet: Callable[[Roll], sql.Composed],
) -> None:
    connection.execute(
        sql.SQL("{} where {} >= %s and {} < %s group by 1, 2, {} {}").format(
            _select(roll, level), sql.Identifier(roll.below_column), sql.Identifier(roll.below_column),
            _names(roll.key), meet(roll),
        ),
        (since, until),
    )  # fmt: skip


def _late(
    connection: Connection, level: Level, above: Level | None, horizon: dt.datetime, below: dt.datetime | None
) -> int:
    """Make late buckets anew, as far as the level below is closed; returns how many there were."""
    with connection.transaction():
        rows = connection.execute(
            "delete from rollup_late where level = %s and (bucket, zone) in (select bucket, zone from rollup_late "
            "where level = %s order by bucket, zone limit %s) returning bucket, zone",
            (level.name, level.name, _LATE),
        ).fetchall()
        wanted = [(bucket, zone) for bucket, zone in rows if bucket >= horizon]
        if not wanted:
            return len(rows)
        values = (
            [bucket for bucket, _ in wanted],
            [bucket + level.width if below is None else min(bucket + level.width, below) for bucket, _ in wanted],
            [z for _, z in wanted],
        )
        for roll in level.rolls:
            connection.execute(
                sql.SQL(
                    "{} join unnest(%s::timestamptz[], %s::timestamptz[], %s::text[]) as late (since, until, named) "
                    "on zone = named and {} >= since and {} < until group by 1, 2, {} {}"
                ).format(
                    _select(roll, level), sql.Identifier(roll.below_column), sql.Identifier(roll.below_column),
                    _names(roll.key), _replace(roll),
                ),
                values,
            )  # fmt: skip
        if above is not None:
            connection.execute(
                "insert into rollup_late (level, bucket, zone) select distinct %s, "
                "date_bin(%s, bucket, %s), zone from unnest(%s::timestamptz[], %s::text[]) as late (bucket, zone) "
                "on conflict do nothing",
                (above.name, above.width, _ORIGIN, values[0], values[2]),
            )
    return len(rows)


def _select(roll: Roll, level: Level) -> sql.Composed:
    """Up to where the conditions follow."""
    sums = sql.SQL(", ").join(sql.SQL("sum({})::bigint").format(sql.Identifier(value)) for value in roll.values)
    return sql.SQL(
        "insert into {} as old ({}, zone, {}, {}) select date_bin({}, {}, {}), zone, {}, {} from {}"
    ).format(
        sql.Identifier(roll.table), sql.Identifier(roll.column), _names(roll.key), _names(roll.values),
        sql.Literal(level.width), sql.Identifier(roll.below_column), sql.Literal(_ORIGIN), _names(roll.key), sums,
        sql.Identifier(roll.below),
    )  # fmt: skip


def _replace(roll: Roll) -> sql.Composed:
    return _met(roll, sql.SQL("{0} = excluded.{0}"))


def _add(roll: Roll) -> sql.Composed:
    return _met(roll, sql.SQL("{0} = old.{0} + excluded.{0}"))


def _met(roll: Roll, each: sql.SQL) -> sql.Composed:
    return sql.SQL("on conflict (zone, {}, {}) do update set {}").format(
        sql.Identifier(roll.column), _names(roll.key),
        sql.SQL(", ").join(each.format(sql.Identifier(value)) for value in roll.values),
    )  # fmt: skip


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(name) for name in names)


def _floor(time: dt.datetime, width: dt.timedelta) -> dt.datetime:
    return time - (time - _ORIGIN) % width

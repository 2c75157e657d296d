"""Which minutes are still to be written, or to be written again.

For each minute the store keeps what it was when its points were written: how many observations the estate counted, a
digest of its health, how many incidents were open. What came late shows as a difference. Workers do nothing for this,
and a bridge without InfluxDB pays nothing for it.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple

from .incidents import Life, open_at_end
from .measurements import SUBJECTS, Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import psycopg

    from .delivery import Refusal

    Connection = psycopg.Connection[tuple[Any, ...]]

MINUTE = dt.timedelta(minutes=1)
#: A minute is written once it is past for so long.
_LAG = dt.timedelta(seconds=10)
#: A minute that still grows is written again no more often than that.
_AGAIN = dt.timedelta(seconds=30)
#: Health follows the counts, sometimes by a batch. It is compared once more: a while after it was written and when the
#: judgement has passed the minute, or this much later where one of its partitions stands still.
_AFTER = dt.timedelta(minutes=1)
_AT_LAST = dt.timedelta(hours=1)
#: Minutes whose health is compared in one look: it is a row for each zone.
_MOST = 240
#: What was refused is tried again.
_REFUSED_AGAIN = dt.timedelta(hours=1)


class State(NamedTuple):
    """What a minute is."""

    counted: int
    incidents: str
    health: int


class Row(NamedTuple):
    """What a minute was when it was written."""

    counted: int
    incidents: str
    refused: bool
    """Whether InfluxDB did not take something of it."""
    written: dt.datetime


def closed(now: dt.datetime) -> dt.datetime:
    """Before this moment minutes are past."""
    return (now - _LAG).replace(second=0, microsecond=0)


def differing(counted: int, incidents: str, row: Row | None, now: dt.datetime) -> frozenset[Subject]:
    """What of a minute is to be written, its health aside.

    Args:
        counted: as it is.
        incidents: as they are.
        row: as it was written; ``None``: never.
        now: the time.
    """
    if row is None:
        return SUBJECTS
    # Written in the future: the clock was set back since, and says nothing of how long ago that was.
    ago = now - row.written if row.written <= now else dt.timedelta.max
    if row.refused:
        return SUBJECTS if ago >= _REFUSED_AGAIN else frozenset()
    if ago < _AGAIN:
        return frozenset()
    found: set[Subject] = set()
    if counted != row.counted:
        found.add("counts")
    if incidents != row.incidents:
        found.add("incidents")
    return frozenset(found)


class Ledger:
    """Compares and notes.

    Args:
        target: of what is written; another one starts anew.
        keep: for how long the store keeps minutes.
    """

    def __init__(self, target: str, keep: dt.timedelta) -> None:
        self._target = target
        # What is about to be pruned must not stand, half of it, for the whole.
        self._keep = keep - min(keep / 10, dt.timedelta(hours=1))

    def since(self, connection: Connection, now: dt.datetime) -> dt.datetime | None:
        """The oldest minute that can be written; ``None`` where nothing was observed yet."""
        row = connection.execute("select min(minute) from estate_minute").fetchone()
        if row is None or row[0] is None:
            return None
        oldest: dt.datetime = row[0]
        return max(oldest, closed(now) - self._keep // MINUTE * MINUTE)

    def due(
        self, connection: Connection, since: dt.datetime, now: dt.datetime
    ) -> dict[dt.datetime, frozenset[Subject]]:
        """What is to be written of which minutes from `since` on, their health aside."""
        minutes = _minutes(since, closed(now))
        if not minutes:
            return {}
        rows = self._rows(connection, minutes[0])
        counted = _counted(connection, minutes)
        found = {}
        for minute, count in open_incidents(connection, minutes).items():
            subjects = differing(counted.get(minute, 0), _in_words(count), rows.get(minute), now)
            if subjects:
                found[minute] = subjects
        return found

    def unsettled(
        self, connection: Connection, since: dt.datetime, now: dt.datetime
    ) -> dict[dt.datetime, frozenset[Subject]]:
        """Minutes from `since` on whose health changed after it was written; what did not is settled."""
        rows: dict[dt.datetime, int] = dict(
            connection.execute(
                "select minute, health from influx_minute where target = %(target)s and minute >= %(since)s "
                "and reason is null and not settled and (written <= %(after)s or written > %(now)s) "
                "and (written <= %(at_last)s or minute < "
                "(select coalesce(min(reached), 'infinity') - %(minute)s from v_pipeline where partition is not null)) "
                "order by written limit %(most)s",
                {
                    "target": self._target, "since": since, "now": now, "after": now - _AFTER,
                    "at_last": now - _AT_LAST, "minute": MINUTE, "most": _MOST,
                },
            ).fetchall()
        )  # fmt: skip
        if not rows:
            return {}
        digests = _digests(connection, sorted(rows))
        other = {minute for minute, health in rows.items() if digests.get(minute, 0) != health}
        connection.execute(
            "update influx_minute set settled = true where minute = any(%s)", (sorted(rows.keys() - other),)
        )
        return {minute: frozenset[Subject]({"health"}) for minute in other}

    def note(
        self,
        connection: Connection,
        written: Mapping[dt.datetime, tuple[frozenset[Subject], State]],
        refused: Mapping[dt.datetime, Refusal],
        now: dt.datetime,
    ) -> None:
        """Minutes are written: what of them, and what they were then.

        Args:
            connection: to the store.
            written: by minute.
            refused: what of a minute InfluxDB did not take.
            now: the time.
        """
        rows = [
            {
                "minute": minute, "target": self._target, "now": now, **state._asdict(),
                "refused": refused[minute].lines if minute in refused else 0,
                "reason": refused[minute].reason if minute in refused else None,
                **{f"with_{subject}": subject in subjects for subject in SUBJECTS},
            }
            for minute, (subjects, state) in sorted(written.items())
        ]  # fmt: skip
        with connection.transaction(), connection.cursor() as cursor:
            # What was not written of a minute that was written before stays what it was.
            cursor.executemany(
                "insert into influx_minute as m "
                "(minute, target, counted, health, incidents, refused, reason, written) values (%(minute)s, "
                "%(target)s, %(counted)s, %(health)s, %(incidents)s, %(refused)s, %(reason)s, %(now)s) "
                "on conflict (minute) do update set target = excluded.target, refused = excluded.refused, "
                "reason = excluded.reason, written = excluded.written, settled = false, "
                "counted = case when %(with_counts)s then excluded.counted else m.counted end, "
                "health = case when %(with_health)s then excluded.health else m.health end, "
                "incidents = case when %(with_incidents)s then excluded.incidents else m.incidents end",
                rows,
            )

    def refused(self, connection: Connection) -> tuple[int, str] | None:
        """How many points of minutes that are still there were refused, and why the newest were."""
        row = connection.execute(
            "select sum(refused)::bigint, (array_agg(reason order by minute desc))[1] from influx_minute "
            "where target = %s and reason is not null",
            (self._target,),
        ).fetchone()
        return None if row is None or row[0] is None else (row[0], row[1])

    def prune(self, connection: Connection, since: dt.datetime) -> int:
        """Forget minutes that cannot be written any more; returns how many of their points never were."""
        rows = connection.execute(
            "delete from influx_minute where minute < %s or target <> %s returning refused", (since, self._target)
        ).fetchall()
        return sum(refused for (refused,) in rows)

    def _rows(self, connection: Connection, since: dt.datetime) -> dict[dt.datetime, Row]:
        rows = connection.execute(
            "select minute, counted, incidents, reason is not null, written from influx_minute "
            "where minute >= %s and target = %s",
            (since, self._target),
        ).fetchall()
        return {minute: Row(*rest) for minute, *rest in rows}


def read(connection: Connection, minutes: Sequence[dt.datetime]) -> dict[dt.datetime, State]:
    """What minutes are, in their order."""
    counted, digests = _counted(connection, minutes), _digests(connection, minutes)
    return {
        minute: State(counted.get(minute, 0), _in_words(count), digests.get(minute, 0))
        for minute, count in open_incidents(connection, minutes).items()
    }


def open_incidents(connection: Connection, minutes: Sequence[dt.datetime]) -> dict[dt.datetime, dict[str, int]]:
    """How many were open at the end of each minute, by severity."""
    lives = connection.execute(
        "select severity, since, case when state = 'resolved' then updated end from v_incident "
        "where since < %s and (state <> 'resolved' or updated >= %s)",
        (minutes[-1] + MINUTE, minutes[0] + MINUTE),
    ).fetchall()
    return open_at_end([Life(*life) for life in lives], minutes)


def _counted(connection: Connection, minutes: Sequence[dt.datetime]) -> dict[dt.datetime, int]:
    return dict(
        connection.execute(
            "select minute, sum(total)::bigint from v_estate_minute where minute between %s and %s group by minute",
            (minutes[0], minutes[-1]),
        ).fetchall()
    )


def _digests(connection: Connection, minutes: Sequence[dt.datetime]) -> dict[dt.datetime, int]:
    return dict(
        connection.execute(
            "select minute, sum(hashtext(concat_ws(' ', zone, status, score, agreement))::bigint)::bigint "
            "from v_health_minute where minute = any(%s) group by minute",
            (list(minutes),),
        ).fetchall()
    )


def _in_words(count: Mapping[str, int]) -> str:
    return " ".join(f"{severity}={number}" for severity, number in sorted(count.items()))


def _minutes(since: dt.datetime, until: dt.datetime) -> list[dt.datetime]:
    return [since + number * MINUTE for number in range(max(0, (until - since) // MINUTE))]

"""What the store needs from time to time: roll-ups, and that what is old goes."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from typing import TYPE_CHECKING

from dns_events.durations import seconds

from kafka_bridge.setback import setback

from .columns import CONSUMER
from .ground import ground
from .rollup import roll_up
from .timescale import set_policies

if TYPE_CHECKING:
    from typing import Self

    from kafka_bridge.config import Store

    from .ground import Ground
    from .pool import Pool

log = logging.getLogger(__name__)

_ROLL_UP_EVERY = 15.0
_PRUNE_EVERY = 300.0
_SEEN_SECONDS = 3600
#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_7078


def kept(store: Store) -> dict[str, dt.timedelta]:
    """For how long each level is kept."""
    return {
        "minute": dt.timedelta(seconds=seconds(store.minutes)),
        "hour": dt.timedelta(seconds=seconds(store.hours)),
        "day": dt.timedelta(seconds=seconds(store.days)),
        "estate": dt.timedelta(seconds=seconds(store.estate)),
    }


def prune(pool: Pool, store: Store) -> None:
    """Delete once what has passed its time. Raw events that were not consumed stay, however old."""
    keep = kept(store)
    incidents = dt.timedelta(seconds=seconds(store.incidents))
    tables: list[tuple[str, str, dt.timedelta]] = [
        ("seen_event", "seen", dt.timedelta(seconds=_SEEN_SECONDS)),
        ("seen_enriched", "seen", dt.timedelta(seconds=_SEEN_SECONDS)),
        ("finding", "time", incidents),
        ("incident_history", "at", incidents),
        ("answer_history", "until", incidents),
        ("fact_history", "until", incidents),
        ("zone_change", "time", incidents),
        ("answer_current", "time", keep["minute"]),
        ("estate_day", "day", keep["day"]),
        ("rollup_late", "bucket", max(keep.values())),
    ]
    with pool.connection() as connection:
        if ground(connection) == "plain":
            # TimescaleDB has policies for these.
            tables += [
                ("observation_minute", "minute", keep["minute"]),
                ("latency_minute", "minute", keep["minute"]),
                ("zone_minute_closed", "minute", keep["minute"]),
                ("zone_health_minute", "minute", keep["minute"]),
                ("traffic_minute", "minute", keep["minute"]),
                ("estate_minute", "minute", keep["estate"]),
                ("estate_latency_minute", "minute", keep["estate"]),
                ("zone_hour_closed", "hour", keep["hour"]),
                ("latency_hour_closed", "hour", keep["hour"]),
                ("zone_day_closed", "day", keep["day"]),
                ("latency_day_closed", "day", keep["day"]),
            ]
        connection.execute(
            "delete from bus_raw r using bus_offset o where o.consumer = %s and o.partition = r.partition "
            'and r."offset" <= o."offset" and r.received < now() - %s * interval \'1 second\'',
            (CONSUMER, seconds(store.raw)),
        )
        connection.execute("delete from incident where state = 'resolved' and updated < now() - %s", (incidents,))
        # A page is unique as long as its row is there, so it stays as long as its incident; delivered or not.
        connection.execute(
            "delete from outbox o where created < now() - %s "
            "and not exists (select from incident i where i.id = o.incident) "
            "and not exists (select from delivery d where d.page = o.id and d.delivered is null)",
            (incidents,),
        )
        for table, column, age in tables:
            connection.execute(f"delete from {table} where {column} < now() - %s", (age,))  # noqa: S608 - from above


class Upkeep:
    """Rolls up and prunes on a thread of its own; of several processes one at a time."""

    def __init__(self, pool: Pool, store: Store) -> None:
        self._pool = pool
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._pruned = 0.0
        self._ground: Ground | None = None
        self.trouble: str | None = None
        """Why it could not be done the last time."""

    def start(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop after the turn at hand."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(_ROLL_UP_EVERY):
            try:
                self.turn()
                self.trouble = None
            except Exception as error:  # noqa: BLE001 - see setback
                self.trouble = setback(log, "the store's upkeep is tried again", error)

    def turn(self) -> None:
        """Do what is due, unless another process is at it."""
        with self._pool.connection() as guard:
            row = guard.execute("select pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
            if row is None or not row[0]:
                return
            try:
                if self._ground is None:
                    self._ground = ground(guard)
                    if self._ground == "timescale":
                        set_policies(guard, kept(self._store))
                if self._ground == "plain":
                    keep = kept(self._store)
                    sources = {"minute": keep["minute"], "hour": keep["minute"], "day": keep["hour"]}
                    # The database's clock, as in `prune`: this host's may be wrong.
                    (now,) = guard.execute("select clock_timestamp()").fetchone() or (dt.datetime.now(dt.UTC),)
                    roll_up(self._pool, now, keep=sources)
                if time.monotonic() - self._pruned >= _PRUNE_EVERY:
                    prune(self._pool, self._store)
                    self._pruned = time.monotonic()
            finally:
                guard.execute("select pg_advisory_unlock(%s)", (_LOCK,))

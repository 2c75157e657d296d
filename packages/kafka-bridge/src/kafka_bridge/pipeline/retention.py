"""What is old goes: consumed raw events, seen ids, minutes, and the history of incidents."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import psycopg
from dns_events.durations import seconds
from psycopg_pool import PoolTimeout

from .partition import CONSUMER

if TYPE_CHECKING:
    from kafka_bridge.config import Store
    from kafka_bridge.store.pool import Pool

log = logging.getLogger(__name__)

_EVERY = 300.0
_SEEN_SECONDS = 3600


def prune(pool: Pool, store: Store) -> None:
    """Delete once what has passed its time. Raw events that were not consumed stay, however old."""
    with pool.connection() as connection:
        connection.execute(
            "delete from bus_raw r using bus_offset o where o.consumer = %s and o.partition = r.partition "
            'and r."offset" <= o."offset" and r.received < now() - %s * interval \'1 second\'',
            (CONSUMER, seconds(store.raw)),
        )
        for table, column, age in (
            ("seen_event", "seen", _SEEN_SECONDS),
            ("observation_minute", "minute", seconds(store.minutes)),
            ("zone_health_minute", "minute", seconds(store.minutes)),
            ("finding", "time", seconds(store.incidents)),
            ("incident_history", "at", seconds(store.incidents)),
            ("answer_current", "time", seconds(store.minutes)),
        ):
            connection.execute(
                f"delete from {table} where {column} < now() - %s * interval '1 second'",  # noqa: S608 - from above
                (age,),
            )


class Retention:
    """Prunes every few minutes on a thread of its own."""

    def __init__(self, pool: Pool, store: Store) -> None:
        self._pool = pool
        self._store = store
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the turn at hand."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY):
            try:
                prune(self._pool, self._store)
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("old rows could not be deleted and are tried again: %s", str(error).split("\n")[0])

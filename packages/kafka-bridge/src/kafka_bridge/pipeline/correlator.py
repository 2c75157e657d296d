"""The correlation of all partitions: findings in, incidents and pages out. One works, the others stand by."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time as clocks
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec
from dns_rules import Correlation, Finding

from kafka_bridge.health.vitals import Part
from kafka_bridge.setback import setback
from kafka_bridge.store.columns import CONSUMER
from kafka_bridge.store.leader import Leader

from . import write
from .deeds import deeds

if TYPE_CHECKING:
    from collections.abc import Callable

    import psycopg
    from dns_rules import Inventory, Rules

    from kafka_bridge.notify.routing import Routing

    Connection = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger(__name__)

#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_7076
_PACE = 1.0
#: A partition that has not come so far as another one was so many seconds ago is not waited for: its trouble must not
#: silence theirs. While a backlog is judged, in which hours pass in seconds, all are.
_PATIENCE = 60.0
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Correlator:
    """Takes findings from their queue once no partition has earlier ones to come.

    The session that writes is the session that holds the lock, so that there is never more than one.

    Args:
        conninfo: of the store.
        inventory: whose the zones are.
        rules: the rule pack.
        routing: the ways out of pages.
        publish: sends ``(topic, key, body)`` to Kafka, in their order; returns once they are there.
    """

    def __init__(
        self,
        conninfo: str,
        inventory: Inventory,
        rules: Rules,
        routing: Routing,
        *,
        publish: Callable[[list[tuple[str, str, bytes]]], None] | None = None,
    ) -> None:
        self._leader = Leader(conninfo, _LOCK)
        self.inventory = inventory
        self.rules = rules
        self._routing = routing
        self._publish = publish
        self._correlation: Correlation | None = None
        self._until: int | None = None
        self._reached: deque[tuple[float, dt.datetime]] = deque()
        """How far the first of the partitions was, by a steady clock: at the end of patience, and since."""
        self.arrived = threading.Event()
        """Set when there may be new findings."""
        self.trouble: str | None = None
        """Why incidents are not made right now."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Correlator:
        """Work, or stand by, on a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="correlate", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Finish the turn at hand, and let another one take over."""
        self._stopping.set()
        self.arrived.set()
        if self._thread is not None:
            self._thread.join(30)
        self._drop()

    def part(self) -> Part:
        """How it is."""
        return Part(name="correlate", trouble=self.trouble, alive=self._thread is not None and self._thread.is_alive())

    @property
    def leading(self) -> bool:
        """Whether this one works."""
        return self._leader.leading

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.arrived.clear()
                self.turn()
                self.publish()
                self.trouble = None
            except Exception as error:  # noqa: BLE001 - see setback
                self.trouble = setback(log, "the correlation is taken again", error)
                self._drop()
            self.arrived.wait(_PACE)

    def turn(self) -> bool:
        """One transaction; returns whether this one leads."""
        connection = self._leader.connection()
        if connection is None:
            return False
        with connection.transaction(), connection.cursor() as cursor:
            correlation = self._correlation or self._load(connection)
            correlation.inventory, correlation.rules = self.inventory, self.rules
            cursor.execute("delete from finding_queue returning body")
            found = [msgspec.convert(row[0], Finding) for row in cursor.fetchall()]
            until = self._clock(cursor)
            if not found and until == self._until:
                return True
            deeds(cursor).tell(correlation)
            incidents = correlation.step(found, until)
            if found or incidents:
                write.incidents(cursor, incidents)
                write.pages(cursor, incidents, self.inventory, self._routing)
                if self._publish is not None:
                    write.publications(cursor, "findings", [(f.zone, f) for f in sorted(found, key=_order)])
                    write.publications(cursor, "incidents", [(i.id, i) for i in incidents])
                write.correlation(cursor, correlation.dump())
        # Only what was committed is known: after a rollback the state is read anew.
        self._correlation, self._until = correlation, until
        return True

    def publish(self) -> None:
        """Send what was committed to the topics, and forget it once it is there: at least once, in order."""
        connection = self._leader.connection() if self._leader.leading else None
        if self._publish is None or connection is None:
            return
        while True:
            rows = connection.execute(
                "select seq, topic, key, body::text from publication order by seq limit 500"
            ).fetchall()
            if not rows:
                return
            self._publish([(topic, key, body.encode()) for _, topic, key, body in rows])
            connection.execute("delete from publication where seq <= %s", (rows[-1][0],))

    def _load(self, connection: Connection) -> Correlation:
        correlation = Correlation(self.inventory, self.rules)
        row = connection.execute("select state from correlation_state").fetchone()
        if row is not None:
            correlation.load(bytes(row[0]))
        return correlation

    def _drop(self) -> None:
        self._correlation = self._until = None
        self._leader.drop()

    def _clock(self, cursor: psycopg.Cursor[tuple[Any, ...]]) -> int | None:
        """Before this no partition has findings to come, in microseconds since 1970."""
        # Of a partition that was taken over and not judged yet nobody knows what is to come.
        cursor.execute("select coalesce(sealed, %s) from bus_offset where consumer like %s", (_EPOCH, f"{CONSUMER}%"))
        found = [row[0] for row in cursor.fetchall()]
        now = clocks.monotonic()
        self._reached.append((now, max(found, default=_EPOCH)))
        while len(self._reached) > 1 and self._reached[1][0] <= now - _PATIENCE:
            self._reached.popleft()
        since, first = self._reached[0]
        until = min((sealed for sealed in found if since > now - _PATIENCE or sealed >= first), default=_EPOCH)
        return (until - _EPOCH) // dt.timedelta(microseconds=1) or None


def _order(finding: Finding) -> tuple[dt.datetime, str, str, str]:
    return finding.time, finding.zone, finding.rule, finding.key

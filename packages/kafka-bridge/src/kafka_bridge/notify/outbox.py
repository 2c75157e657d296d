"""The deliverer: pages out of the outbox, a lane for each receiver, each lane in the order of the pages."""

from __future__ import annotations

import datetime as dt
import logging
import random
import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from kafka_bridge.setback import setback
from kafka_bridge.store.leader import Leader

from .notifier import DeliveryError, Page
from .removed import give_up, waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import psycopg

    from kafka_bridge.store.pool import Pool

    from .notifier import Notifier, Receipt

    Connection = psycopg.Connection[tuple[Any, ...]]

log = logging.getLogger(__name__)

#: Any number, as long as nobody else in the database locks it.
_LOCK = 0x0D25_707D
_PACE = 0.5
_REMOVED_EVERY = 60.0
_FIRST_PAUSE = 2.0
_LONGEST_PAUSE = 300.0
#: Pages of one digest, and incidents of one reminder.
_MOST = 50
_REMINDED = 5000
_WAITING = """
    select d.page, d.attempts, d.due, o.incident, o.transition, o.number, o.body,
           (select e.kept from delivery e join outbox p on p.id = e.page
            where e.notifier = d.notifier and p.incident = o.incident and e.kept is not null
            order by e.delivered desc, e.page desc limit 1)
    from delivery d join outbox o on o.id = d.page
    where d.notifier = %s and d.delivered is null and (not d.aside or d.due <= now())
    order by d.page limit %s"""
_FIRING = """
    select i.body, k.kept
    from incident i cross join lateral (
        select e.kept from delivery e join outbox p on p.id = e.page
        where e.notifier = %s and p.incident = i.id and e.kept is not null
        order by e.delivered desc, e.page desc limit 1) k
    where i.state = 'firing' order by i.id limit %s"""


class Deliverer:
    """Delivers at least once, each page with its key. Of several processes one works, the others stand by.

    Args:
        pool: connections to the store.
        notifiers: the ways out.
    """

    def __init__(self, pool: Pool, notifiers: Sequence[Notifier]) -> None:
        assert isinstance(pool.conninfo, str)  # never a function, see open_pool
        self._leader = Leader(pool.conninfo, _LOCK)
        self._stopping = threading.Event()
        self._leading = threading.Event()
        self._lanes = [Lane(pool, notifier, self._leading, self._stopping) for notifier in notifiers]
        self._look_at = 0.0
        self._removed: list[str] = []
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)
        self._thread.start()

    @property
    def notice(self) -> str | None:
        """Which receivers do not take pages, and why."""
        found = [f"{lane.notifier.name}: {lane.trouble}" for lane in self._lanes if lane.trouble is not None]
        found += self._removed
        return "; ".join(found) or None

    def stop(self) -> None:
        """Deliver what is due now, once, then stop."""
        self._stopping.set()
        until = time.monotonic() + 30
        for thread in (*(lane.thread for lane in self._lanes), self._thread):
            thread.join(max(0.1, until - time.monotonic()))
        self._leader.drop()

    def _run(self) -> None:
        for lane in self._lanes:
            lane.thread.start()
        while not self._stopping.is_set():
            try:
                connection = self._leader.connection()
                if connection is not None:
                    connection.execute("select 1")
                    self._leading.set()
                    self._look(connection)
            except Exception as error:  # noqa: BLE001 - see setback
                self._leading.clear()
                setback(log, "pages wait", error)
                self._leader.drop()
            self._stopping.wait(_PACE)

    def _look(self, connection: Connection) -> None:
        """After pages for receivers that are gone."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _REMOVED_EVERY
        give_up(connection, [lane.notifier.name for lane in self._lanes])
        found = waiting(connection)
        for sentence in found if found != self._removed else ():
            log.warning("%s", sentence)
        self._removed = found


class _Waiting(NamedTuple):
    """A row of what waits."""

    id: int
    attempts: int
    due: dt.datetime
    page: Page


class Lane:
    """One receiver's pages: the next one goes once the one before has arrived."""

    def __init__(self, pool: Pool, notifier: Notifier, leading: threading.Event, stopping: threading.Event) -> None:
        self.notifier = notifier
        self.trouble: str | None = None
        """Why the last page, or the last reminder, did not arrive."""
        self.thread = threading.Thread(target=self._run, name=f"deliver-{notifier.name}", daemon=True)
        self._pool = pool
        self._leading = leading
        self._stopping = stopping
        self._sent: deque[float] = deque()
        self._remind_at = 0.0

    def _run(self) -> None:
        while True:
            stopping = self._stopping.is_set()
            try:
                if self._leading.is_set():
                    while self.turn():
                        pass
                    self._remind()
            except Exception as error:  # noqa: BLE001 - see setback
                setback(log, f"pages to {self.notifier.name} wait", error)
            if stopping:
                return
            self._stopping.wait(_PACE)

    def turn(self) -> bool:
        """Try what is due first; returns whether something arrived."""
        limit = _MOST if self.notifier.digest is not None else 1
        with self._pool.connection() as connection:
            (now,) = connection.execute("select now()").fetchone() or (dt.datetime.now(dt.UTC),)
            found = [_waiting(row) for row in connection.execute(_WAITING, (self.notifier.name, limit)).fetchall()]
        # What waits longest decides for all behind it: so all stay in their order.
        if not found or found[0].due > now or not self._may():
            return False
        if self.notifier.digest is None or len(found) <= self.notifier.digest:
            del found[1:]
        pages = [waiting.page for waiting in found]
        try:
            receipt = self.notifier.deliver(pages[0]) if len(pages) == 1 else self.notifier.deliver_digest(pages)
        except DeliveryError as error:
            self._failed(found, error)
            return False
        except Exception as error:  # noqa: BLE001 - one receiver's fault is not to stop the lane
            told = self.notifier.hide("".join(traceback.format_exception(error)))
            log.error("page %s to %s: a fault of kafka-bridge: %s", found[0].id, self.notifier.name, told)  # noqa: TRY400
            self._failed(found, DeliveryError(f"a fault of kafka-bridge: {type(error).__name__}: {error}"))
            return False
        self._arrived(found, receipt)
        return True

    def _may(self) -> bool:
        """Whether one more message is within the rate."""
        most, now = self.notifier.per_minute, time.monotonic()
        while self._sent and self._sent[0] < now - 60:
            self._sent.popleft()
        if most is not None and len(self._sent) >= most:
            return False
        self._sent.append(now)
        return True

    def _arrived(self, found: Iterable[_Waiting], receipt: Receipt) -> None:
        self.trouble = None
        kept = None if receipt.kept is None else msgspec.json.encode(receipt.kept).decode()
        with self._pool.connection() as connection:
            connection.execute(
                "update delivery set attempts = attempts + 1, error = null, delivered = now(), kept = %s "
                "where notifier = %s and page = any(%s)",
                (kept, self.notifier.name, [waiting.id for waiting in found]),
            )

    def _failed(self, found: Sequence[_Waiting], error: DeliveryError) -> None:
        first, said = found[0], self.notifier.hide(str(error))[:500]
        pause = _pause(first.attempts, error)
        self.trouble = said
        log.warning("page %s to %s failed, next try in %.0f s: %s", first.id, self.notifier.name, pause, said)
        # A digest whose contents are refused is taken apart by its first page.
        with self._pool.connection() as connection:
            connection.execute(
                "update delivery set attempts = attempts + 1, error = %s, due = now() + %s * interval '1 second', "
                "aside = %s where notifier = %s and page = %s",
                (said, pause, error.cause == "page", self.notifier.name, first.id),
            )

    def _remind(self) -> None:
        if self.notifier.again is None or time.monotonic() < self._remind_at:
            return
        self._remind_at = time.monotonic() + self.notifier.again
        with self._pool.connection() as connection:
            rows = connection.execute(_FIRING, (self.notifier.name, _REMINDED)).fetchall()
        pages = [Page(key=body["id"], transition="firing", incident=body, kept=kept) for body, kept in rows]
        try:
            self.notifier.remind(pages)
            self.trouble = None
        except DeliveryError as error:
            self.trouble = self.notifier.hide(str(error))
            log.warning("what fires could not be told again to %s: %s", self.notifier.name, self.trouble)


def _waiting(row: tuple[Any, ...]) -> _Waiting:
    id_, attempts, due, incident, transition, number, body, kept = row
    calls = body.get("calls") or ()
    called = transition in {"firing", "graver", "escalated"}
    page = Page(
        key=f"{incident}-{transition}-{number}" if number else f"{incident}-{transition}",
        transition=transition,
        incident=body,
        # Bodies of older versions are without calls.
        team=(calls[number]["team"] if number < len(calls) else body["owner"]) if called else None,
        kept=kept,
    )
    return _Waiting(id_, attempts, due, page)


def _pause(attempts: int, error: DeliveryError) -> float:
    """Seconds until the next try: twice as long each time, with jitter; what will not mend itself is tried slowly."""
    pause = _LONGEST_PAUSE if error.cause != "away" else min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempts, 10))
    return max(pause * random.uniform(0.75, 1.0), error.wait or 0.0)

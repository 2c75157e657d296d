"""The deliverer: takes due pages from the outbox, tries them, notes what became of them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from kafka_bridge.setback import setback

from .notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kafka_bridge.store.pool import Pool

    from .notifier import Notifier

log = logging.getLogger(__name__)

_PACE = 0.5
_FIRST_PAUSE = 2
_LONGEST_PAUSE = 300


class Deliverer:
    """Delivers every page to every notifier, in the order of the pages, at least once, each with its key."""

    def __init__(self, pool: Pool, notifiers: Sequence[Notifier]) -> None:
        self._pool = pool
        self._notifiers = {notifier.name: notifier for notifier in notifiers}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Deliver what is due now, once, then stop."""
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while True:
            stopping = self._stopping.is_set()
            try:
                while self.turn():
                    pass
            except Exception as error:  # noqa: BLE001 - see setback
                setback(log, "pages wait", error)
            if stopping:
                return
            self._stopping.wait(_PACE)

    def turn(self) -> bool:
        """Try the page that is due first; returns whether there was one."""
        with self._pool.connection() as connection, connection.transaction():
            row = connection.execute(
                "select d.page, d.notifier, d.attempts, o.incident, o.transition, o.number, o.body from delivery d "
                "join outbox o on o.id = d.page where d.delivered is null and d.due <= now() "
                "and d.notifier = any(%s) order by d.page limit 1 for update of d skip locked",
                (list(self._notifiers),),
            ).fetchone()
            if row is None:
                return False
            page, name, attempts, incident, transition, number, body = row
            try:
                key = f"{incident}-{transition}-{number}" if number else f"{incident}-{transition}"
                self._notifiers[name].deliver(key, transition, body)
            except DeliveryError as error:
                pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempts, 10))
                log.warning("page %s to %s failed, next try in %d s: %s", page, name, pause, error)
                connection.execute(
                    "update delivery set attempts = attempts + 1, error = %s, due = now() + %s * interval '1 second' "
                    "where page = %s and notifier = %s",
                    (str(error)[:500], pause, page, name),
                )
            else:
                connection.execute(
                    "update delivery set attempts = attempts + 1, error = null, delivered = now() "
                    "where page = %s and notifier = %s",
                    (page, name),
                )
        return True

"""What time it is, where a clock may jump: this host's, the store's, and a steady one that counts from the last look.

Time that has passed in the judgement never comes back: an hour that was passed by mistake is an hour in which every
event is late. Therefore no single clock is believed.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from typing import TYPE_CHECKING, Self

import psycopg
from psycopg_pool import PoolTimeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from .store.pool import Pool

log = logging.getLogger(__name__)

#: Seconds; clocks that are further apart do not agree.
TOLERANCE = 2.0
#: Where both clocks jump together, they are believed once they have stood so for so many seconds.
DOUBT = 300.0
#: Seconds; a clock that is set back by less is waited for.
SET_BACK = 10.0
_PACE = 1.0
#: An answer of the store that took longer says too little.
_SLOW = 1.0


def steady() -> float:
    """Seconds that never jump; they go on while the machine sleeps, where it can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def departure(own: float, store: float) -> str | None:
    """In words, how far this host's clock is from the database's; ``None`` where they agree."""
    ahead = own - store
    if abs(ahead) <= TOLERANCE:
        return None
    return f"this host's clock is {abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the database's"


def believed(own: float, store: float | None, carried: float | None) -> float:
    """The time that two of three agree on; the store's where no two do, because all bridges have that one.

    Args:
        own: seconds since 1970, by this host's clock.
        store: by the database's; ``None`` where it does not say.
        carried: what was believed at the last look, and what has passed since on a steady clock.
    """
    if store is None:
        return own
    if carried is not None and abs(own - store) > TOLERANCE >= abs(own - carried) and abs(store - carried) > TOLERANCE:
        return own
    return store


class Timekeeper:
    """Asks the clocks once a second, and tells the time at any moment.

    Args:
        pool: connections to the store; ``None`` where there is no store.
        own: this host's clock, seconds since 1970.
        steady: a clock that does not jump.
        set_back: called with the seconds by which this host's clock was set back, if they are many.
    """

    def __init__(
        self,
        pool: Pool | None = None,
        *,
        own: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady,
        set_back: Callable[[float], None] | None = None,
    ) -> None:
        self._pool = pool
        self._own = own
        self._steady = steady
        self._set_back = set_back
        self._difference: float | None = None
        """Of this host's clock and the steady one, at the last look."""
        self._anchor: tuple[float, float] | None = None
        """What was believed, and the steady clock then."""
        self._doubted: float | None = None
        """Since when, by the steady clock, what the clocks say is not believed."""
        self.notice: str | None = None
        """Which clock is wrong, in words; time goes on all the same."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="time", daemon=True)
        self._look()

    def now(self) -> dt.datetime:
        """The time."""
        assert self._anchor is not None
        believed_, at = self._anchor
        return dt.datetime.fromtimestamp(believed_ + self._steady() - at, dt.UTC)

    def latest(self) -> dt.datetime:
        """No later than this is an event ahead of every clock."""
        return max(self.now(), dt.datetime.fromtimestamp(self._own(), dt.UTC))

    def start(self) -> Self:
        """Look at the clocks on a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join(10)

    def heard(self, store: float | None) -> None:
        """Take the clocks' word, and believe it or not.

        Args:
            store: what the database's clock says now; ``None`` where it does not answer.
        """
        own, at = self._own(), self._steady()
        back = 0.0 if self._difference is None else self._difference - (own - at)
        self._difference = own - at
        if back > SET_BACK and self._set_back is not None:
            self._set_back(back)
        carried = None if self._anchor is None else self._anchor[0] + at - self._anchor[1]
        found = believed(own, store, carried)
        notice = None if store is None else departure(own, store)
        if carried is None or abs(found - carried) <= TOLERANCE:
            self._doubted = None
        elif self._doubted is None or at - self._doubted < DOUBT:
            self._doubted = at if self._doubted is None else self._doubted
            whose = "this host's clock" if store is None else "the clock"
            notice = notice or (
                f"{whose} jumped {abs(found - carried):.0f} s {'forwards' if found > carried else 'backwards'}; it is "
                f"believed once it has stood so for {DOUBT:.0f} s"
            )
            found = carried
        else:
            self._doubted = None
        self._anchor = (found, at)
        if notice is not None and self.notice is None:
            log.warning("%s; synchronize it (chrony, systemd-timesyncd); time goes by the others meanwhile", notice)
        self.notice = notice

    def _look(self) -> None:
        self.heard(None if self._pool is None else _asked(self._pool, self._steady))

    def _run(self) -> None:
        while not self._stopping.is_set():
            # Not `Event.wait`: built against an old C library, Python waits by the very clock that jumps.
            time.sleep(_PACE)
            self._look()


def _asked(pool: Pool, steady: Callable[[], float]) -> float | None:
    """The database's clock, as far as it can be told."""
    try:
        with pool.connection(timeout=3) as connection:
            began = steady()
            row = connection.execute("select extract(epoch from clock_timestamp())::float8").fetchone()
            took = steady() - began
    except (psycopg.Error, PoolTimeout):
        return None  # the store's own part tells
    return None if row is None or took > _SLOW else float(row[0]) + took / 2

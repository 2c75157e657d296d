"""Who may send, how much, and what became of it: shared by both transports."""

from __future__ import annotations

import datetime as dt
import threading
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

from kafka_bridge.probes.roster import UnknownSenderError

from . import claims
from .complaints import Complaints
from .counts import IntakeCounts
from .passage import Passage
from .refusal import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    from kafka_bridge.probes.roster import Roster
    from kafka_bridge.probes.settings import Entry
    from kafka_bridge.probes.watched import WatchedRoster

_MAX_AGE = dt.timedelta(hours=48)


def utc_now() -> dt.datetime:
    """This host's clock."""
    return dt.datetime.now(dt.UTC)


class Guard:
    """Knows the probes, their limits and what they sent lately.

    Args:
        watched: who may send; ``None``: whoever reaches the endpoint.
        max_age: older events are a replay. Nothing is too old where nobody is known.
        clock: seconds of a monotonic clock.
        now: the time of day.
    """

    def __init__(
        self,
        watched: WatchedRoster | None = None,
        *,
        max_age: dt.timedelta = _MAX_AGE,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self._watched = watched
        self._max_age = max_age
        self._clock = clock
        self._now = now
        self.counts = IntakeCounts()
        self._complaints = Complaints()
        self._lock = threading.Lock()
        self._passages: dict[str, Passage] = {}
        self._roster: Roster | None = None

    def who(self, token: str | None, names: Iterable[str]) -> Entry | None:
        """Whose credentials these are; ``None`` where nobody needs any.

        Args:
            token: the bearer token, if one came.
            names: those of the client's verified certificate.

        Raises:
            RefusedError: `unauthenticated`.
        """
        if self._watched is None:
            return None
        try:
            return self._current(self._watched).identify(token, names)
        except UnknownSenderError as error:
            raise RefusedError("unauthenticated", str(error)) from error

    def turn(self, sender: Entry | None) -> AbstractContextManager[None]:
        """Around the work on one request.

        Raises:
            RefusedError: `rate`: the sender has too many in work already; raised on entering.
        """
        return nullcontext() if sender is None else self.passage(sender).turn()

    def passage(self, sender: Entry) -> Passage:
        """What is remembered of a probe."""
        assert self._watched is not None
        limits = self._current(self._watched).limits(sender)
        with self._lock:
            found = self._passages.get(sender.id)
            if found is None:
                found = self._passages[sender.id] = Passage(limits, self._clock())
            elif found.limits != limits:
                found.limit(limits, self._clock())
            return found

    def check(self, request: ExportLogsServiceRequest, sender: Entry) -> None:
        """Whether its events are such as this sender may send now.

        Raises:
            RefusedError: `forged` or `stale`.
        """
        assert self._watched is not None
        claims.check(request, self._current(self._watched), sender, self._now(), self._max_age)

    def refused(self, error: RefusedError, sender: Entry | None, peer: str) -> None:
        """Count and log a refusal."""
        probe = None if sender is None else sender.id
        self.counts.refused(error.reason, probe)
        self._complaints.say(error, probe, peer, self._clock())

    def clock(self) -> float:
        """Seconds of the monotonic clock that the limits go by."""
        return self._clock()

    def _current(self, watched: WatchedRoster) -> Roster:
        roster = watched.current()
        if roster is not self._roster:
            with self._lock:
                self._roster = roster
                self._passages = {probe: kept for probe, kept in self._passages.items() if probe in roster}
        return roster

"""Queries and their responses, and what never got one. Every frame is accounted for. Pure; time is passed in."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from typing import TYPE_CHECKING

import dns.exception
import dns.message
from dns_events import Server

from otel_dns_receiver.facts import facts_of, observation, silence
from otel_dns_receiver.question import Question, Target

from .message import MessageError, Seen, address_of, outcome_of, rdtype_of, read, type_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Observation, Outcome, Probe

    from otel_dns_receiver.sources.traffic import Minutes

#: Queries that wait for their response at most; past it the oldest are given up.
MOST_WAITING = 100_000
_FAILURES = frozenset({"servfail", "refused", "error", "timeout"})


class Pairing:
    """Takes frames in the order in which they came.

    After any frame: received = paired + response_only + timed_out + repeated + over_limit + unsupported +
    unparsable + waiting. A pair counts as two.

    Args:
        minutes: where lookups are counted.
        emit: takes sampled observations.
        probe: who looks.
        timeout: seconds after which a query has no response any more.
        sample: part of successful lookups in watched zones that become observations, 0 to 1.
        failures: observations of failures a second at most.
        server: address in place of one that the producer leaves out.
    """

    def __init__(
        self,
        minutes: Minutes,
        emit: Callable[[Observation], None],
        probe: Callable[[], Probe],
        *,
        timeout: float,
        sample: float,
        failures: float,
        server: str | None,
    ) -> None:
        self._minutes = minutes
        self._emit = emit
        self._probe = probe
        self._timeout = timeout
        self._sample = sample
        self._failures = failures
        self._allowance = failures
        self._refilled = 0.0
        self._server = server
        self._waiting: dict[tuple[object, ...], tuple[float, Seen]] = {}
        self._servers: dict[tuple[bytes, int, str], Server | None] = {}
        self.counts: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Queries without a response so far."""
        return len(self._waiting)

    def frame(self, data: bytes, now: float) -> None:
        """Take one frame.

        Args:
            data: its bytes.
            now: monotonic seconds.
        """
        counts = self.counts
        counts["received"] += 1
        try:
            seen = read(data)
        except MessageError:
            counts["unparsable"] += 1
            return
        if seen is None:
            counts["unsupported"] += 1
        elif seen.kind.response:
            found = self._waiting.pop(seen.key, None)
            if found is None:
                counts["response_only"] += 1
                self._lookup(seen, None, now)
            else:
                counts["paired"] += 2
                self._lookup(seen, found[1], now)
        else:
            if seen.key in self._waiting:
                # Asked again before the answer came: one lookup, whose first question counts.
                counts["repeated"] += 1
                return
            if len(self._waiting) >= MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
                counts["over_limit"] += 1
            self._waiting[seen.key] = now, seen

    def expire(self, now: float) -> None:
        """Give up queries that have waited too long; each is a timeout."""
        limit = now - self._timeout
        while self._waiting:
            key = next(iter(self._waiting))
            came, seen = self._waiting[key]
            if came > limit:
                return
            del self._waiting[key]
            self.counts["timed_out"] += 1
            self._count(seen, seen.asked, "timeout", now)

    def _lookup(self, response: Seen, query: Seen | None, now: float) -> None:
        asked = response.asked if response.asked is not None else (query.asked if query is not None else None)
        self._count(response, asked, outcome_of(response.wire, response.kind.role), now)

    def _count(self, seen: Seen, asked: float | None, outcome: Outcome, now: float) -> None:
        server = self._server_of(seen)
        time = asked if asked is not None else seen.answered
        if time is None:
            self.counts["no_time"] += 1
            return
        if not self._minutes.add(time, seen.name, server, outcome, seen.client or None):
            return
        if outcome in _FAILURES:
            if not self._allowed(now):
                self.counts["failures_not_sampled"] += 1
                return
        elif self._sample <= 0 or random.random() >= self._sample:
            return
        self._observe(seen, server, asked, outcome)

    def _allowed(self, now: float) -> bool:
        self._allowance = min(self._failures, self._allowance + (now - self._refilled) * self._failures)
        self._refilled = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True

    def _observe(self, seen: Seen, server: Server | None, asked: float | None, outcome: Outcome) -> None:
        zone = self._minutes.zone_of(seen.name)
        if server is None or zone is None:
            self.counts["no_server"] += 1
            return
        time = asked if asked is not None else seen.answered
        assert time is not None
        latency = None
        if asked is not None and seen.answered is not None and outcome != "timeout":
            latency = max(0.0, seen.answered - asked)
        question = Question(
            zone, seen.name, type_of(seen.qtype), Target(server.address, server.port), seen.kind.role, server.name
        )
        message = None
        if outcome != "timeout":
            try:
                message = dns.message.from_wire(seen.wire, ignore_trailing=True, raise_on_truncation=False)
            except (dns.exception.DNSException, ValueError, IndexError):
                self.counts["malformed"] += 1
        facts = silence(question) if outcome == "timeout" else facts_of(message, question, rdtype_of(seen.qtype))
        self._emit(
            observation(
                question,
                facts,
                self._probe(),
                dt.datetime.fromtimestamp(time, dt.UTC),
                seen.transport,
                latency,
                outcome="timeout" if outcome == "timeout" else None,
                source=seen.kind.source,
            )
        )

    def _server_of(self, seen: Seen) -> Server | None:
        key = seen.server, seen.port, seen.kind.role
        if key in self._servers:
            return self._servers[key]
        address = address_of(seen.server) if seen.server else self._server
        server = None if address is None else Server(address=address, port=seen.port or 53, role=seen.kind.role)
        if len(self._servers) > 10_000:
            self._servers.clear()
        self._servers[key] = server
        return server

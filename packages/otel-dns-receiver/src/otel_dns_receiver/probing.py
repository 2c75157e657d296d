"""The probe source: every question of every zone, spread over the interval, for as long as it runs."""

from __future__ import annotations

import asyncio
import heapq
import logging
import random
import time
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from dns_events import SILENT, Event, Observation, Probe
from dns_events.names import parse
from msgspec import Struct, structs

from . import clock
from .ask import Question, ask
from .errors import DiscoveryError
from .reach import Reach
from .resolve.roots import load_anchors, load_hints
from .resolve.walk import Walker
from .resolve.zone import ZoneView, look

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .config import Config, Zone
    from .exchange import Target

log = logging.getLogger(__name__)

#: The first round comes quickly, whatever the interval.
_FIRST_ROUND = 5.0
_JITTER = 0.05
_CLOCK_EVERY = 60.0


class Counts(Struct):
    """Where every question went: sent = answered + timed out + failed + still in flight."""

    sent: int = 0
    answered: int = 0
    timed_out: int = 0
    failed: int = 0
    skipped: int = 0
    """Turns that were passed over because the turn before was still in flight."""


class _Due(NamedTuple):
    time: float
    key: str


class Prober:
    """Asks, and hands every event to `emit`.

    Args:
        config: a checked configuration.
        resolvers: recursive servers.
        emit: takes each event; called on the event loop.
        around: called with True before and False after each question, for a gauge.
    """

    def __init__(
        self,
        config: Config,
        resolvers: tuple[tuple[str | None, Target], ...],
        emit: Callable[[Event], None],
        around: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._config = config
        self._interval, self._timeout, self._refresh = config.seconds
        self._resolvers = resolvers
        self._emit = emit
        self._around = around
        self._reach = Reach()
        self._walker = Walker(
            load_hints(config.root_hints),
            load_anchors(config.trust_anchor),
            self._timeout,
            self._reach,
            remember=self._refresh * 0.9,
        )
        self._views: dict[str, ZoneView] = {}
        self._questions: dict[str, Question] = {}
        self._queue: list[_Due] = []
        self._flying: set[str] = set()
        self._slots = asyncio.Semaphore(config.in_flight)
        self._tasks: set[asyncio.Task[None]] = set()
        self._probe = config.probe
        self._clock_read = float("-inf")
        self._said: dict[str, str] = {}
        self._stopping = False
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Probe until `stop`; then wait for the questions that are out."""
        async with asyncio.TaskGroup() as group:
            watchers = [group.create_task(self._watch(zone, stop)) for zone in self._config.zones]
            for zone in self._config.zones:
                self._plan(zone)
            await self._pace(stop)
            self._stopping = True  # what still waits for a slot is not asked any more
            for watcher in watchers:
                watcher.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timeout + 1)

    async def _pace(self, stop: asyncio.Event) -> None:
        """Send each question when it is due."""
        while not stop.is_set():
            now = time.monotonic()
            while self._queue and self._queue[0].time <= now:
                due = heapq.heappop(self._queue)
                question = self._questions.get(due.key)
                if question is None:
                    continue
                jitter = random.uniform(-_JITTER, _JITTER) * self._interval
                heapq.heappush(self._queue, _Due(max(now, due.time + self._interval + jitter), due.key))
                if due.key in self._flying:
                    self.counts.skipped += 1
                    continue
                self._flying.add(due.key)
                self._spawn(self._ask(due.key, question))
            pause = min(0.1, self._queue[0].time - now) if self._queue else 0.1
            await asyncio.sleep(max(0.001, pause))

    async def _ask(self, key: str, question: Question) -> None:
        try:
            async with self._slots:
                if self._stopping:
                    return
                self.counts.sent += 1
                self._around(True)
                try:
                    view = self._views.get(question.zone)
                    chain = view.chain if view is not None and self._config.dnssec else None
                    event = await ask(question, self.who(), self._timeout, chain)
                finally:
                    self._around(False)
            self._count(event)
            self._emit(event)
        except OSError as error:
            # Of this machine (no file descriptor, no buffer): nobody else's fault, and no observation.
            self.counts.failed += 1
            self._say("local", f"could not ask: {error}")
        finally:
            self._flying.discard(key)

    def _count(self, event: Observation) -> None:
        if event.outcome == "timeout":
            self.counts.timed_out += 1
        elif event.outcome in SILENT or event.outcome == "malformed":
            self.counts.failed += 1
        else:
            self.counts.answered += 1

    async def _watch(self, zone: Zone, stop: asyncio.Event) -> None:
        """Find the zone's servers again and again. What was known stays in use while it fails."""
        name = parse(zone.zone)
        while not stop.is_set():
            started = time.monotonic()
            try:
                view = await look(name, self._walker, self.who(), self._timeout, self._reach)
            except (DiscoveryError, OSError) as error:
                self._say(zone.zone, f"{zone.zone}: {error}; what was known of its servers is used")
                pause = min(5.0, self._refresh)
            else:
                self._said.pop(zone.zone, None)
                self._views[zone.zone] = view
                self._emit(view.event)
                self._plan(zone)
                pause = self._refresh
            spent = time.monotonic() - started
            await asyncio.sleep(max(0.1, pause * random.uniform(0.95, 1.05) - spent))

    def _plan(self, zone: Zone) -> None:
        """Bring the zone's questions up to date with its servers."""
        view = self._views.get(zone.zone)
        wanted: dict[str, Question] = {}
        for name in zone.names:
            for qtype in name.types:
                for server_name, target in self._resolvers:
                    question = Question(zone.zone, name.name, qtype, target, "recursive", server_name)
                    wanted[_key(question)] = question
                for server in view.servers if view is not None else ():
                    question = Question(zone.zone, name.name, qtype, server.target, "authoritative", server.name)
                    wanted[_key(question)] = question
        for key in [k for k, q in self._questions.items() if q.zone == zone.zone and k not in wanted]:
            del self._questions[key]
        queued = {due.key for due in self._queue}
        now = time.monotonic()
        for key, question in wanted.items():
            known = key in self._questions
            self._questions[key] = question
            if not known and key not in queued:
                # The same place within the interval for the same question, so that load stays even.
                heapq.heappush(self._queue, _Due(now + _phase(key) * min(self._interval, _FIRST_ROUND), key))

    def who(self) -> Probe:
        """This probe, with the age of its clock."""
        now = time.monotonic()
        if now - self._clock_read > _CLOCK_EVERY:
            self._clock_read = now
            age = self._config.clock_age if self._config.clock_age is not None else clock.age()
            self._probe = structs.replace(self._probe, clock_age=age)
        return self._probe

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._say("bug", f"a question ended with {error!r}")
            log.debug("traceback", exc_info=error)

    def _say(self, subject: str, text: str) -> None:
        """Log a trouble once, until it changes."""
        if self._said.get(subject) != text:
            self._said[subject] = text
            log.warning("%s", text)


def _key(question: Question) -> str:
    return f"{question.zone}\t{question.name}\t{question.qtype}\t{question.target.address}\t{question.target.port}"


def _phase(key: str) -> float:
    """A place in [0, 1) that is always the same for the same question."""
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32

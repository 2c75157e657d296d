"""Asks every question of every zone once an interval, spread over it, for as long as it runs."""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import logging
import random
import time
from collections import deque
from hashlib import blake2b
from typing import TYPE_CHECKING

from dns_events import SILENT
from dns_events.names import parse

from otel_dns_receiver import facts as fact
from otel_dns_receiver.ask import ask
from otel_dns_receiver.dnssec.trust import Trust
from otel_dns_receiver.errors import DiscoveryError
from otel_dns_receiver.facts import Facts, observation
from otel_dns_receiver.question import Question
from otel_dns_receiver.reach import Reach
from otel_dns_receiver.resolve.roots import load_anchors, load_hints
from otel_dns_receiver.resolve.walk import Walker
from otel_dns_receiver.resolve.zone import ZoneView, look
from otel_dns_receiver.transports.datagrams import Datagrams, Silence
from otel_dns_receiver.transports.pool import Pool

from .counts import Counts
from .parity import Way, compare, ways
from .turn import Turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dns_events import Event, Observation, Transport

    from otel_dns_receiver.config import Config, Parity, Resolver, Zone
    from otel_dns_receiver.observer import Observer

log = logging.getLogger(__name__)

#: The first round comes quickly, whatever the interval.
_FIRST_ROUND = 5.0
_JITTER = 0.05
_MOST_NAMES = 1000
_CLOCK_EVERY = 60.0
_GOOD = frozenset({"answer", "nodata", "nxdomain"})


class Prober:
    """Asks, and hands every event to `emit`.

    Args:
        config: a checked configuration.
        resolvers: recursive servers.
        observer: this probe.
        emit: takes each event; called on the event loop.
    """

    def __init__(
        self, config: Config, resolvers: tuple[Resolver, ...], observer: Observer, emit: Callable[[Event], None]
    ) -> None:
        self._config = config
        self._interval, self._timeout, self._refresh = config.seconds
        self._resolvers = resolvers
        self._observer = observer
        self._emit = emit
        self._reach = Reach()
        self._walker = Walker(
            load_hints(config.root_hints),
            load_anchors(config.trust_anchor),
            self._timeout,
            self._reach,
            remember=self._refresh * 0.9,
            heard=self._heard,
        )
        self._views: dict[str, ZoneView] = {}
        self._trust: dict[str, Trust] = {}
        self._turns: dict[Question, Turn] = {}
        self._queue: list[tuple[float, int, Turn]] = []
        self._number = 0
        self._waiting: deque[Turn] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: dict[str, str] = {}
        self._stopping = False
        self._controls: dict[Turn, str] = {}
        self._offset = time.time() - time.monotonic()
        self.counts = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Probe until `stop`; then wait for the questions that are out."""
        self._datagrams = Datagrams[Turn](self._timeout, self._answered, self._silent)
        self._pool = Pool()
        try:
            async with asyncio.TaskGroup() as group:
                watchers = [group.create_task(self._watch(zone, stop)) for zone in self._config.zones]
                watchers.append(group.create_task(self._look_at_itself()))
                if self._config.parity is not None:
                    watchers.append(group.create_task(self._compare(self._config.parity)))
                for zone in self._config.zones:
                    self._plan(zone)
                self._plan_control()
                await self._pace(stop)
                self._stopping = True  # what still waits for its turn is not asked any more
                for watcher in watchers:
                    watcher.cancel()
            await self._last()
        finally:
            self._stopping = True
            for task in self._tasks:
                task.cancel()
            self._datagrams.close()
            await self._pool.close()

    async def _last(self) -> None:
        """Wait for the questions that are out; none takes longer than its timeout."""
        deadline = time.monotonic() + self._timeout + 1
        while self.counts.in_flight and time.monotonic() < deadline:  # noqa: ASYNC110 - callbacks count, tasks do not
            await asyncio.sleep(0.02)

    async def _pace(self, stop: asyncio.Event) -> None:
        """Send each question when it is due."""
        queue = self._queue
        while not stop.is_set():
            now = time.monotonic()
            self._offset = time.time() - now
            while queue and queue[0][0] <= now:
                due, number, turn = heapq.heappop(queue)
                if not turn.active:
                    continue
                jitter = random.uniform(-_JITTER, _JITTER) * self._interval
                heapq.heappush(queue, (max(now, due + self._interval + jitter), number, turn))
                if turn.flying:
                    self.counts.skipped += 1
                    continue
                turn.flying = True
                if self.counts.in_flight < self._config.in_flight:
                    self._ask(turn)
                else:
                    self._waiting.append(turn)
            pause = min(0.1, queue[0][0] - now) if queue else 0.1
            await asyncio.sleep(max(0.001, pause))

    def _ask(self, turn: Turn) -> None:
        self.counts.sent += 1
        transport = turn.question.transport
        if transport != "udp":
            self._spawn(self._connected(turn, transport, time.monotonic()))
            return
        try:
            self._datagrams.ask(turn)
        except OSError as error:
            # Of this machine (no file descriptor, no buffer): nobody else's fault, and no observation.
            self._say("local", f"could not ask: {error}")
            self.counts.failed += 1
            turn.flying = False
            self._next()

    def _answered(self, turn: Turn, wire: bytes, sent: float, now: float) -> None:
        facts = turn.facts
        assert facts is not None
        if "tc" in facts.flags:
            self._spawn(self._connected(turn, "tcp", sent))
            return
        self._finish(turn, facts, wire, sent, now - sent, "udp")

    def _finish(self, turn: Turn, facts: Facts, wire: bytes, sent: float, latency: float, transport: Transport) -> None:
        """The last step of every answer that was accepted."""
        trust = self._trust.get(turn.question.zone)
        asked = sent + self._offset
        if trust is not None and (facts.version is not trust.version or asked >= facts.until):
            turn.verify(facts, wire, trust)
        event = observation(
            turn.question,
            facts,
            self._observer.probe(),
            dt.datetime.fromtimestamp(asked, dt.UTC),
            transport,
            latency,
            wire=wire,
            keep=turn.news(facts),
        )
        self._done(turn, event)

    def _silent(self, turn: Turn, why: Silence, sent: float) -> None:
        asked = dt.datetime.fromtimestamp(sent + self._offset, dt.UTC)
        event = observation(
            turn.question, fact.silence(turn.question), self._observer.probe(), asked, "udp", None, outcome=why
        )
        self._done(turn, event)

    def _done(self, turn: Turn, event: Observation) -> None:
        turn.flying = False
        self.counts.done(event.outcome)
        if event.outcome not in SILENT:
            self._heard(event.server.address)
        if turn in self._controls:
            self._observer.control(self._controls[turn], fine=event.outcome in _GOOD)
        self._emit(event)
        if self._waiting:
            self._next()

    def _heard(self, address: str) -> None:
        self._observer.answered(time.monotonic(), address)

    def _next(self) -> None:
        if self._waiting and not self._stopping and self.counts.in_flight < self._config.in_flight:
            self._ask(self._waiting.popleft())

    async def _connected(self, turn: Turn, transport: Transport, sent: float) -> None:
        """Ask over a connection: what is meant to, and what came truncated over UDP."""
        question = turn.question._replace(transport=transport)
        left = max(0.01, self._timeout - (time.monotonic() - sent))
        try:
            event = await ask(
                question,
                self._observer.probe(),
                left,
                self._trust.get(question.zone),
                self._pool,
                expectation=turn.expectation,
                news=turn.news,
            )
        except OSError as error:
            self._say("local", f"could not ask: {error}")
            self.counts.failed += 1
            turn.flying = False
            self._next()
        else:
            if event.detail is not None:
                self._say(f"{question.target}", f"{question.target.address} over {transport}: {event.detail}")
            self._done(turn, event)

    async def _watch(self, zone: Zone, stop: asyncio.Event) -> None:
        """Find the zone's servers again and again. What was known stays in use while it fails."""
        name = parse(zone.zone)
        while not stop.is_set():
            started = time.monotonic()
            try:
                view = await look(name, self._walker, self._observer.probe(), self._timeout, self._reach)
                await self._trusted(zone, view)
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

    async def _trusted(self, zone: Zone, view: ZoneView) -> None:
        """Bring the zone's keys up to date, and those of the zones that its names and their aliases lead to."""
        if not self._config.dnssec:
            return
        known = self._trust.get(zone.zone)
        names = dict.fromkeys(parse(name.name) for name in zone.names)
        if known is not None:
            names |= dict.fromkeys([*known.others, *known.wanted])
        others = {}
        for name in list(names)[:_MOST_NAMES]:
            try:
                cut = await self._walker.enclosing(name)
            except DiscoveryError as error:
                log.debug("keys for %s: %s", name, error)
            else:
                if cut.zone != view.chain.zone:
                    others[name] = cut.chain
        if known is None or known.chain != view.chain or dict(known.others) != others:
            self._trust[zone.zone] = Trust(view.chain, others)

    def _plan(self, zone: Zone) -> None:
        """Bring the zone's questions up to date with its servers."""
        view = self._views.get(zone.zone)
        wanted: dict[Question, Turn | None] = {}
        for name in zone.names:
            for qtype in name.types:
                for resolver in self._resolvers:
                    wanted[
                        Question(
                            zone.zone, name.name, qtype, resolver.target, "recursive", resolver.name, resolver.transport
                        )
                    ] = None
                for server in view.servers if view is not None else ():
                    wanted[Question(zone.zone, name.name, qtype, server.target, "authoritative", server.name)] = None
        for question in [q for q in self._turns if q.zone == zone.zone and q not in wanted]:
            self._turns.pop(question).active = False
        expected = {(name.name, qtype): e for name in zone.names for qtype, e in name.expect.items()}
        for question in wanted:
            if question not in self._turns:
                turn = Turn(question, expected.get((question.name, question.qtype)))
                self._turns[question] = turn
                self._schedule(turn)

    def _schedule(self, turn: Turn) -> None:
        # The same place within the interval for the same question, so that load stays even.
        first = time.monotonic() + _phase(turn.question) * min(self._interval, _FIRST_ROUND)
        self._number += 1
        heapq.heappush(self._queue, (first, self._number, turn))

    def _plan_control(self) -> None:
        """One question to each resolver that does not depend on any watched zone."""
        control = self._config.control
        for resolver in self._resolvers if control is not None else ():
            assert control is not None
            name = resolver.name or resolver.address
            question = Question(
                control.name,
                control.name,
                control.type,
                resolver.target,
                "recursive",
                resolver.name,
                resolver.transport,
            )
            turn = Turn(question)
            self._controls[turn] = f"{name} over {resolver.transport}"
            self._schedule(turn)

    async def _look_at_itself(self) -> None:
        """Compare the clock, and see whether anybody answers at all."""
        server = self._config.time_server
        compared = float("-inf")
        while True:
            now = time.monotonic()
            if server is not None and now - compared > _CLOCK_EVERY:
                compared = now
                await self._observer.compare(server.address, server.port, self._timeout)
            asking = bool(self._turns or self._controls)
            patience = 2 * self._interval + self._timeout
            self._observer.judge(time.monotonic(), patience, max(patience, 2 * self._refresh), asking=asking)
            await asyncio.sleep(1.0)

    async def _compare(self, parity: Parity) -> None:
        """Ask every question over every way, one after the other, once an interval."""
        interval = float(parity.interval)
        while True:
            questions = self._comparable()
            for question, several in questions:
                events = await compare(question, several, self._observer.probe(), self._timeout, self._pool)
                for event in events:
                    self._say(f"parity {question}", f"{event.name} {event.qtype}: {event.violations[-1].text}")
                    self._emit(event)
                await asyncio.sleep(interval / (len(questions) + 1))
            await asyncio.sleep(interval / (len(questions) + 1) if questions else 1.0)

    def _comparable(self) -> list[tuple[Question, tuple[Way, ...]]]:
        """Each question to each server, with the ways to it; a resolver's ways go by its name."""
        assert self._config.parity is not None
        targets: dict[tuple[str, str, str, str], list[Question]] = {}
        for question in self._turns:
            server = question.server_name if question.role == "recursive" else None
            key = question.name, question.qtype, question.role, server or question.target.address
            targets.setdefault(key, []).append(question)
        return [
            (several[0], ways([(q.target, q.transport) for q in several], self._config.parity.sizes))
            for several in targets.values()
        ]

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
            if len(self._said) > 10_000:
                self._said.clear()
            self._said[subject] = text
            log.warning("%s", text)


def _phase(question: Question) -> float:
    """A place in [0, 1) that is always the same for the same question."""
    key = f"{question.zone}\t{question.name}\t{question.qtype}\t{question.target.address}\t{question.target.port}"
    return int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big") / 2**32

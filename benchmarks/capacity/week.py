"""A week of many zones, simulated event by event: what queues up, how late incidents are, and how many page.

Between two events all rates are steady, and each member's queue is known without a look at every message: it is long
by what came and was not done. So an event here is what changes a rate (the hour of the day, a fault, a death, a pause)
or a turn of the correlation, and a week takes seconds.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Literal, NamedTuple

import simpy
from msgspec import Struct

from .model import STEP, Load, worker_cores

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from .coefficients import Coefficients

    Process = Generator[simpy.Event, Any, None]

Engine = Literal["group", "flink"]
HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0


class Setting(Struct, frozen=True, kw_only=True):
    """What is simulated. Times are seconds from the beginning of the week, a Monday at midnight UTC."""

    load: Load = Load(zones=1_000_000, interval=300.0)
    engine: Engine = "group"
    members: int = 120
    """Workers of the group, or slots of Flink."""
    together: bool = True
    """Zones of one owner that fail for one cause are one incident; else each is one for itself, as where each has
    another owner."""
    seed: int = 7
    # What happens.
    wave: float = 0.15
    """By how much of its mean the load goes up by day and down by night: what is seen passively."""
    zone_faults: float = 1.0
    """Of a zone in a year, of its own, each for half an hour."""
    dark: tuple[float, float] = (1 * DAY + 9 * HOUR, 1800.0)
    """One region's probes have no network: from when, and for how long; what they kept comes at once."""
    provider: tuple[float, float, float] = (2 * DAY + 14 * HOUR, 7200.0, 0.08)
    """A provider is out: from when, for how long, and for which share of zones."""
    death: float = 3 * DAY + 11 * HOUR
    """A member dies."""
    parent: tuple[float, float, float] = (4 * DAY + 16 * HOUR, 2400.0, 0.30)
    """A TLD fails: from when, for how long, and for which share of zones."""
    parent_ttl: float = 3600.0
    """Seconds for which resolvers know a delegation: a TLD's fault is seen as it runs out."""
    pause: tuple[float, float] = (5 * DAY + 10 * HOUR, 120.0)
    """The database takes nothing."""
    # What is assumed of the rules and the engines.
    window: float = 300.0
    """Of the rule, for zones of no special importance."""
    lateness: float = 10.0
    hold: float = 15.0
    joins: float = 1800.0
    """Seconds for which zones join an incident of their parent."""
    share: float = 0.9
    """Of the window that must have failed."""
    turn: float = 1.0
    """Seconds from one turn of the correlation to the next."""
    session: float = 10.0
    """Until the group sees that a member is gone."""
    flink_cost: float = 2.0
    """Assumed, not measured: times the pure step, of the judgement on Flink."""
    flink_restart: float = 60.0
    """Assumed, not measured: until the job goes on from its checkpoint, which is a minute old on average."""


class Sample(NamedTuple):
    """How it is at one moment."""

    time: float
    waiting: float
    """Events that are not judged yet, of all members."""
    findings: float
    """Findings that are not correlated yet."""
    open: float
    """Incidents that are open."""


class Fault(NamedTuple):
    """What became of one."""

    name: str
    zones: int
    """Whose trouble was noticed before it was over."""
    told: int
    """Zones of which there was an incident before the week was over."""
    delays: tuple[float, ...]
    """Seconds from the zone's fault to its incident, of a sample of these."""
    pages: int

    def at(self, share: float) -> float:
        """The delay that this share of them does not exceed."""
        ordered = sorted(self.delays)
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class Week(NamedTuple):
    """What came of it."""

    setting: Setting
    capacity: float
    """Events a second that all members can take."""
    samples: tuple[Sample, ...]
    faults: tuple[Fault, ...]
    pages: dict[int, int]
    """By minute."""
    events: int
    """Of the simulation."""


class _Batch(NamedTuple):
    """Findings that come together, of one fault."""

    fault: str
    began: float
    """When these zones began to fail, on average."""
    number: int
    pages: int
    cleared: bool = False
    """Whether they say that it is over: they cost as much, and page nobody."""


class _Member:
    """A worker or a slot: what waits for it."""

    def __init__(self, rate: float, capacity: float) -> None:
        self.rate, self.capacity = rate, capacity
        self.stopped = False
        self.waiting = 0.0
        self.since = 0.0

    def follow(self, now: float) -> None:
        """Until now nothing changed."""
        speed = 0.0 if self.stopped else self.capacity
        self.waiting = max(0.0, self.waiting + (self.rate - speed) * (now - self.since))
        self.since = now


def run(setting: Setting, figures: Coefficients) -> Week:
    """Simulate. The same setting and figures give the same week.

    Args:
        setting: what is simulated.
        figures: costs that were measured.
    """
    return _Simulation(setting, figures).run()


def capacity(setting: Setting, figures: Coefficients) -> float:
    """Events a second that one member takes: of CPU alone, the database keeping up."""
    load = setting.load
    if setting.engine == "flink":
        ticks = load.zones / STEP * figures["tick_cpu"] / load.rate
        return 1.0 / (setting.flink_cost * (figures["judge_cpu"] + ticks))
    return load.rate / worker_cores(load, figures)


class _Simulation:
    def __init__(self, setting: Setting, figures: Coefficients) -> None:
        self.setting, self.figures = setting, figures
        self.random = random.Random(setting.seed)
        self.env = simpy.Environment()
        each = capacity(setting, figures)
        load = setting.load
        # Zones are spread by a hash: some members have a few more.
        weights = [
            self.random.gauss(1.0, 1.0 / math.sqrt(load.zones / setting.members)) for _ in range(setting.members)
        ]
        self.weights = [weight / sum(weights) for weight in weights]
        self.members = [_Member(load.rate * weight, each) for weight in self.weights]
        self.capacity = each * setting.members
        self.factor, self.burst = 1.0, 0.0
        self.samples: list[Sample] = []
        self.queue: list[_Batch] = []
        self.arrived = self.env.event()
        self.open, self.working = 0.0, 0
        self.known: dict[str, list[float]] = {}
        self.zones: dict[str, int] = {}
        self.paged: dict[str, int] = {}
        self.told: dict[str, int] = {}
        self.pages: dict[int, int] = {}
        self.database = True
        self.events = 0

    def run(self) -> Week:
        setting = self.setting
        processes = (
            self._hours(), self._look(), self._dark(), self._death(), self._paused(), self._correlate(),
            self._singles(),
            self._together("a provider's outage", setting.provider, 0.0),
            self._together("a TLD's failure", setting.parent, setting.parent_ttl),
        )  # fmt: skip
        for process in processes:
            self.env.process(process)
        while self.env.peek() < WEEK:
            self.env.step()
            self.events += 1
        faults = tuple(
            Fault(name, zones, self.told.get(name, 0), tuple(self.known.get(name, ())), self.paged.get(name, 0))
            for name, zones in sorted(self.zones.items())
        )
        return Week(
            setting, self.capacity, tuple(self.samples), faults, self.pages, self.events
        )  # fmt: skip

    # What changes rates.

    def _hours(self) -> Process:
        """Up by day, down by night, a little by chance, every ten minutes."""
        while True:
            angle = 2 * math.pi * (self.env.now / DAY - 14 / 24)
            self.factor = 1.0 + self.setting.wave * math.cos(angle) + self.random.gauss(0.0, 0.01)
            self._rates()
            yield self.env.timeout(600.0)

    def _dark(self) -> Process:
        """A region is silent; then it sends what it kept, as fast as half of the whole load, beside what is new."""
        start, length = self.setting.dark
        yield self.env.timeout(start)
        load = self.setting.load
        own = load.rate / load.regions
        self.burst = -own
        self._rates()
        yield self.env.timeout(length)
        self.burst = load.rate / 2
        self._rates()
        yield self.env.timeout(own * length / self.burst)
        self.burst = 0.0
        self._rates()

    def _death(self) -> Process:
        """In a group, the others take its partitions over, once it is missed and they have read its states; Flink
        stops as a whole, and does the time since its checkpoint again."""
        setting = self.setting
        yield self.env.timeout(setting.death)
        if setting.engine == "flink":
            self._stop(self.members, True)
            yield self.env.timeout(setting.flink_restart)
            self._note()
            for member in self.members:
                member.waiting += member.rate * 30.0
            self._stop(self.members, False)
            return
        gone = self.members[0]
        self._stop([gone], True)
        zones = setting.load.zones * self.weights[0]
        others = self.members[1:] or [gone]
        yield self.env.timeout(setting.session + zones * self.figures["state_load"] / len(others))
        self._note()
        for member in others:
            member.waiting += gone.waiting / len(others)
        if others != [gone]:
            self.weights = [0.0, *(w + self.weights[0] / len(others) for w in self.weights[1:])]
            gone.waiting = 0.0
        self._rates()
        yield self.env.timeout(1800.0)  # it is there again
        number = len(self.members)
        self.weights = [1.0 / number] * number
        gone.stopped = False
        self._rates()

    def _paused(self) -> Process:
        """The group waits with every batch; Flink judges on, and its incidents wait to be paged."""
        start, length = self.setting.pause
        yield self.env.timeout(start)
        self.database = False
        if self.setting.engine == "group":
            self._stop(self.members, True)
        yield self.env.timeout(length)
        self.database = True
        self._stop(self.members, False)

    def _rates(self) -> None:
        total = max(0.0, self.setting.load.rate * self.factor + self.burst)
        for member, weight in zip(self.members, self.weights, strict=True):
            member.follow(self.env.now)
            member.rate = total * weight

    def _stop(self, members: list[_Member], stopped: bool) -> None:
        self._note()
        for member in members:
            member.follow(self.env.now)
            member.stopped = stopped

    def _look(self) -> Process:
        """Every minute, and every 5 s while something waits."""
        while True:
            sample = self._note()
            yield self.env.timeout(5.0 if sample.waiting or sample.findings else 60.0)

    def _note(self) -> Sample:
        for member in self.members:
            member.follow(self.env.now)
        waiting = sum(member.waiting for member in self.members)
        findings = self.working + sum(batch.number for batch in self.queue)
        self.samples.append(Sample(self.env.now, waiting, findings, self.open))
        return self.samples[-1]

    # What fails.

    def _singles(self) -> Process:
        """Zones that fail by themselves, now and then."""
        setting = self.setting
        mean = 365 * DAY / (setting.zone_faults * setting.load.zones)
        while True:
            yield self.env.timeout(self.random.expovariate(1.0 / mean))
            self.env.process(self._one())

    def _one(self) -> Process:
        began = self.env.now
        self.zones["zones of their own"] = self.zones.get("zones of their own", 0) + 1
        yield self.env.timeout(self._noticed())
        self._found(_Batch("zones of their own", began, 1, 1))
        yield self.env.timeout(1800.0)
        self._found(_Batch("zones of their own", began, 1, 1, cleared=True))

    def _together(self, name: str, fault: tuple[float, float, float], ttl: float) -> Process:
        """Many zones fail, at once or as caches run out. Their findings come by the steps of the rules."""
        setting, load = self.setting, self.setting.load
        start, length, share = fault
        yield self.env.timeout(start)
        hit = round(load.zones * share)
        slices: dict[int, tuple[int, float]] = {}
        drawn = min(hit, 20_000)  # stand for all: each for so many zones
        for _ in range(drawn):
            begins = self.random.uniform(0.0, ttl) if ttl else 0.0
            noticed = begins + self._noticed()
            if noticed - setting.hold > length:  # it is over before the window is full
                continue
            number, total = slices.get(int(noticed // STEP), (0, 0.0))
            slices[int(noticed // STEP)] = (number + 1, total + begins)
        drawn_so_far = seen = told = known = met = 0
        first = math.inf
        for place, (number, begins) in sorted(slices.items()):
            yield self.env.timeout(max(0.0, start + place * STEP - self.env.now))
            drawn_so_far += number
            zones = round(drawn_so_far * hit / drawn) - seen
            seen += zones
            if ttl and place * STEP - first >= setting.joins:
                first, known, met = place * STEP, 0, 0  # later ones are incidents anew
            first = min(first, place * STEP)
            # How many of the owners have been met, of so many zones that belong to them by chance.
            known += zones
            owners = round(load.teams * (1 - (1 - 1 / load.teams) ** known))
            pages = owners - met if setting.together else zones
            met, told = owners, told + pages
            self.zones[name] = seen
            self._found(_Batch(name, start + begins / number, zones, pages))
        yield self.env.timeout(max(0.0, start + length + setting.window - self.env.now))
        self._found(_Batch(name, start + length, seen, told, cleared=True))

    def _noticed(self) -> float:
        """Seconds that are meant, from a zone's fault to its incident: most of the window has to have failed."""
        setting = self.setting
        return (
            self.random.uniform(setting.share, 1.0) * setting.window
            + self.random.uniform(0.0, STEP) + setting.lateness + setting.hold
        )  # fmt: skip

    # From findings to pages.

    def _found(self, batch: _Batch) -> None:
        """After what waits before them on the bus; members differ, and the longest queue is the last to tell."""
        self.env.process(self._judged(batch))

    def _judged(self, batch: _Batch) -> Process:
        member = self.random.choice(self.members) if batch.number == 1 else max(self.members, key=lambda m: m.waiting)
        member.follow(self.env.now)
        yield self.env.timeout(member.waiting / member.capacity)
        while member.stopped:
            yield self.env.timeout(5.0)
        self.queue.append(batch)
        if not self.arrived.triggered:
            self.arrived.succeed()

    def _correlate(self) -> Process:
        """One for all: a turn a second, of all that waits; each finding looks at every incident that is open."""
        setting, figures = self.setting, self.figures
        while True:
            if not self.queue:
                self.arrived = self.env.event()
                yield self.arrived
            if setting.engine == "group" and not self.database:
                yield self.env.timeout(5.0)
                continue
            batches, self.queue = self.queue, []
            # In parts, because each costs more than the one before it.
            done: list[_Batch] = []
            while batches:
                batch = batches.pop(0)
                part = min(batch.number, 500)
                pages = batch.pages * part // batch.number
                cost = part * self._cost(batch)
                if part < batch.number:
                    batches.insert(0, batch._replace(number=batch.number - part, pages=batch.pages - pages))
                self.open = max(0.0, self.open + (-pages if batch.cleared else pages))
                self.working = sum(waiting.number for waiting in batches) + part
                yield self.env.timeout(cost)
                done.append(batch._replace(number=part, pages=pages))
            self.working = 0
            # All of the state is written with the turn, and nothing of it is told before.
            yield self.env.timeout(setting.turn + self.open * figures["correlate_dump"])
            while not self.database:
                yield self.env.timeout(5.0)
            for batch in done:
                if not batch.cleared:
                    self._tell(batch)

    def _cost(self, batch: _Batch) -> float:
        """Of one finding: it looks at every open incident, and at the zones of the one that it joins."""
        figures = self.figures
        joins = batch.pages < batch.number and not batch.cleared
        joined = self.zones[batch.fault] / self.setting.load.teams if joins else 0.0
        each = figures["correlate_cpu"] + self.open * figures["correlate_open"]
        return each + joined / 2 * figures["correlate_joined"]

    def _tell(self, batch: _Batch) -> None:
        minute = int(self.env.now // 60)
        self.pages[minute] = self.pages.get(minute, 0) + batch.pages
        self.told[batch.fault] = self.told.get(batch.fault, 0) + batch.number
        self.paged[batch.fault] = self.paged.get(batch.fault, 0) + batch.pages
        self.known.setdefault(batch.fault, []).extend([self.env.now - batch.began] * max(1, batch.number // 50))

"""One generated zone: what probes in three regions see of it, with the noise of every day.

Noise: lost packets, a region without network for minutes, a resolver that fails, restarts of servers, TTLs that count
down, and a planned change of address that caches follow.
"""

from __future__ import annotations

import datetime as dt
import random
from functools import lru_cache
from typing import TYPE_CHECKING

from dns_events import Delegation, Dnssec, Observation, Probe, Record, Server
from dns_rules import Zone
from dns_rules.inventory import Change, Expectation

from .faults import FAULTS, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
REGIONS = ("ap-south", "eu-west", "us-east")
SERVERS = ("192.0.2.1", "192.0.2.2")
TTL = 300
DAY = 1440
"""Minutes."""
MONTH = 30 * DAY
_OLD, _NEW, _ROGUE = "198.51.100.1", "198.51.100.2", "203.0.113.66"
_PROBES = {region: Probe(id=f"{region}-1", region=region) for region in REGIONS}
_RESOLVER = Server(address="127.0.0.53", role="recursive")
_VALIDATED = {"secure": Dnssec(status="secure"), "bogus": Dnssec(status="bogus", cause="rrsig_expired")}
_RCODES = {"timeout": None, "servfail": "SERVFAIL"}
#: Seconds from one look at the delegation to the next, where questions are not further apart.
_LOOK = 300


class Watched:
    """One zone for so many minutes.

    Args:
        number: of the zone; with the seed, all that happens in it.
        seed: of the whole run.
        interval: seconds from one question to the same one again.
        seldom: the same for a name that is asked for less often; rounded to whole intervals.
        start: of its life.
        minutes: of it.
        fault: what goes wrong in it, if anything does.
        servers: addresses of its two name servers.
        owner: its team.
        regions: from which it is asked.
    """

    def __init__(
        self,
        number: int,
        seed: int,
        *,
        interval: int = 60,
        seldom: int = 180,
        start: dt.datetime = START,
        minutes: int = MONTH,
        fault: Fault | None = None,
        servers: tuple[str, str] = SERVERS,
        owner: str = "web",
        regions: tuple[str, ...] = REGIONS,
    ) -> None:
        self._random = rng = random.Random(f"{seed}/{number}")
        self.name = f"zone{number}.example"
        self.fault = fault
        self.start = start
        self._interval = interval
        self._seldom, self._looks = (max(1, every // interval) for every in (seldom, _LOOK))
        self._regions = regions
        self._servers = tuple(Server(address=address, role="authoritative") for address in servers)
        self._last = self._servers[-1]
        self._loss = {region: rng.uniform(0.002, 0.01) for region in regions}
        self._dark = _spells(rng, minutes, 4, 2, 4, regions)
        self._ill = _spells(rng, minutes, 3, 5, 20, regions)
        self._restart = _spells(rng, minutes, 2, 1, 1, servers)
        self.change = _change(rng, minutes, fault)
        #: Each region's resolver asks anew at another moment after the change.
        self._follows = {region: self.change + rng.randrange(1, TTL // 60 + 1) for region in regions}
        self._head, self._events = "{:08x}-{:04x}-4{:03x}-8{:03x}".format(*map(rng.getrandbits, (32, 16, 12, 12))), 0
        began = start + dt.timedelta(minutes=self.change - 60)
        self.zone = Zone(
            zone=self.name,
            owner=owner,
            dnssec="required",
            nameservers=(f"ns1.{self.name}",),
            records=(
                Expectation(name=f"www.{self.name}", type="A", expect="any"),
                Expectation(name=f"api.{self.name}", type="A", expect=(_OLD,)),
            ),
            changes=(Change(id="CHG", start=began, end=began + dt.timedelta(hours=3), allow=("records",)),),
        )

    def events(self, begin: int, end: int) -> list[Event]:
        """What is seen from one minute to another, in the order of its time; called for one time after the other."""
        found: list[Event] = []
        for number in range(-(-begin * 60 // self._interval), -(-end * 60 // self._interval)):
            for place, region in enumerate(self._regions):
                after = self._interval * (place / len(self._regions) + self._random.uniform(0, 1 / 12))
                time = self.start + dt.timedelta(seconds=number * self._interval + after)
                minute = int(number * self._interval + after) // 60
                found += self._look(
                    minute, time, region, api=number % self._seldom == 0, delegation=number % self._looks == 0
                )
        found.sort(key=lambda event: (event.time, event.id))
        return found

    def _look(self, minute: int, time: dt.datetime, region: str, *, api: bool, delegation: bool) -> Iterator[Event]:
        """What one region sees in one round."""
        broken = self.fault.kind if self.fault is not None and self.fault.begin <= minute < self.fault.end else ""
        dark = minute in self._dark[region]
        lost, draw = self._loss[region], self._random.random
        status = "bogus" if broken == "bogus" else "secure"
        emptied = broken == "record emptied"
        for server in self._servers:
            last = server is self._last
            down = dark or minute in self._restart[server.address]
            down = down or broken == "outage" or (broken == "server down" and last)
            data = _NEW if minute >= self.change and not (broken == "server lags" and last) else _OLD
            outcome = "timeout" if down or draw() < lost else "nodata" if emptied else "answer"
            yield self._said("www", time, region, server, outcome, data, status)
            if api:
                outcome = "timeout" if down or draw() < lost else "answer"
                value = _ROGUE if broken == "record replaced" else _OLD
                yield self._said("api", time, region, server, outcome, value, status)
        failing = minute in self._ill[region] or broken in {"outage", "bogus"}
        outcome = "timeout" if dark else "servfail" if failing else "nodata" if emptied else "answer"
        data = _NEW if minute >= self._follows[region] else _OLD
        data = _ROGUE if broken == "rogue answer" and region == self._regions[0] else data
        yield self._said("www", time, region, _RESOLVER, outcome, data, None, self._random.randint(1, TTL))
        if delegation and not dark:
            yield Delegation(
                id=self._id(),
                time=time,
                probe=_PROBES[region],
                zone=self.name,
                parent_ns=(f"ns{'9' if broken == 'name servers replaced' else '1'}.{self.name}",),
                ds=() if broken == "DS removed" else ("12345 13 2 AB",),
                signatures_expire=time + dt.timedelta(days=7),
            )

    def _said(
        self,
        label: str,
        time: dt.datetime,
        region: str,
        server: Server,
        outcome: str,
        data: str,
        status: str | None,
        ttl: int = TTL,
    ) -> Observation:
        name = f"{label}.{self.name}"
        there = outcome == "answer"
        return Observation(
            id=self._id(),
            time=time,
            probe=_PROBES[region],
            zone=self.name,
            name=name,
            qtype="A",
            server=server,
            transport="udp",
            outcome=outcome,  # type: ignore[arg-type]  # one of the contract's
            rcode=_RCODES.get(outcome, "NOERROR"),
            answers=_answer(name, ttl, data) if there else (),
            ttl=ttl if there else None,
            latency=None if outcome == "timeout" else 0.02,
            dnssec=_VALIDATED[status] if there and status is not None else None,
        )

    def _id(self) -> str:
        """A UUID; making one of random bits each time takes as long as the rest of an event."""
        self._events += 1
        return f"{self._head}-{self._events:012x}"


@lru_cache(maxsize=4096)
def _answer(name: str, ttl: int, data: str) -> tuple[Record, ...]:
    return (Record(name=name, type="A", ttl=ttl, data=data),)


def _spells(
    rng: random.Random, minutes: int, monthly: int, least: int, most: int, whose: tuple[str, ...]
) -> dict[str, set[int]]:
    """Minutes in which something is not well with each: so many spells a month, each of so many minutes."""
    found: dict[str, set[int]] = {one: set() for one in whose}
    for _ in range(int(monthly * minutes / MONTH + rng.random())):
        begin = rng.randrange(minutes)
        found[rng.choice(whose)].update(range(begin, begin + rng.randint(least, most)))
    return found


def _change(rng: random.Random, minutes: int, fault: Fault | None) -> int:
    """The minute of the planned change, far from what goes wrong; it is what a server lags behind."""
    if fault is not None and fault.kind == "server lags":
        return fault.begin
    margin, apart = minutes // 15, min(300, minutes // 8)
    change = rng.randrange(margin, minutes - margin)
    while fault is not None and abs(change - fault.begin) < apart:
        change = rng.randrange(margin, minutes - margin)
    return change


def month(number: int, seed: int, interval: int = 60) -> Watched:
    """A zone-month, with each kind of fault in turn at a random moment."""
    kinds = tuple(FAULTS)
    begin = random.Random(f"{seed}/{number}/fault").randrange(3 * DAY, 28 * DAY)
    return Watched(number, seed, interval=interval, fault=Fault(kinds[number % len(kinds)], begin, interval))

"""Months of healthy zones with the noise of every day, and one fault in each: what is found, and what is false.

Each zone-month is a zone of its own with 30 days of questions once a minute from three regions, to two servers and a
resolver. Noise: lost packets, a region without network for minutes, a resolver that fails, restarts of servers, TTLs
that count down, and a planned change of address that caches follow. One fault comes at a random moment.
"""

from __future__ import annotations

import datetime as dt
import random
import sys
import uuid
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dns_events import Delegation, Dnssec, Observation, Probe, Record, Server
from dns_rules import Engine, Inventory, Team, Zone, load_rules
from dns_rules.inventory import Change, Expectation

from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event
    from dns_rules import Incident

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
MINUTES = 30 * 24 * 60
REGIONS = ("ap-south", "eu-west", "us-east")
SERVERS = ("192.0.2.1", "192.0.2.2")
TTL = 300
_OLD, _NEW, _ROGUE = "198.51.100.1", "198.51.100.2", "203.0.113.66"
_PROBES = {region: Probe(id=f"{region}-1", region=region) for region in REGIONS}
#: What may go wrong: the rule that must say so, minutes within which, and for how many minutes it lasts.
FAULTS = {
    "outage": ("zone-outage", 8, 25),
    "server down": ("authoritative-server-failing", 8, 25),
    "bogus": ("dnssec-validation-failing", 7, 25),
    "record emptied": ("expected-data-missing", 8, 25),
    "name servers replaced": ("nameservers-changed", 12, 90),
    "DS removed": ("ds-changed", 12, 90),
    "record replaced": ("records-changed", 10, 90),
    "server lags": ("server-lagging", 14, 60),
    "rogue answer": ("answers-rogue", 7, 60),
}


class Fault(NamedTuple):
    """One thing that goes wrong."""

    kind: str
    begin: int
    """Minutes from the start."""

    @property
    def end(self) -> int:
        return self.begin + FAULTS[self.kind][2]


class Month:
    """One zone for a month.

    Args:
        number: of the zone-month; with the seed, all that happens in it.
        seed: of the whole run.
    """

    def __init__(self, number: int, seed: int) -> None:
        self._random = rng = random.Random(f"{seed}/{number}")
        self.name = f"zone{number}.example"
        kinds = tuple(FAULTS)
        self.fault = Fault(kinds[number % len(kinds)], rng.randrange(3 * 1440, 28 * 1440))
        self._loss = {region: rng.uniform(0.002, 0.01) for region in REGIONS}
        self._dark = self._spells(rng, 4, 2, 4, REGIONS)
        self._ill = self._spells(rng, 3, 5, 20, REGIONS)
        self._restart = self._spells(rng, 2, 1, 1, SERVERS)
        lagging = self.fault.kind == "server lags"
        self.change = self.fault.begin if lagging else rng.randrange(2 * 1440, 28 * 1440)
        while not lagging and abs(self.change - self.fault.begin) < 300:
            self.change = rng.randrange(2 * 1440, 28 * 1440)
        #: Each region's resolver asks anew at another moment after the change.
        self._follows = {region: self.change + rng.randrange(1, TTL // 60 + 1) for region in REGIONS}
        began = START + dt.timedelta(minutes=self.change - 60)
        self.zone = Zone(
            zone=self.name,
            owner="web",
            dnssec="required",
            nameservers=(f"ns1.{self.name}",),
            records=(
                Expectation(name=f"www.{self.name}", type="A", expect="any"),
                Expectation(name=f"api.{self.name}", type="A", expect=(_OLD,)),
            ),
            changes=(Change(id="CHG", start=began, end=began + dt.timedelta(hours=3), allow=("records",)),),
        )

    @staticmethod
    def _spells(
        rng: random.Random, number: int, least: int, most: int, whose: tuple[str, ...]
    ) -> list[tuple[str, range]]:
        spells = []
        for _ in range(number):
            begin = rng.randrange(MINUTES)
            spells.append((rng.choice(whose), range(begin, begin + rng.randint(least, most))))
        return spells

    def day(self, number: int) -> list[Event]:
        """The events of one day, in the order of their time."""
        found: list[Event] = []
        for minute in range(number * 1440, (number + 1) * 1440):
            broken = self.fault.kind if self.fault.begin <= minute < self.fault.end else ""
            for place, region in enumerate(REGIONS):
                time = START + dt.timedelta(minutes=minute, seconds=20 * place + self._random.uniform(0, 5))
                found += self._look(minute, time, region, broken)
        found.sort(key=lambda event: (event.time, event.id))
        return found

    def _look(self, minute: int, time: dt.datetime, region: str, broken: str) -> Iterator[Event]:
        dark = any(region == where and minute in spell for where, spell in self._dark)
        for server in SERVERS:
            down = dark or any(server == where and minute in spell for where, spell in self._restart)
            down = down or broken == "outage" or (broken == "server down" and server == SERVERS[1])
            late = broken == "server lags" and server == SERVERS[1]
            data = _NEW if minute >= self.change and not late else _OLD
            outcome = "timeout" if down or self._random.random() < self._loss[region] else "answer"
            if outcome == "answer" and broken == "record emptied":
                outcome = "nodata"
            status = "bogus" if broken == "bogus" else "secure"
            yield self._said("www", time, region, Server(address=server, role="authoritative"), outcome, data, status)
            if minute % 3 == 0:
                value = _ROGUE if broken == "record replaced" else _OLD
                kind = "timeout" if down else "answer"
                yield self._said("api", time, region, Server(address=server, role="authoritative"), kind, value, status)
        ill = any(region == where and minute in spell for where, spell in self._ill)
        failing = dark or ill or broken in {"outage", "bogus"}
        outcome = (
            ("timeout" if dark else "servfail") if failing else "nodata" if broken == "record emptied" else "answer"
        )
        data = _NEW if minute >= self._follows[region] else _OLD
        data = _ROGUE if broken == "rogue answer" and region == REGIONS[0] else data
        resolver = Server(address="127.0.0.53", role="recursive")
        yield self._said("www", time, region, resolver, outcome, data, None, self._random.randint(1, TTL))
        if minute % 5 == 0 and not dark:
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
            rcode=None if outcome == "timeout" else "SERVFAIL" if outcome == "servfail" else "NOERROR",
            answers=(Record(name=name, type="A", ttl=ttl, data=data),) if there else (),
            ttl=ttl if there else None,
            latency=None if outcome == "timeout" else 0.02,
            dnssec=Dnssec(status=status, cause="rrsig_expired" if status == "bogus" else None)  # type: ignore[arg-type]
            if there and status is not None
            else None,
        )

    def _id(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


class Outcome(NamedTuple):
    """What was said of one zone-month."""

    kind: str
    found: bool
    """By its rule, within the promise."""
    said: tuple[str, ...]
    """Rules that paged in the time of the fault."""
    false: tuple[str, ...]
    """Titles of pages at other times."""
    state: int
    """Bytes at the end."""


def judge(month: Month) -> Outcome:
    """Put a zone-month through the engine, a day at a time."""
    engine = Engine(Inventory(version=1, teams={"web": Team(name="Web")}, zones=(month.zone,)), load_rules())
    changes: list[Incident] = []
    for day in range(MINUTES // 1440):
        changes += engine.step(month.day(day)).incidents
    changes += engine.finish().incidents
    fired: dict[str, Incident] = {}
    for incident in changes:
        if incident.state == "firing":
            fired.setdefault(incident.id, incident)
    rule, promise, _ = FAULTS[month.fault.kind]
    minutes = {i.id: (i.updated - START).total_seconds() / 60 for i in fired.values()}
    during = [i for i in fired.values() if month.fault.begin <= minutes[i.id] <= month.fault.end + 20]
    found = any(rule in i.findings and minutes[i.id] <= month.fault.begin + promise for i in during)
    return Outcome(
        kind=month.fault.kind,
        found=found,
        said=tuple(i.rule for i in during),
        false=tuple(f"{month.name}: {i.updated:%m-%d %H:%M}: {i.title}" for i in fired.values() if i not in during),
        state=len(engine.judgement.dump(month.name)),
    )


def figures(months: int = 9, seed: int = 20261125) -> Iterator[Figure]:
    """Recall, false pages and the size of a zone's state; the confusion table goes to stderr.

    Args:
        months: how many zone-months; a multiple of the number of faults has all of them equally often.
        seed: of all that happens.
    """
    outcomes = []
    for number in range(months):
        outcomes.append(judge(Month(number, seed)))
        print(f"\r{number + 1} of {months} zone-months", end="", file=sys.stderr)
    print(file=sys.stderr)
    rules = sorted({rule for outcome in outcomes for rule in outcome.said})
    for kind in FAULTS:
        mine = [outcome for outcome in outcomes if outcome.kind == kind]
        told = Counter(rule for outcome in mine for rule in outcome.said)
        listed = ", ".join(f"{rule} {told[rule]}" for rule in rules if told[rule])
        print(f"{kind:22} {sum(o.found for o in mine)} of {len(mine)} in time; paged: {listed}", file=sys.stderr)
    false = [title for outcome in outcomes for title in outcome.false]
    for title in false:
        print(f"false: {title}", file=sys.stderr)
    yield Figure("faults found in time, share", sum(o.found for o in outcomes) / len(outcomes), "the limit", 0.99)
    yield Figure("false pages in 100 zone-months", 100 * len(false) / len(outcomes), "the limit", 1)
    yield Figure("state of a zone after a month, kB", max(o.state for o in outcomes) / 1000, "the limit", 30)

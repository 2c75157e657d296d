"""A store with a week in it: ten zones of four teams, with good days, bad hours, and trouble now."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from dns_rules import Inventory, Team, Zone, load_rules
from dns_rules.generate import Span, events
from kafka_bridge.evidence.notary import Notary
from kafka_bridge.intake.journal import Journal
from kafka_bridge.notify.routing import Routing
from kafka_bridge.pipeline.correlator import Correlator
from kafka_bridge.pipeline.worker import Worker
from wire import request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event
    from kafka_bridge.store.pool import Pool

HOUR = dt.timedelta(hours=1)
REGIONS = ("ap-south", "eu-west", "us-east")
TEAMS = {"web": "Web platform", "payments": "Payments", "mail": "Mail", "security": "Security"}
#: Owner, criticality, and the latency of its servers in seconds.
ZONES = {
    "shop.example": ("web", "critical", 0.014), "blog.example": ("web", "normal", 0.031),
    "docs.example": ("web", "normal", 0.022), "cdn.example": ("web", "high", 0.009),
    "bank.example": ("payments", "critical", 0.018), "pay.example": ("payments", "critical", 0.012),
    "mail.example": ("mail", "high", 0.027), "lists.example": ("mail", "normal", 0.045),
    "id.example": ("security", "critical", 0.016), "vault.example": ("security", "high", 0.019),
}  # fmt: skip
INVENTORY = Inventory(
    version=1,
    teams={key: Team(name=name, notify=("file",)) for key, name in TEAMS.items()},
    zones=tuple(Zone(zone=zone, owner=owner, criticality=level) for zone, (owner, level, _) in ZONES.items()),
)
#: Zone, hours ago, minutes long, and what came instead of an answer from where.
OUTAGES = (
    ("shop.example", 130, 5, {"outcome": "timeout"}),
    ("mail.example", 101, 8, {"outcome": "servfail", "regions": ("ap-south",)}),
    ("lists.example", 76, 9, {"outcome": "timeout"}),
    ("docs.example", 52, 6, {"outcome": "refused"}),
    ("pay.example", 9, 6, {"outcome": "timeout", "regions": ("us-east",)}),
    ("mail.example", 3, 7, {"outcome": "servfail"}),
)
#: Its DS was changed, and no key fits.
BOGUS, BOGUS_FOR = "bank.example", dt.timedelta(minutes=25)
#: Its address was changed, and one region keeps the old one.
MOVED, MOVED_FOR = "shop.example", dt.timedelta(minutes=14)
OLD, NEW = ("198.51.100.1",), ("203.0.113.20",)


def happenings(now: dt.datetime) -> Iterator[Event]:
    """What was seen of every zone, and of each outage."""
    start = now.replace(minute=0, second=0, microsecond=0) - 7 * 24 * HOUR
    ends = {BOGUS: now - BOGUS_FOR, MOVED: now - MOVED_FOR}
    for zone in ZONES:
        for hour in range(7 * 24 + 1):
            begin, end = start + hour * HOUR, min(start + (hour + 1) * HOUR, ends.get(zone, now))
            every = "3m" if hour < 7 * 24 - 2 else "30s"
            yield from _asked(zone, begin, end, hour, every=every)
    for zone, hours, minutes, instead in OUTAGES:
        begin = now - hours * HOUR
        yield from _asked(zone, begin, begin + dt.timedelta(minutes=minutes), 1000 + hours, every="20s", **instead)
    yield from _bogus(now)
    yield from _moved(now)


def _bogus(now: dt.datetime) -> Iterator[Event]:
    changed, day = now - BOGUS_FOR, 24 * HOUR
    known = changed - dt.timedelta(minutes=5)  # until caches have let the old one go, all is well
    yield from _asked(BOGUS, changed, now, 2001, every="20s", dnssec="bogus", cause="ds_mismatch", outcome="servfail")
    seen = {"event": "delegation", "parent_ns": ("ns1.bank.example",), "child_ns": ("ns1.bank.example",)}
    stages = ((now - day, known, "30m", "12345 13 2 ab"), (known, now, "1m", "54321 13 2 cd"))
    for number, (begin, end, every, ds) in enumerate(stages, 2002):
        span = Span(to=_long(begin, end), every=every, regions=REGIONS, ds=(ds,), dnskey=("257 3 13 k1",), **seen)
        yield from events(BOGUS, (span,), begin, number=number)
    yield from events(
        BOGUS,
        (Span(to="24h", every="6h", event="registration", registrar="First Registrar", regions=("eu-west",),
              statuses=("client transfer prohibited",), expires="240d"),),
        now - day, number=2010,
    )  # fmt: skip


def _moved(now: dt.datetime) -> Iterator[Event]:
    changed = now - MOVED_FOR
    (change,) = events(
        MOVED,
        (Span(to="1s", every="1s", event="zone_change", actor="alice", regions=("eu-west",), removed=OLD, data=NEW,
              names=(f"www.{MOVED}",)),),
        changed, number=3001,
    )  # fmt: skip
    yield change
    yield from _asked(MOVED, changed, now, 3002, every="10s", data=NEW, regions=("eu-west", "us-east"))
    yield from _asked(MOVED, changed, now, 3003, every="10s", data=NEW, regions=("ap-south",), resolvers=())
    yield from _asked(MOVED, changed, now, 3004, every="10s", data=OLD, regions=("ap-south",), servers=())


def _asked(zone: str, begin: dt.datetime, end: dt.datetime, seed: int, **given: Any) -> Iterator[Event]:
    """A stretch of a zone's questions, to its own two servers and to a resolver in each region."""
    if end <= begin:
        return
    number = list(ZONES).index(zone)
    daily = 1 + 0.3 * math.sin(begin.hour / 24 * math.tau)
    latency = ZONES[zone][2] * (daily + 0.05 * ((seed * 7 + number) % 5))
    servers = given.pop("servers", (f"192.0.2.{10 * number + 1}", f"192.0.2.{10 * number + 2}"))
    resolvers = given.pop("resolvers", ("192.0.2.201",))
    validated = {} if "outcome" in given else {"dnssec": "secure"}
    shared = {"to": _long(begin, end), "names": (f"www.{zone}",), "regions": REGIONS, "data": OLD} | validated | given
    both = ((servers, "authoritative", latency, 60), (resolvers, "recursive", latency / 3, 40))
    spans = (Span(servers=who, role=role, latency=slow, ttl=ttl, **shared) for who, role, slow, ttl in both if who)
    yield from events(zone, tuple(spans), begin, number=seed * 100 + number)


def _long(begin: dt.datetime, end: dt.datetime) -> str:
    return f"{(end - begin).total_seconds():.3f}s"


def fill(pool: Pool, now: dt.datetime) -> None:
    """Through every step of the bridge."""
    with pool.connection() as connection:
        for zone in INVENTORY.zones:
            connection.execute(
                "insert into zone_owner values (%s, %s, %s, %s)",
                (zone.zone, zone.owner, TEAMS[zone.owner], zone.criticality),
            )
    journal, rules = Journal(pool), load_rules()
    worker = Worker(pool, INVENTORY, rules)
    correlator = Correlator(pool.conninfo, INVENTORY, rules, Routing(("file",)))
    try:
        listed = sorted(happenings(now), key=lambda event: event.time)
        for first in range(0, len(listed), 2000):
            batch = listed[first : first + 2000]
            journal.append(request(batch), "test")
            worker.turn(batch[-1].time)  # the bridge was there when it happened
            correlator.turn()
        worker.turn(now)
        for _ in range(20):
            correlator.turn()
    finally:
        correlator.stop()
        journal.close()
    notary = Notary(pool.conninfo)
    while notary.turn():
        pass
    notary._leader.drop()

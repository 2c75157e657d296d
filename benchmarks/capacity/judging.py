"""What a judged zone costs: bytes of state, memory, and how often its state is written, at the pace of real probes."""

from __future__ import annotations

import datetime as dt
import time
import tracemalloc
from typing import TYPE_CHECKING, NamedTuple

from dns_rules import Inventory, Judgement, Team, Zone, load_rules
from dns_rules.generate import EPOCH, Span, events

if TYPE_CHECKING:
    from dns_events import Event

REGIONS = ("ap-south", "eu-west", "us-east")


class Paced(NamedTuple):
    """Some zones, asked at a steady pace."""

    events: int
    cpu: float
    """Seconds for each event, without the passing of time."""
    writes: float
    """Zone states that changed, for each event."""
    ticks: float
    """CPU seconds of one zone for one step in which nothing came."""
    state: float
    """Bytes a zone, as it is written."""
    memory: float
    """Bytes a zone, as it is held; 0 where it was not traced."""


def estate(zones: int) -> Inventory:
    """Zones of one team, of no special importance."""
    return Inventory(
        version=1,
        teams={"web": Team(name="Web")},
        zones=tuple(Zone(zone=f"zone{n}.example", owner="web") for n in range(zones)),
    )


def asked(zone: str, names: int, servers: int, seconds: int, every: int, start: dt.datetime = EPOCH) -> list[Event]:
    """So many names of a zone from three regions: at so many addresses of its servers and at a resolver each.

    As the receiver does, each question has a moment of its own in the interval.
    """
    asked_of = [*(("authoritative", f"192.0.2.{n + 1}") for n in range(servers)), ("recursive", "192.0.2.53")]
    questions = [(name, *server) for name in range(names) for server in asked_of]
    found: list[Event] = []
    for number, (name, role, address) in enumerate(questions):
        # A third of the interval, because the regions have the others.
        offset = every / len(REGIONS) * number / len(questions)
        span = Span(
            from_=f"{offset}s", to=f"{offset + seconds + every / 2}s", every=f"{every}s", names=(f"n{name}.{zone}",),
            servers=(address,),
            regions=REGIONS, role=role, dnssec="secure" if role == "authoritative" else None,
        )  # fmt: skip
        found += events(zone, (span,), start, number=number)
    return found


def paced(
    zones: int, names: int = 1, servers: int = 2, every: int = 60, minutes: int = 20, *, traced: bool = False
) -> Paced:
    """Judge `zones` a second at a time, as a worker does; the second half is what counts.

    Args:
        zones: spread over the interval.
        names: asked of each.
        servers: addresses of each zone's name servers.
        every: seconds between two askings of one question at one vantage.
        minutes: that pass.
        traced: measure memory, and nothing else well.
    """
    judgement = Judgement(estate(zones), load_rules())
    listed: list[Event] = []
    for number in range(zones):
        start = EPOCH + dt.timedelta(seconds=every * number / zones)
        listed += asked(f"zone{number}.example", names, servers, minutes * 60, every, start)
    listed.sort(key=lambda event: event.time)
    if traced:
        tracemalloc.start()
    at = done = writes = 0
    spent = 0.0
    for second in range(minutes * 60):
        now = EPOCH + dt.timedelta(seconds=second)
        until = at
        while until < len(listed) and listed[until].time <= now:
            until += 1
        began = time.process_time()
        judged = judgement.step(listed[at:until], now if second % 5 == 0 else None)
        if second >= minutes * 30:
            spent += time.process_time() - began
            done += until - at
            writes += len(judged.zones)
        at = until
    held = tracemalloc.get_traced_memory()[0] if traced else 0
    tracemalloc.stop()
    size = sum(len(judgement.dump(zone.zone)) for zone in judgement.inventory.zones) / zones
    began = time.process_time()
    for n in range(10):
        judgement.step((), now + dt.timedelta(seconds=5 * (n + 1)))
    ticks = (time.process_time() - began) / 10 / zones
    cpu = spent - ticks * zones * minutes * 30 / 5
    return Paced(done, cpu / done, writes / done, ticks, size, held / zones)


def loaded(zones: int) -> float:
    """CPU seconds to take up a zone where another worker left it."""
    judgement = Judgement(estate(zones), load_rules())
    listed = [event for n in range(zones) for event in asked(f"zone{n}.example", 1, 2, 1200, 60)]
    judgement.step(listed, listed[-1].time + dt.timedelta(seconds=30))
    states = {zone.zone: judgement.dump(zone.zone) for zone in judgement.inventory.zones}
    other = Judgement(judgement.inventory, judgement.rules)
    began = time.process_time()
    for zone, state in states.items():
        other.load(zone, state)
    return (time.process_time() - began) / zones

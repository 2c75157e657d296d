"""What `correlate` costs when many zones fail at once: each on its own, and all for one cause."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, NamedTuple

from dns_rules import Correlation, Engine, load_rules
from dns_rules.generate import Span, events
from dns_rules.state import micros
from msgspec import structs

from benchmarks.judgement import estate

if TYPE_CHECKING:
    from dns_rules import Finding

#: Zones that fail in one minute.
SIZES = (100, 1600)
_TURNS = 60


class Cost(NamedTuple):
    """Of zones that failed within a minute."""

    finding: float
    """CPU seconds for each."""
    state: float
    """Bytes of the correlation's state for each."""
    dump: float
    """CPU seconds to write that down, for each."""


def cost(zones: int, *, shared: bool) -> Cost:
    """What it costs when so many zones fail within a minute.

    Args:
        zones: that fail, one finding each.
        shared: all on the same name servers.
    """
    rules = load_rules()
    correlation = Correlation(estate(zones), rules)
    model = _outage()
    findings = []
    for number in range(zones):
        where = model.where if shared else structs.replace(model.where, servers=(f"10.{number >> 8}.{number & 255}.1",))
        moment = model.time + dt.timedelta(seconds=60 * number / zones)
        findings.append(
            structs.replace(
                model, id=f"f{number}", zone=f"zone{number}.example", where=where, time=moment, since=moment
            )
        )
    began = time.process_time()
    fired = set()
    for n in range(0, zones, zones // _TURNS or 1):
        chunk = findings[n : n + (zones // _TURNS or 1)]
        fired |= {i.id for i in correlation.step(chunk, micros(chunk[-1].time)) if i.state == "firing"}
    end = micros(model.time + dt.timedelta(seconds=120))
    fired |= {i.id for i in correlation.step((), end) if i.state == "firing"}
    spent = time.process_time() - began
    assert len(fired) <= 2 if shared else len(fired) == zones, fired
    began = time.process_time()
    state = correlation.dump()
    return Cost(spent / zones, len(state) / zones, (time.process_time() - began) / zones)


def _outage() -> Finding:
    """A finding as the rules make it."""
    spans = (Span(to="2m"), Span(from_="2m", to="6m", outcome="timeout"))
    engine = Engine(estate(1), load_rules())
    steps = [*(engine.step([event]) for event in events("zone0.example", spans)), engine.finish()]
    return next(f for step in steps for f in step.findings if f.rule == "zone-outage")

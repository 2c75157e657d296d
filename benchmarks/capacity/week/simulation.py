"""All parts of a week together, in one clock and from one seed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import simpy

from benchmarks.capacity.times import WEEK

from .arriving import Arriving
from .breaking import Breaking
from .capacity import capacity
from .correlation import Correlation
from .judged import Judged
from .ledger import Ledger
from .members import Members
from .outcome import Week
from .singles import singles
from .together import Cause, together
from .watch import Watch

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients

    from .setting import Setting


def run(setting: Setting, figures: Coefficients) -> Week:
    """Simulate. The same setting and figures give the same week.

    Args:
        setting: what is simulated.
        figures: costs that were measured.
    """
    env, chance, ledger = simpy.Environment(), random.Random(setting.seed), Ledger()
    each = capacity(setting, figures)
    members = Members(setting.load, setting.members, each, chance)
    arriving = Arriving(env, setting, chance, members)
    correlation = Correlation(env, setting, figures, ledger)
    judged = Judged(env, chance, members, correlation)
    watch = Watch(env, members, correlation)
    breaking = Breaking(env, setting, figures, members, watch)
    shared = env, setting, chance, judged, ledger
    # Of what happens at one moment, the first of these is the first.
    for process in (
        arriving.hours(), watch.look(), arriving.dark(), breaking.death(), breaking.pause(), correlation.turns(),
        singles(*shared),
        together(*shared, Cause("a provider's outage", *setting.provider)),
        together(*shared, Cause("a TLD's failure", *setting.parent, setting.parent_ttl)),
    ):  # fmt: skip
        env.process(process)
    events = 0
    while env.peek() < WEEK:
        env.step()
        events += 1
    return Week(setting, each * setting.members, watch.samples, ledger.faults, ledger.pages, events)

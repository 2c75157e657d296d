"""What is read first, by several threads at once, in processes that have read nothing before."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Forked, because whoever has read a type once reads it well ever after.
_RACE = """
import os, sys, threading
from dns_rules import Engine, Inventory, Team, Zone, load_rules
from dns_rules.flink.control import Told, of_inventory, of_rules
from dns_rules.generate import Span, events
from dns_rules.state import CorrelationState, ZoneState, decode

def states():
    zone, incidents = engine.judgement.dump("a.example"), engine.correlation.dump()
    return [lambda: decode(zone, ZoneState), lambda: decode(incidents, CorrelationState)]

def told():
    messages = [of_inventory(engine.judgement.inventory), of_rules(load_rules())]
    return [lambda: [Told().take(*message) for message in messages]] * 2

zones = (Zone(zone="a.example", owner="web"),)
engine = Engine(Inventory(version=1, teams={"web": Team(name="Web")}, zones=zones), load_rules())
engine.step(events("a.example", (Span(to="10m", outcome="timeout"),)))
reads = {"states": states, "told": told}[sys.argv[1]]()
sys.setswitchinterval(1e-6)
for _ in range(60):
    child = os.fork()
    if child == 0:
        start = threading.Barrier(2 * len(reads))
        threads = [threading.Thread(target=lambda read=read: (start.wait(), read())) for read in reads * 2]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "it was ended by a signal"
"""


@pytest.mark.parametrize("what", ["states", "told"])
def test_threads_that_read_first(what):
    done = subprocess.run([sys.executable, "-c", _RACE, what], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

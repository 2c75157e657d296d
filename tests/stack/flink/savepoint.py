"""Makes a savepoint that later releases have to read: ``.nox/test/bin/python -m tests.stack.flink.savepoint FOLDER``.

Once for each format that was released. What is judged before and after it lies beside it, so that nothing of it hangs
on what the generator and the packaged rules will be.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
import sys
import tempfile
from pathlib import Path

from dns_events import ndjson
from dns_rules import Incident, Inventory, Team, Zone, load_rules
from dns_rules.flink import control
from dns_rules.generate import EPOCH, Span, events

ZONE = "savepoint.example"
#: Names in the savepoint.
PREFIX = "savepoint."
_SERVERS = ("192.0.2.1", "192.0.2.2")


def parts(listed):
    """The events before the savepoint, at which the zone fails, and those after it, in which it is mended."""
    middle = EPOCH + dt.timedelta(minutes=6)
    return [e for e in listed if e.time < middle], [e for e in listed if e.time >= middle]


def read(folder: Path):
    """The events and the control messages beside a savepoint."""
    lines = gzip.decompress((folder / "events.ndjson.gz").read_bytes()).splitlines()
    told = json.loads(gzip.decompress((folder / "control.json.gz").read_bytes()))
    return [ndjson.decode(line) for line in lines], [(key, value.encode()) for key, value in told]


def write(folder: Path) -> None:
    """Judge the first part, and keep the job's savepoint."""
    from tests.stack.kafka.broker import Broker
    from tests.stack.test_flink import Bus

    spans = (
        Span(to="3m", every="10s", servers=_SERVERS),
        Span(from_="3m", to="8m", every="10s", servers=_SERVERS, outcome="timeout"),
        Span(from_="8m", to="20m", every="10s", servers=_SERVERS),
    )
    listed = sorted(events(ZONE, spans, EPOCH), key=lambda event: (event.time, event.id))
    zone = Zone(zone=ZONE, owner="web", criticality="critical")
    inventory = Inventory(version=1, teams={"web": Team(name="Web")}, observers="tower", zones=(zone,))
    told = [control.of_inventory(inventory), control.of_rules(load_rules())]
    folder.mkdir(parents=True)
    lines = b"\n".join(ndjson.encode(event) for event in listed)
    (folder / "events.ndjson.gz").write_bytes(gzip.compress(lines, mtime=0))
    text = json.dumps([(key, value.decode()) for key, value in told]).encode()
    (folder / "control.json.gz").write_bytes(gzip.compress(text, mtime=0))
    with tempfile.TemporaryDirectory() as place:
        broker = Broker(Path(place) / "kafka")
        broker.start()
        try:
            bus = Bus(broker, Path(place), partitions=1, prefix=PREFIX)
            for message in told:
                bus.tell(message, EPOCH)
            bus.send(parts(listed)[0])
            bus.job.start()
            bus.wait("an incident", lambda: any(i.state == "firing" for _, i in bus.read("incidents", Incident)))
            # Without a transaction in it, which no other broker knows.
            for _ in range(2):
                seen = bus.job.checkpoints()[-1]
                bus.wait("a checkpoint", lambda seen=seen: bus.job.checkpoints()[-1] != seen)
            shutil.copytree(bus.job.stop(), folder / "savepoint")
        finally:
            broker.stop()


if __name__ == "__main__":
    write(Path(sys.argv[1]))

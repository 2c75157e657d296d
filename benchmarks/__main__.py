"""``./dev bench``: one table, each figure as a ratio to a peer or to the limit beside it."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import dns.asyncquery
import dns.message
import psycopg
from dns_events import Probe, ndjson, otlp
from dns_rules import Engine, Inventory, Team, Zone, load_rules
from dns_rules.generate import Span, events
from kafka_bridge.pipeline.worker import Worker
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.pool import open_pool
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from otel_dns_receiver import Question, Target, ask

from tests.lab import Lab

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dns_events import Event

SECONDS = 3.0
IN_FLIGHT = 32


class Figure(NamedTuple):
    """One row: ours and what stands beside it, both per second."""

    what: str
    ours: float
    beside: str
    theirs: float

    @property
    def ratio(self) -> float:
        return self.ours / self.theirs


def recording(zones: int = 20, minutes: int = 4) -> tuple[Inventory, list[Event]]:
    """A few minutes of many zones, up to now."""
    names = [f"zone{n}.example" for n in range(zones)]
    inventory = Inventory(
        version=1,
        teams={"web": Team(name="Web")},
        zones=tuple(Zone(zone=name, owner="web", criticality="critical") for name in names),
    )
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
    spans = (
        Span(to=f"{minutes}m", every="5s", dnssec="secure"),
        Span(to=f"{minutes}m", every="5s", role="recursive", servers=("192.0.2.53",)),
    )
    return inventory, sorted((e for name in names for e in events(name, spans, start)), key=lambda e: (e.time, e.id))


def judge(inventory: Inventory, listed: list[Event]) -> Figure:
    """The pure steps, beside reading the same events from NDJSON."""
    lines = [ndjson.encode(event) for event in listed]
    began = time.perf_counter()
    for line in lines:
        ndjson.decode(line)
    read = len(lines) / (time.perf_counter() - began)
    engine = Engine(inventory, load_rules())
    began = time.perf_counter()
    for n in range(0, len(listed), 200):
        engine.step(listed[n : n + 200])
    return Figure("judge, events/s", len(listed) / (time.perf_counter() - began), "reading them from NDJSON", read)


def store(inventory: Inventory, listed: list[Event]) -> Figure:
    """Bus → decode → judge → one transaction, beside a bare COPY of the same bytes into the same database."""
    payloads = []
    for n in range(0, len(listed), 200):
        request = ExportLogsServiceRequest()
        request.resource_logs.add().scope_logs.add().log_records.extend(otlp.to_proto(e) for e in listed[n : n + 200])
        payloads.append(request.SerializeToString())
    with tempfile.TemporaryDirectory() as place, Server(Path(place) / "pg") as server:
        with open_pool(server.conninfo) as pool:
            with pool.connection() as connection, connection.transaction():
                began = time.perf_counter()
                with connection.cursor().copy("copy bus_raw (payload) from stdin (format binary)") as copy:
                    copy.set_types(["bytea"])
                    for payload in payloads:
                        copy.write_row((payload,))
                bare = len(listed) / (time.perf_counter() - began)
            worker = Worker(pool, inventory, load_rules(), ["console"])
            began = time.perf_counter()
            while worker.turn(dt.datetime.now(dt.UTC), tick=False):
                pass
            ours = worker.events / (time.perf_counter() - began)
        with psycopg.connect(server.conninfo) as connection:
            counted = connection.execute("select sum(total) from dnstower.v_zone_minute").fetchone()
    assert counted is not None
    assert counted[0] == len(listed)
    return Figure("bus to committed judgement, events/s", ours, "COPY of the same bytes", bare)


def edge() -> list[Figure]:
    """Complete observations a second on one core, beside dnspython's own query and dnsperf, on one Knot."""
    with tempfile.TemporaryDirectory(prefix="dnstower-") as place, Lab.start(Path(place)) as lab:
        address = lab.nameservers["healthy.lab"]["ns1.healthy.lab"]
        question = Question("healthy.lab", "www.healthy.lab", "A", Target(address), "authoritative")
        probe = Probe(id="bench", region="bench")

        async def ours() -> object:
            return await ask(question, probe, 1.0)

        async def theirs() -> object:
            query = dns.message.make_query("www.healthy.lab", "A", want_dnssec=True)
            return await dns.asyncquery.udp(query, address, timeout=1.0)

        own, other = asyncio.run(_rate(ours)), asyncio.run(_rate(theirs))
        figures = [Figure("observations/s, one core", own, "dnspython's asyncquery.udp", other)]
        if (peer := _dnsperf(address, Path(place))) is not None:
            figures.append(Figure("observations/s, one core", own, "dnsperf", peer))
        return figures


async def _rate(once: Callable[[], Awaitable[object]]) -> float:
    deadline = time.perf_counter() + SECONDS
    done = 0

    async def loop() -> None:
        nonlocal done
        while time.perf_counter() < deadline:
            await once()
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(loop() for _ in range(IN_FLIGHT)))
    return done / (time.perf_counter() - began)


def _dnsperf(address: str, place: Path) -> float | None:
    program = shutil.which("dnsperf")
    if program is None:
        print("dnsperf is not installed (apt-get install dnsperf); its row is left out", file=sys.stderr)
        return None
    data = place / "queries"
    data.write_text("www.healthy.lab A\n")
    done = subprocess.run(
        [program, "-s", address, "-d", str(data), "-l", str(int(SECONDS)), "-t", "1", "-D", "-T", "1", "-c", "1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS + 30,
    )
    found = re.search(r"Queries per second:\s+([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    return float(found[1])


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    options = parser.parse_args()
    inventory, listed = recording()
    figures = [judge(inventory, listed), store(inventory, listed), *edge()]
    if not options.json:
        print("| what | ours | beside it | theirs | ratio |\n|---|---|---|---|---|")
    for figure in figures:
        if options.json:
            print(json.dumps(figure._asdict() | {"ratio": round(figure.ratio, 4)}))
        else:
            ratio = f"{figure.ratio:.2g}"
            print(f"| {figure.what} | {figure.ours:,.0f} | {figure.beside} | {figure.theirs:,.0f} | {ratio} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

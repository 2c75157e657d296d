"""``./dev bench``: one table, each figure as a ratio to a peer or to the limit beside it."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from dns_events import otlp
from dns_rules import load_rules
from kafka_bridge.pipeline.worker import Worker
from kafka_bridge.postgres.home import SHARED_VARIABLE
from kafka_bridge.postgres.server import Server
from kafka_bridge.store.pool import open_pool
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from . import backbone, day, edge, flink, judgement, year
from .capacity import measure
from .figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event
    from dns_rules import Inventory

#: What can be measured without the rest of it.
_PARTS = {"coefficients": measure.PARTS, "day": day.WAYS}


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
            worker = Worker(pool, inventory, load_rules())
            began = time.perf_counter()
            while worker.turn(dt.datetime.now(dt.UTC), tick=False):
                pass
            ours = worker.events / (time.perf_counter() - began)
        with psycopg.connect(server.conninfo) as connection:
            counted = connection.execute("select sum(total) from dnstower.v_zone_minute").fetchone()
    assert counted is not None
    assert counted[0] == len(listed)
    return Figure("bus to committed judgement, events/s", ours, "COPY of the same bytes", bare)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument(
        "--only",
        choices=["edge", "judgement", "backbone", "burst", "dashboards", "flink", "year", "day", "coefficients"],
        help="leave the other parts out; `coefficients` writes those of the capacity model anew",
    )
    listed = "; ".join(f"of the {only}: {', '.join(parts)}" for only, parts in _PARTS.items())
    parser.add_argument(
        "--part", help=f"measure this alone, and keep what the file says of other coefficients; {listed}"
    )
    parser.add_argument("--zones", type=int, default=1000, help="of the generated day, each asked every five minutes")
    generated = parser.add_argument_group("the generated year")
    generated.add_argument("--zone-months", type=int, default=9, help="how many; a year of 200 zones has 2400")
    generated.add_argument("--seed", type=int, default=20261125, help="of all that happens in them, and in the day")
    generated.add_argument(
        "--interval", type=int, default=60, help="seconds from a question to the same again: 60, 300"
    )
    generated.add_argument("--jobs", type=int, default=1, help="processes that judge them")
    generated.add_argument(
        "--into",
        type=Path,
        metavar="FILE",
        help="what came of each, a line of JSON each; zone-months of the same seed and interval that it has already "
        "are not judged again, and count in the table",
    )
    options = parser.parse_args()
    parts = _PARTS.get(options.only, ())
    if options.part not in {None, *parts}:
        parser.error(f"argument --part: {options.only} has no {options.part!r}, but: {', '.join(parts) or 'no parts'}")
    with tempfile.TemporaryDirectory(prefix="bench-") as shared:
        # Databases that run as another user than root live here, and are gone afterwards.
        Path(shared).chmod(0o755)
        os.environ[SHARED_VARIABLE] = shared
        figures = list(_figures(options))
    if not options.json:
        print("| what | ours | beside it | theirs | ratio |\n|---|---|---|---|---|")
    for figure in figures:
        if options.json:
            print(json.dumps(figure._asdict() | {"ratio": round(figure.ratio, 4)}))
        else:
            ratio = f"{figure.ratio:.2g}"
            ours, theirs = (f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in figure[1::2])
            print(f"| {figure.what} | {ours} | {figure.beside} | {theirs} | {ratio} |")
    return 0


def _figures(options: argparse.Namespace) -> Iterator[Figure]:
    only = options.only
    if only in {None, "judgement"}:
        yield from judgement.figures()
        yield store(*judgement.recording())
    if only in {None, "edge"}:
        yield from edge.figures()
        yield edge.dnstap()
    if only in {None, "backbone"}:
        yield from backbone.figures()
    if only in {None, "burst"}:
        yield from backbone.burst()
    if only in {None, "dashboards"}:
        yield from backbone.dashboards()
    if only in {None, "flink"}:
        yield from flink.figures()
    if only in {None, "day"}:
        yield from day.figures(options.zones, options.seed, part=options.part)
    if only == "coefficients":
        yield from measure.figures(options.part)
    if only in {None, "year"}:
        yield from year.figures(options.zone_months, options.seed, options.interval, options.jobs, options.into)


if __name__ == "__main__":
    sys.exit(main())

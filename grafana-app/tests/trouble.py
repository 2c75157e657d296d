"""A store with half an hour of trouble in it, made by the bridge itself."""

from __future__ import annotations

import datetime as dt

from dns_events import otlp
from dns_rules import Inventory, Team, Zone, load_rules
from dns_rules.generate import Span, events
from kafka_bridge.intake.journal import Journal
from kafka_bridge.notify.routing import Routing
from kafka_bridge.pipeline.correlator import Correlator
from kafka_bridge.pipeline.worker import Worker
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

MINUTES = 30
INVENTORY = Inventory(
    version=1,
    teams={"web": Team(name="Web platform", notify=("file",)), "sec": Team(name="Security")},
    zones=(
        Zone(zone="shop.example", owner="web", criticality="critical"),
        Zone(zone="bank.example", owner="sec", criticality="critical"),
        Zone(zone="blog.example", owner="web", criticality="normal"),
        Zone(zone="o'brien.example", owner="web", criticality="normal"),
    ),
)


def happenings(start: dt.datetime):
    """Half an hour: a zone that falls silent, one that turns bogus in one region, one that is well, one never seen."""
    end, down = f"{MINUTES}m", f"{MINUTES - 6}m"
    shop = {"every": "4s", "servers": ("192.0.2.1", "192.0.2.2")}
    yield from events(
        "shop.example",
        (Span(to=down, **shop), Span(from_=down, to=end, outcome="timeout", **shop)),
        start,
    )
    bank = {"every": "5s", "servers": ("192.0.2.31", "192.0.2.32"), "role": "recursive", "latency": 0.03}
    yield from events(
        "bank.example",
        (
            Span(to=down, dnssec="secure", **bank),
            Span(from_=down, to=end, dnssec="secure", regions=("us-east", "ap-south"), **bank),
            Span(
                from_=down,
                to=end,
                dnssec="bogus",
                cause="ds_mismatch",
                outcome="servfail",
                regions=("eu-west",),
                **bank,
            ),
        ),
        start,
    )
    names = {"event": "delegation", "every": "60s", "child_ns": ("ns1.bank.example",), "regions": ("eu-west",)}
    yield from events(
        "bank.example",
        (
            Span(to=down, parent_ns=("ns1.bank.example",), ds=("12345 13 2 ab",), **names),
            Span(from_=down, to=end, parent_ns=("ns1.bank.example",), ds=("54321 13 2 cd",), **names),
        ),
        start,
    )
    blog = {"every": "6s", "servers": ("192.0.2.61", "192.0.2.62")}
    yield from events(
        "blog.example",
        (Span(to=end, data=("198.51.100.7",), **blog),),
        start,
    )


def fill(pool) -> None:
    """Through the bridge's own steps, so that every view holds what it would hold."""
    with pool.connection() as connection:
        for zone in INVENTORY.zones:
            connection.execute(
                "insert into zone_owner values (%s, %s, %s, %s)",
                (zone.zone, zone.owner, INVENTORY.teams[zone.owner].name, zone.criticality),
            )
    listed = sorted(happenings(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=MINUTES)), key=lambda event: event.time)
    journal = Journal(pool)
    rules = load_rules()
    worker = Worker(pool, INVENTORY, rules)
    for first in range(0, len(listed), 2000):
        message = ExportLogsServiceRequest()
        scope = message.resource_logs.add().scope_logs.add()
        scope.log_records.extend(otlp.to_proto(event) for event in listed[first : first + 2000])
        journal.append(message.SerializeToString(), "test")
        worker.turn(listed[first : first + 2000][-1].time)  # the bridge was there when it happened
    worker.turn(dt.datetime.now(dt.UTC))
    journal.close()
    correlator = Correlator(pool.conninfo, INVENTORY, rules, Routing(("file",)))
    try:
        for _ in range(20):
            if not correlator.turn():
                break
    finally:
        correlator.stop()

"""Events on the way into a bridge."""

from __future__ import annotations

import datetime as dt

import grpc
from dns_events import otlp
from dns_rules import Inventory, Team, Zone, load_rules
from dns_rules.generate import Span, events
from kafka_bridge.notify.routing import Routing
from kafka_bridge.pipeline.correlator import Correlator
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

RULES = load_rules()
INVENTORY = Inventory(
    version=1,
    teams={"web": Team(name="Web platform")},
    zones=(
        Zone(zone="example.com", owner="web", criticality="critical"),
        Zone(zone="example.net", owner="web", criticality="critical"),
    ),
)
INVENTORY_YAML = """\
version: 1
teams: {web: {name: Web platform}}
zones:
  - {zone: example.com, owner: web, criticality: critical}
  - {zone: example.net, owner: web, criticality: critical}
"""


def request(listed) -> bytes:
    message = ExportLogsServiceRequest()
    scope = message.resource_logs.add().scope_logs.add()
    scope.log_records.extend(otlp.to_proto(event) for event in listed)
    return message.SerializeToString()


def correlate(pool, inventory=INVENTORY):
    correlator = Correlator(pool.conninfo, inventory, RULES, Routing(("file",)))
    try:
        assert correlator.turn()
    finally:
        correlator.stop()


def outage(minutes: float = 5, zone: str = "example.com", every: str = "2s"):
    """A zone that was well and then fell silent, up to now.

    Each on servers of its own: zones that fail on the same ones would be one incident.
    """
    start = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=minutes)
    half = f"{minutes / 2}m"
    number = 0 if zone == "example.com" else sum(zone.encode()) % 100
    servers = (f"192.0.2.{number + 1}", f"192.0.2.{number + 2}")
    well = Span(to=half, every=every, servers=servers)
    silent = Span(from_=half, to=f"{minutes}m", every=every, outcome="timeout", servers=servers)
    return events(zone, (well, silent), start)


def client(port: int):
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    return channel, channel.unary_unary("/opentelemetry.proto.collector.logs.v1.LogsService/Export")

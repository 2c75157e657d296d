"""For those on duty: what fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions import operators as ask

from . import shared
from .frame import frame
from .panels import rows

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard


def made() -> dashboard.Dashboard:
    """The dashboard."""
    now = (
        rows("Incidents open", "What fires or is about to, the gravest first. A click on a zone leads to its history.",
             ask.OPEN, empty="No incident is open", widths={"zone": 170},
             links={"zone": ("dnstower-forensic", "zone")}),
        shared.answered(ask.ANSWERED),
        shared.differ(ask.DIFFERING),
    )  # fmt: skip
    regions = (
        shared.propagation(
            "For each name and region: how many vantages give the most frequent answer, and since when the first of "
            "them gives another.",
            ask.PROPAGATION, links={"zone": ("dnstower-forensic", "zone"), "name": ("dnstower-forensic", "name")}),
        shared.convergence(
            "Record sets that changed in the last two days: until when a cache may give the old answer, and how many "
            "seconds that is from now (0: over). An answer that rotates is always here.",
            ask.CONVERGENCE, empty="No record set changed in two days"),
    )  # fmt: skip
    faults = (
        shared.errors(ask.ERRORS),
        shared.by_region(ask.ANSWERED_BY_REGION),
        shared.failing(ask.FAILING_SERVERS, links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    servers = (
        shared.authoritative(ask.round_trip("authoritative")),
        shared.recursive(ask.round_trip("recursive")),
        shared.resolvers(ask.RESOLVERS),
        rows("Resolvers with old name servers", "Resolvers that gave the old NS set after the zone's last change.",
             ask.STALE, empty="No resolver gives an old NS set", height=5,
             units={"ttl": "s", "stale_for": "s"}),
    )  # fmt: skip
    dnssec = (
        shared.validation(ask.VALIDATION),
        shared.chain("DNSSEC status of each zone, and the DS and DNSKEYs that probes see now.",
                     ask.CHAIN, empty="No zone was judged yet"),
        shared.health(ask.HEALTH, empty="No zone was judged in this time"),
    )  # fmt: skip
    return frame(
        "dnstower-operator", "dnstower / Operator",
        "What fails, where, since when, and how long caches will remember it.",
        (("Now", now), ("Propagation", regions), ("Faults", faults), ("Servers and resolvers", servers),
         ("DNSSEC and health", dnssec)),
        choices=("owner", "zone", "region"), back="6h", refresh="30s",
    )  # fmt: skip

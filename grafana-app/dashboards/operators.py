"""For those on duty: what fails, where, since when, and how long caches will remember it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions import operators as ask

from .frame import frame
from .panels import AGREEMENT, ANSWERED, NONE_WANTED, SECONDS, number, rows, series, timeline

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

QUIET = "No zone of this choice was asked in this time"
WELL = "Nothing failed in this time"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    now = (
        rows("Incidents open", "What fires or is about to, the gravest first. A click on a zone leads to its history.",
             ask.OPEN, empty="No incident is open", width=16,
             links={"zone": ("dnstower-forensic", "zone")}),
        number("Answered", "Share of questions that got an answer in the chosen time.",
               ask.ANSWERED, unit="percentunit", empty=QUIET, steps=ANSWERED,
               decimals=2, height=8),
        number("Vantages that differ", "Vantages that now give another answer than most.",
               ask.DIFFERING, unit="none", empty="No vantage answers", steps=NONE_WANTED, height=8),
    )  # fmt: skip
    regions = (
        rows("Propagation by region", "For each name and region: how many vantages give the most frequent answer, "
             "and since when the first of them gives another.",
             ask.PROPAGATION, empty="No vantage of this choice answered in 15 minutes", width=14, height=10,
             units={"agreement": "percentunit"}, steps={"agreement": AGREEMENT},
             links={"zone": ("dnstower-forensic", "zone"), "name": ("dnstower-forensic", "name")}),
        rows("Convergence", "Record sets that changed in the last two days: until when a cache may give the old "
             "answer, "
             "and how many seconds that is from now (0: over). An answer that rotates is always here.",
             ask.CONVERGENCE, empty="No record set changed in two days", width=10,
             height=10, units={"ttl": "s", "countdown": "s"}, steps={"countdown": ((None, "green"), (1, "orange"))}),
    )  # fmt: skip
    faults = (
        series("Errors", "Questions by outcome, without those that were answered.",
               ask.ERRORS, unit="none", empty=WELL, stacked=True),
        series("Answered by region", "Share of questions that got an answer, by region.",
               ask.ANSWERED_BY_REGION, unit="percentunit", empty=QUIET, top=1),
        rows("Failing servers", "Servers that failed in the chosen time, by region, the worst first.",
             ask.FAILING_SERVERS, empty=WELL,
             units={"answered": "percentunit"}, links={"zone": ("dnstower-forensic", "zone")}),
    )  # fmt: skip
    servers = (
        series("Round trip by authoritative server", "p95 of the answers of each authoritative server.",
               ask.round_trip("authoritative"), unit="s", steps=SECONDS,
               empty="No authoritative server answered in this time"),
        series("Round trip by resolver", "p95 of the answers of each resolver: what is in its cache comes fast.",
               ask.round_trip("recursive"), unit="s", steps=SECONDS,
               empty="No resolver answered in this time"),
        rows("Resolvers", "What each resolver gives now, with the TTL that is left in its cache.",
             ask.RESOLVERS, empty="No resolver of this choice answered in 15 minutes", width=14, units={"ttl": "s"}),
        rows("Resolvers with old name servers", "Resolvers that gave the old NS set after the zone's last change.",
             ask.STALE, empty="No resolver gives an old NS set", width=10,
             units={"ttl": "s", "stale_for": "s"}),
    )  # fmt: skip
    dnssec = (
        series("Validation", "Share of bogus among the answers whose chain was walked, of the twenty zones with "
               "most of them.",
               ask.VALIDATION, unit="percentunit", empty="No answer was validated in this time", top=1,
               steps=((None, "green"), (0.01, "red"))),
        rows("Chain of trust", "DNSSEC status of each zone, and the DS and DNSKEYs that probes see now.",
             ask.CHAIN, empty="No zone was judged yet", width=12),
        timeline("Health", "Status of each zone by minute, of the twenty zones that were worst.",
                 ask.HEALTH, empty="No zone was judged in this time"),
    )  # fmt: skip
    return frame(
        "dnstower-operator", "dnstower / Operator",
        "What fails, where, since when, and how long caches will remember it.",
        (("Now", now), ("Propagation", regions), ("Faults", faults), ("Servers and resolvers", servers),
         ("DNSSEC and health", dnssec)),
        choices=("owner", "zone", "region"), back="6h", refresh="30s",
    )  # fmt: skip

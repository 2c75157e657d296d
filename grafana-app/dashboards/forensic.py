"""For those who ask afterwards: who answered what, what changed before, and how is it proven?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_bridge.board.questions import forensic as ask

from .frame import frame
from .panels import rows, timeline

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard

UNSEEN = "No vantage of this choice was heard in this time"


def made() -> dashboard.Dashboard:
    """The dashboard."""
    record = (
        timeline("Answers", "What each vantage answered, from when to when; a band changes colour where its answer "
                 "does. "
                 "Choose a name and a type: at most 40 vantages are drawn, those with most changes first.",
                 ask.ANSWERS, empty=UNSEEN, height=12, answers=True),
        rows("Raw answers by vantage", "Each answer as it was, the newest first; `until` is empty where it stands "
             "still.",
             ask.RAW, empty=UNSEEN, height=12, units={"ttl": "s"},
             widths={"zone": 120, "name": 150, "server": 120, "role": 105, "serial": 90}),
    )  # fmt: skip
    happened = (
        rows("What happened, in order", "Changes of zones, delegations, keys and registrations, incidents, calls and "
             "acknowledgements on one line of time: read upwards from an incident to what came before it.",
             ask.HAPPENED, empty="Nothing changed and nothing fired in this time", height=12,
             widths={"zone": 170, "who": 220}),
        rows("Changes before incidents", "For each incident of the chosen time: what changed in its zone in the two "
             "hours "
             "before it, and how many seconds before.",
             ask.BEFORE_INCIDENTS, empty="No incident of this time had a change before it", units={"before": "s"},
             widths={"zone": 170, "before": 105, "changed": 300}),
    )  # fmt: skip
    facts = (
        timeline("Name servers, DS and keys", "What the parent and the zone itself gave, as each probe saw it.",
                 ask.FACTS, empty="No delegation was seen in this time",
                 answers=True),
        rows("Transitions of NS and keys", "Each change of delegation or keys: before, after, and which probe saw it "
             "when.",
             ask.DELEGATION, empty="No delegation changed in this time", widths={"zone": 170}),
        rows("Transitions at the registrar", "Each change of the registration: registrar, locks, expiry, name servers.",
             ask.REGISTRAR, empty="No registration changed in this time", widths={"zone": 170}),
        rows("Registration now", "The newest good reading of each zone's registration.",
             ask.REGISTRATION, empty="No registration was read"),
        rows("Evidence", "The chain's entries of these zones: what was noted, when, from which events, with its hash. "
             "`kafka-bridge evidence` proves and exports it.",
             ask.EVIDENCE, empty="Nothing was noted in this time", widths={"zone": 170}),
    )  # fmt: skip
    return frame(
        "dnstower-forensic", "dnstower / Forensic",
        "Who answered what, what changed before it, and how it is proven.",
        (("A record", record), ("Order of events", happened), ("Delegation, keys, registration, evidence", facts)),
        choices=("owner", "zone", "region", "name", "qtype"), back="24h", refresh="5m",
    )  # fmt: skip

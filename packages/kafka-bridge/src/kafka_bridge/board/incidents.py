"""One incident's page: what, where, what to check first, whose it is, and what became of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
from dns_rules.model import Incident
from msgspec import Struct

from .figures import moment, percent
from .questions import forensic as around
from .questions import incidents as ask

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .asking import Reading, Row

#: What came so long before an incident may have led to it.
BEFORE = dt.timedelta(hours=2)


class Step(Struct, frozen=True):
    """One line of an incident's history."""

    time: dt.datetime
    kind: str
    text: str
    by: str = ""


def read(body: dict[str, Any]) -> Incident:
    """An incident as the store keeps it; what an older version did not write is as if it were not there."""
    return msgspec.convert(body, Incident)


def view(reading: Reading, id_: str) -> dict[str, Any] | None:
    """The page's values; ``None`` where there is no such incident."""
    rows = reading.rows(ask.ONE, incident=id_)
    if not rows:
        return None
    incident = read(rows[0]["body"])
    since, updated = rows[0]["since"], rows[0]["updated"]
    end = updated if incident.state == "resolved" else reading.now
    zones = list(incident.zones or (incident.zone,))
    choice = reading.choice.around(
        since - BEFORE, max(end, since) + dt.timedelta(minutes=5), zone=incident.zone, owner=None, region=None
    )
    findings = reading.rows(ask.FINDINGS, choice, zones=zones, rules=list(incident.findings))
    taken = reading.rows(ask.TAKEN, incident=id_)
    return {
        "incident": incident,
        "zones": zones,
        "around": choice,
        "lasted": (end - since).total_seconds(),
        "taken": taken[0] if taken else None,
        "steps": history(
            reading.rows(ask.HISTORY, incident=id_), reading.rows(ask.CALLS, incident=id_), taken
        ),
        "findings": findings,
        "before": [
            row for row in reading.rows(around.HAPPENED, choice) if row["kind"] in ("zone change", "transition")
        ],
        "evidence": reading.rows(ask.EVIDENCE, choice, zones=zones, events=list(incident.evidence)),
    }  # fmt: skip


def history(bodies: Iterable[Row], calls: Iterable[Row], taken: Iterable[Row]) -> list[Step]:
    """What changed from one state of it to the next, who was called, and who took it on; the newest first."""
    steps = []
    before: dict[str, Any] = {}
    for row in bodies:
        body = row["body"]
        at = moment(body["updated"])
        if not before:
            steps.append(Step(at, body["state"], body["title"]))
        elif body["state"] != before["state"]:
            steps.append(Step(at, body["state"], body.get("resolution") or body["title"]))
        elif body["severity"] != before["severity"]:
            steps.append(Step(at, "severity", f"{before['severity']} → {body['severity']}"))
        elif body["title"] != before["title"]:
            steps.append(Step(at, "changed", body["title"]))
        elif body.get("confidence") != before.get("confidence"):
            steps.append(
                Step(at, "confidence", f"{percent(before.get('confidence'))} → {percent(body.get('confidence'))}")
            )
        before = body
    steps += [Step(row["time"], "called", f"{row['why']}, as {row['severity']}", row["team"]) for row in calls]
    steps += [Step(row["at"], "taken on", row["note"], row["actor"]) for row in taken]
    return sorted(steps, key=lambda step: step.time, reverse=True)

"""Whom Grafana calls, from the inventory: a contact point a team, and a branch of the policy tree for our alerts.

Grafana knows no acknowledgement, so an escalation is a policy that waits: what fires still after that time calls the
other team too (``group_wait``). Incidents of the store have seen change windows; what Prometheus alone says has not, so
that there alerts which a change brings about are muted in them (`rules_prometheus.CHANGING`), and no others.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from dns_rules.model import SEVERITIES, Severity

from .alerting import HEARTBEAT, OURS, PREFIX, Integration, Point, Routing, Timing
from .rules_prometheus import CHANGING
from .timings import hours, window

if TYPE_CHECKING:
    from dns_rules.inventory import Inventory, Zone

#: For each kind of receiver Grafana's type, and the one setting that it needs
#: (https://grafana.com/docs/grafana/latest/alerting/set-up/provision-alerting-resources/file-provisioning/#settings).
_KINDS = {
    "slack": ("slack", "url"),
    "email": ("email", "addresses"),
    "pagerduty": ("pagerduty", "integrationKey"),
    "webhook": ("webhook", "url"),
    "teams": ("teams", "url"),
    "discord": ("discord", "url"),
    "googlechat": ("googlechat", "url"),
    "alertmanager": ("prometheus-alertmanager", "url"),
}
#: How often what lasts is told again, and how long more alerts of a group are waited for.
_PACES: dict[Severity, dict[str, str]] = {
    "critical": {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "1h"},
    "warning": {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"},
    "info": {"group_wait": "5m", "group_interval": "5m", "repeat_interval": "1d"},
}


def routing(inventory: Inventory, *, heartbeat: bool = False) -> Routing:
    """Contact points, mute timings and the branch.

    Args:
        inventory: teams with `notify`, `escalate`, `hours` and `after_hours`; zones with `changes`.
        heartbeat: whether the alert that always fires goes to a webhook.
    """
    points = [_point(key, team.notify) for key, team in inventory.teams.items() if team.notify]
    if heartbeat:
        points.append(_point("heartbeat", ("webhook:heartbeat",)))
    named = {point.name for point in points}
    timings: dict[str, Timing] = {}
    left_out: list[str] = []
    routes = [_owner(inventory, key, named, timings, left_out) for key in inventory.teams]
    if heartbeat:
        routes.insert(
            0,
            {"receiver": f"{PREFIX}heartbeat", "object_matchers": [["alertname", "=", HEARTBEAT]], "group_wait": "0s",
             "group_interval": "1m", "repeat_interval": "1m"},
        )  # fmt: skip
    branch: dict[str, Any] = {
        "object_matchers": OURS, "group_by": ["alertname", "zone", "owner"],
        "routes": [route for route in routes if route.get("routes") or "receiver" in route],
    }  # fmt: skip
    if inventory.observers is not None and f"{PREFIX}{inventory.observers}" in named:
        branch["receiver"] = f"{PREFIX}{inventory.observers}"
    return Routing(
        points=tuple(points), timings=tuple(timings.values()), branch=branch, left_out=tuple(left_out)
    )  # fmt: skip


def _point(key: str, notify: tuple[str, ...]) -> Point:
    return Point(name=f"{PREFIX}{key}", integrations=tuple(_integration(key, reference) for reference in notify))


def _integration(key: str, reference: str) -> Integration:
    """`slack:web-oncall` is a Slack webhook in ``DNSTOWER_SLACK_WEB_ONCALL``; of other kinds it is a webhook."""
    kind, _, name = reference.partition(":")
    type_, setting = _KINDS.get(kind, _KINDS["webhook"])
    uid = PREFIX + hashlib.sha256(f"{key}/{reference}".encode()).hexdigest()[:16]
    if type_ == "email" and "@" in name:
        return Integration(uid=uid, type=type_, settings={setting: name}, secrets={})
    variable = "DNSTOWER_" + re.sub(r"[^A-Z0-9]+", "_", reference.upper()).strip("_")
    return Integration(uid=uid, type=type_, settings={}, secrets={setting: variable})


def _owner(
    inventory: Inventory, key: str, named: set[str], timings: dict[str, Timing], left_out: list[str]
) -> dict[str, Any]:
    """Policies for one owner's alerts; those of zones that are being changed come first."""
    changing = [
        {
            "object_matchers": [["alertname", "=~", "|".join(CHANGING)], ["zone", "=", zone.zone]],
            "routes": routes,
        }
        for zone in inventory.zones
        if zone.owner == key
        and (muted := _windows(zone, timings, left_out))
        and (routes := _called(inventory, key, named, timings, muted))
    ]
    return {
        "object_matchers": [["owner", "=", key]],
        "routes": [*changing, *_called(inventory, key, named, timings)],
    }


def _windows(zone: Zone, timings: dict[str, Timing], left_out: list[str]) -> tuple[str, ...]:
    found = []
    for change in zone.changes:
        if "records" not in change.allow:
            continue
        intervals = window(change)
        if intervals is None:
            left_out.append(f"{zone.zone}: change {change.id} is no mute timing: Grafana has no words for it")
            continue
        name = f"{PREFIX}{zone.zone}-{_slug(change.id)}"
        timings[name] = Timing(name=name, intervals=intervals)
        found.append(name)
    return tuple(found)


def _called(
    inventory: Inventory, key: str, named: set[str], timings: dict[str, Timing], muted: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """For each severity the team itself, who is called in its place, and who is called when it lasts."""
    team = inventory.teams[key]
    off, on = f"{PREFIX}{key}-off-hours", f"{PREFIX}{key}-hours"
    if team.hours is not None:
        timings.setdefault(off, Timing(name=off, intervals=hours(team.hours, off=True)))
        if team.after_hours is not None:
            timings.setdefault(on, Timing(name=on, intervals=hours(team.hours, off=False)))
    found = []
    for severity in reversed(SEVERITIES):
        in_place = team.after_hours if severity == "critical" else None
        resting = team.hours is not None and (severity != "critical" or in_place is not None)
        calls: list[tuple[str, tuple[str, ...], dict[str, str]]] = [(key, (off,) if resting else (), {})]
        if in_place is not None:
            calls.append((in_place, (on,), {}))
        calls += [
            (step.to, (), {"group_wait": step.after})
            for step in team.escalate
            if SEVERITIES.index(step.severity) <= SEVERITIES.index(severity)
        ]
        calls = [call for call in calls if f"{PREFIX}{call[0]}" in named]
        for place, (called, rest, wait) in enumerate(calls, 1):
            route: dict[str, Any] = {
                "receiver": f"{PREFIX}{called}", "object_matchers": [["severity", "=", severity]],
                **_PACES[severity], **wait,
            }  # fmt: skip
            if times := (*muted, *rest):
                route["mute_time_intervals"] = list(times)
            if place < len(calls):
                route["continue"] = True
            found.append(route)
    return found


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text)

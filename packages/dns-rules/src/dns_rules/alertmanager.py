"""An inventory as a route tree for Alertmanager: by owner, called team and severity."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from .model import SEVERITIES

if TYPE_CHECKING:
    from .inventory import Inventory

#: How long more alerts of a group are waited for, and how often what lasts is told again.
_PACES = {
    "critical": {"group_wait": "0s", "repeat_interval": "1h"},
    "warning": {"group_wait": "30s", "repeat_interval": "4h"},
    "info": {"group_wait": "5m", "repeat_interval": "24h"},
}
#: Where alerts go whose team names no receiver.
DEFAULT = "dnstower"
HEARTBEAT = "heartbeat"


def render(inventory: Inventory) -> str:
    """YAML to be merged into alertmanager.yml; its receivers are named as in `notify`, and still empty."""
    used = {DEFAULT, HEARTBEAT} | {name for team in inventory.teams.values() for name in team.notify}
    beat = {"receiver": HEARTBEAT, "matchers": [_is("alertname", "DnstowerHeartbeat")], "group_wait": "0s",
            "group_interval": "1m", "repeat_interval": "1m"}  # fmt: skip
    tree = {
        "route": {
            "receiver": DEFAULT,
            "group_by": ["alertname", "zone", "owner", "team"],
            "routes": [beat, *(_owner(inventory, key) for key in inventory.teams)],
        },
        "inhibit_rules": [
            {
                "source_matchers": [_is("severity", "critical")],
                "target_matchers": ['severity=~"warning|info"'],
                "equal": ["zone", "team"],
            }
        ],
        "receivers": [{"name": name} for name in sorted(used)],
    }
    return str(yaml.safe_dump(tree, sort_keys=False, allow_unicode=True))


def _owner(inventory: Inventory, key: str) -> dict[str, Any]:
    """Routes of one owner's alerts: each team that may be called about them, at each severity that calls it."""
    team = inventory.teams[key]
    least = {key: 0}
    for step in team.escalate:
        severity = SEVERITIES.index(step.severity)
        least[step.to] = min(severity, least.get(step.to, severity))
    if team.after_hours is not None:
        least.setdefault(team.after_hours, SEVERITIES.index("critical"))
    return {
        "receiver": DEFAULT,
        "matchers": [_is("owner", key)],
        "routes": [
            {"receiver": name, "matchers": [_is("team", called), _is("severity", severity)], **_PACES[severity],
             "continue": name != inventory.teams[called].notify[-1]}
            for called, lowest in least.items()
            for severity in reversed(SEVERITIES[lowest:])
            for name in inventory.teams[called].notify
        ],
    }  # fmt: skip


def _is(label: str, value: str) -> str:
    return f"{label}={json.dumps(value, ensure_ascii=False)}"

"""The inventory of the lab's zones, as a user would write it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .zones import Expected, Zone

_TEAMS = {
    "web": {
        "name": "Web platform",
        "notify": ["slack:web-oncall"],
        "escalate": [{"after": "15m", "to": "tower"}],
    },
    "edge": {"name": "Edge and delivery", "notify": ["slack:edge-oncall"]},
    "payments": {
        "name": "Payments",
        "notify": ["slack:payments-oncall", "email:payments@example.com"],
        "escalate": [{"after": "5m", "to": "tower"}],
    },
    "tower": {"name": "Observability", "notify": ["email:tower@example.com"]},
}


def inventory(zones: Iterable[Zone]) -> str:
    """The YAML text."""
    document = {
        "version": 1,
        "teams": _TEAMS,
        "observers": "tower",
        "zones": [_zone(zone) for zone in zones],
    }
    return yaml.safe_dump(document, sort_keys=False, width=110)


def _zone(zone: Zone) -> dict[str, Any]:
    return {
        "zone": zone.name,
        "owner": zone.owner,
        "criticality": "critical",
        "dnssec": "required" if zone.signed else "off",
        "nameservers": [server.name for server in zone.servers],
        "records": [_record(expected) for expected in zone.expected],
    }


def _record(expected: Expected) -> dict[str, Any]:
    record: dict[str, Any] = {
        "name": expected.name,
        "type": expected.type,
        "expect": list(expected.data) or "any",
    }
    return {**record, "split": True} if expected.split else record

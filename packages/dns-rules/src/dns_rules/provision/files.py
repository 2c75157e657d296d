"""Alerts as files for Grafana's provisioning directory, ``provisioning/alerting``.

The form is that of "Use configuration files to provision alerting resources" in Grafana's documentation, and of
``pkg/services/provisioning/alerting/*_types.go``: there titles, labels, settings and policies have ``$VARIABLE``
filled in from Grafana's environment (``$$`` is a dollar), annotations and queries have not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from .alerting import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .alerting import Alerting, Integration, Routing, Rule

_MADE = "# Made by `dns-rules grafana render`; make it anew and reload, Grafana lets nobody change it.\n"
_POLICIES = _MADE + (
    "# A file holds the whole policy tree: whoever has policies of their own puts the branch below into theirs and\n"
    "# leaves this file out, or uses `dns-rules grafana apply`, which changes that branch alone.\n"
)
#: Where alerts go that are not ours: what every Grafana begins with.
_DEFAULT = "grafana-default-email"
#: Of a dashboard, the panel that lists what is open.
PANEL = 2


class _Dumper(yaml.SafeDumper):
    """Nothing is an alias, and what has several lines is a block."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class asks for it
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def files(wanted: Alerting) -> dict[str, str]:
    """Each file's name and its text."""
    found: dict[str, str] = {}
    if wanted.rules is not None:
        found["dnstower-rules.yaml"] = _MADE + _dump({"groups": list(_groups(wanted.rules))})
    if wanted.routing is not None:
        found |= _routing(wanted.routing)
    return found


def _groups(rules: Iterable[Rule]) -> Iterable[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(
            {
                "uid": rule.uid, "title": rule.title, "condition": rule.condition, "data": list(rule.data),
                "dashboardUid": rule.dashboard, "panelId": PANEL, "noDataState": rule.no_data,
                "execErrState": "Error", "for": rule.pause, "annotations": rule.annotations, "labels": rule.labels,
            }
        )  # fmt: skip
    return ({"orgId": 1, "name": name, "folder": FOLDER[1], "interval": "1m", "rules": listed}
            for name, listed in groups.items())  # fmt: skip


def _routing(wanted: Routing) -> dict[str, str]:
    secrets = [variable for point in wanted.points for each in point.integrations for variable in each.secrets.values()]
    needed = f"# In Grafana's environment: {', '.join(dict.fromkeys(secrets))}.\n" if secrets else ""
    points = [
        {"orgId": 1, "name": point.name, "receivers": [_receiver(each) for each in point.integrations]}
        for point in wanted.points
    ]
    timings = [{"orgId": 1, "name": timing.name, "time_intervals": list(timing.intervals)} for timing in wanted.timings]
    tree = {"orgId": 1, "receiver": _DEFAULT, "group_by": ["grafana_folder", "alertname"], "routes": [wanted.branch]}
    found = {
        "dnstower-contact-points.yaml": _MADE + needed + _dump({"contactPoints": points}),
        "dnstower-policies.yaml": _POLICIES + _dump({"policies": [tree]}),
    }
    if timings:
        told = "".join(f"# {line}\n" for line in wanted.left_out)
        found["dnstower-mute-timings.yaml"] = _MADE + told + _dump({"muteTimes": timings})
    return found


def _receiver(integration: Integration) -> dict[str, Any]:
    secrets = {name: f"${variable}" for name, variable in integration.secrets.items()}
    return {"uid": integration.uid, "type": integration.type, "settings": integration.settings | secrets}


def _dump(tree: dict[str, Any]) -> str:
    return str(yaml.dump({"apiVersion": 1, **tree}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=118))

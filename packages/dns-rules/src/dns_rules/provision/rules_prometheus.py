"""Grafana-managed rules for those who have Prometheus alone: the mixin's alerts, each with its text and its `for`.

What an expression returns fires, whatever its value, as in Prometheus. That takes the three steps that Grafana's own
import makes of such a rule (``pkg/services/ngalert/prom/convert.go`` of grafana/grafana): the query, whether there is a
number, and whether that is so. Its recording rules stay in Prometheus.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from dns_rules.errors import RulesError

from .alerting import HEARTBEAT, LABEL, PREFIX, Rule, above, query

if TYPE_CHECKING:
    from dns_rules.inventory import Inventory

PACKAGED = Path(__file__).parents[1] / "alert_rules" / "prometheus" / "dnstower_alerts.yaml"
#: What a change of records brings about: in a window that allows it they call nobody.
CHANGING = ("DnsRegionsDisagree", "DnsSerialLag")
_DASHBOARD = "dnstower-operator-prometheus"
_KIND = "prometheus"
#: Empty where there is none, as when a query fails; by name alone that would be an error.
_ZONE = 'index .Labels "dnstower_zone"'


def rules(
    source: str, runbooks: str, inventory: Inventory | None, file: Path = PACKAGED, *, heartbeat: bool = False
) -> tuple[Rule, ...]:
    """The rules.

    Args:
        source: uid of Grafana's data source for Prometheus.
        runbooks: where runbooks are, ``%s`` for the page's name; what the file says of that is left.
        inventory: says whose each zone is.
        file: made of the mixin, perhaps with a configuration of one's own.
        heartbeat: whether the alert that always fires is one of them.

    Raises:
        RulesError: the file is no file of alerts.
    """
    try:
        groups = yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        return tuple(
            _of(group["name"], alert, source, runbooks, inventory)
            for group in groups
            for alert in group["rules"]
            if heartbeat or alert["alert"] != HEARTBEAT
        )
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError) as error:
        msg = f"{file}: {getattr(error, 'strerror', None) or 'no Prometheus rule file of alerts'}"
        raise RulesError(msg) from error


def _of(group: str, alert: dict[str, Any], source: str, runbooks: str, inventory: Inventory | None) -> Rule:
    name, expr = str(alert["alert"]), str(alert["expr"])
    annotations = {key: _text(text) for key, text in alert["annotations"].items()}
    runbook = annotations["runbook_url"].rpartition("/")[2].removesuffix(".md")
    of_zone = "dnstower_zone" in expr or "zone:dnstower_" in expr
    choice = "?var-zone={{ $labels.dnstower_zone }}" if of_zone else ""
    labels = {**dict([LABEL]), **alert["labels"]}
    if of_zone:
        labels["zone"] = f"{{{{ {_ZONE} }}}}"
    if inventory is not None and (owner := _owner(inventory) if of_zone else inventory.observers):
        labels["owner"] = owner
    return Rule(
        uid=f"{PREFIX}p-{name}",
        title=name,
        group=group,
        data=(
            query("A", source, _KIND, expr=" ".join(expr.split()), instant=True, range=False),
            query("B", "__expr__", "__expr__", type="math", expression="is_number($A) || is_nan($A) || is_inf($A)"),
            above("C", "B", 0),
        ),
        pause=str(alert["for"]),
        labels=labels,
        annotations=annotations
        | {"runbook_url": runbooks % runbook, "dashboard_url": f"{{{{ externalURL }}}}d/{_DASHBOARD}{choice}"},
        dashboard=_DASHBOARD,
    )


def _text(text: str) -> str:
    """In Grafana ``$value`` is a sentence about all queries."""
    return text.replace("$value", "$values.A.Value")


def _owner(inventory: Inventory) -> str:
    """A template that says whose a zone is; without ``$``, which Grafana would take for its environment in a file."""
    zones: dict[str, list[str]] = {}
    for zone in inventory.zones:
        zones.setdefault(str(zone.owner), []).append(f'"{zone.zone}"')
    cases = [f"if eq ({_ZONE}) {' '.join(names)} }}}}{owner}" for owner, names in zones.items()]
    rest = f"{{{{ else }}}}{inventory.observers}" if inventory.observers else ""
    return "{{ " + "{{ else ".join(cases) + rest + "{{ end }}"

"""``kafka-bridge notify test TEAM``: a marked page through a team's receivers, and what each answered."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from pathlib import Path  # noqa: TC003 - cyclopts reads annotations at run time
from typing import TYPE_CHECKING, Any

from cyclopts import App
from dns_rules import load_inventory
from dns_rules.errors import RulesError

from kafka_bridge.config import load_config
from kafka_bridge.errors import BridgeError, ConfigError
from kafka_bridge.store.locate import Json  # noqa: TC001 - as above

from .notifier import DeliveryError, Page
from .receivers import kinds, ways

if TYPE_CHECKING:
    from .notifier import Notifier

notify_app = App(name="notify", help="About the receivers of pages.")


@notify_app.command(name="test")
def try_(team: str, /, *, config: Path, as_json: Json = False) -> int:
    """Send a page that is marked as a drill through a team's receivers, and its resolution; exit 1 if one fails.

    Args:
        team: a team of the inventory.
        config: bridge.yaml.
        as_json: one JSON object a receiver.
    """
    loaded = load_config(config)
    if loaded.inventory is None:
        msg = f"{config} has no inventory: there are no teams"
        raise ConfigError(msg)
    try:
        inventory = load_inventory(loaded.inventory, kinds(loaded.notify))
    except RulesError as error:
        raise ConfigError(str(error)) from error
    if team not in inventory.teams:
        msg = f"no team {team!r}; there are {', '.join(sorted(inventory.teams))}"
        raise BridgeError(msg)
    out = ways(loaded.notify, None)
    names = out.routing.of(inventory, [team])
    mine = [notifier for notifier in out.notifiers if notifier.name in names and notifier.name != "console"]
    if not mine:
        msg = f"team {team} has no receiver: write `notify` in the inventory, and `notify.receivers` in {config}"
        raise BridgeError(msg)
    incident = _incident(team, inventory.teams[team].name)
    failed = 0
    for notifier in mine:
        worked, answer = _tried(notifier, incident, team)
        failed += not worked
        if as_json:
            print(json.dumps({"receiver": notifier.name, "delivered": worked, "answer": answer}))
        else:
            print(f"{notifier.name:24} {'delivered' if worked else 'FAILED':10} {answer}")
    return 1 if failed else 0


def _tried(notifier: Notifier, incident: dict[str, Any], team: str) -> tuple[bool, str]:
    try:
        key = incident["id"]
        receipt = notifier.deliver(Page(key=f"{key}-firing", transition="firing", incident=incident, team=team))
        over = {**incident, "state": "resolved", "resolution": "it was a test"}
        notifier.deliver(Page(key=f"{key}-resolved", transition="resolved", incident=over, kept=receipt.kept))
    except DeliveryError as error:
        return False, notifier.hide(str(error))
    return True, notifier.hide(receipt.answer)


def _incident(team: str, name: str) -> dict[str, Any]:
    now = dt.datetime.now(dt.UTC).isoformat()
    return {
        "id": f"test-{secrets.token_hex(6)}", "rule": "notify-test", "class": "observer", "severity": "info",
        "zone": "test.invalid", "state": "firing", "since": now, "updated": now, "drill": True,
        "title": f"Test page for {name}", "what": "somebody ran `kafka-bridge notify test`; nothing is wrong",
        "where": {"regions": ["test"], "servers": [], "names": []},
        "check_first": ["nothing: this is a test"], "runbook": "zone-outage", "owner": team,
        "calls": [{"time": now, "team": team, "why": "firing", "severity": "info"}],
    }  # fmt: skip

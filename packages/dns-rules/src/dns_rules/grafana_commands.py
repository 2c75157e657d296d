"""``dns-rules grafana plan|apply|destroy|render``: folders, dashboards and alerts, as a diff first, or as files."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - cyclopts asks for it
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter

from .errors import RulesError
from .inventory import load_inventory
from .packs import load_rules

if TYPE_CHECKING:
    from .provision.alerting import Alerting, Rule
    from .provision.alerts import Alerts
    from .provision.grafana import Grafana
    from .provision.steps import Planned
    from .provision.wanted import Folder

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line.")]
Yes = Annotated[bool, Parameter(name="--yes", negative="", help="Do not ask.")]
Flag = Annotated[bool, Parameter(negative="")]
Teams = Annotated[tuple[int, ...], Parameter(negative="")]
_MOST = 4096

grafana = App(
    name="grafana",
    help="Folders, dashboards and alerts in a Grafana: by its API, or as files for its provisioning directory.\n\n"
    "Exit codes: 0 as it should be, 1 failed or refused, 3 there are differences.",
    result_action="return_value",
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Access:
    """Which Grafana, and as whom."""

    url: str
    """Of Grafana."""
    token_file: Path | None = None
    """Has the service account's token; else it is GRAFANA_TOKEN of the environment."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who sees what beside Viewers, Editors and administrators."""

    operators_team: Teams = ()
    """Id of a Grafana team that sees the operators' folder; as often as needed. Editors do anyway."""
    security_team: Teams = ()
    """Id of one that sees the forensic folder, which only administrators do without."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Alarms:
    """Over what, and whom alerts call. What is left out is left as it is."""

    store: str | None = None
    """Uid of Grafana's data source for the store, whose incidents the alert rules tell."""
    prometheus: str | None = None
    """Uid of Grafana's data source for Prometheus, of which the alert rules are the mixin's."""
    inventory: Path | None = None
    """With contact points, notification policies and mute timings for its teams."""
    rules: Path | None = None
    """A rule pack of your own."""
    runbooks: str = "https://example.com/runbooks/%s.md"
    """Where you keep the runbooks; %s is the page's name."""
    heartbeat: Flag = False
    """With an alert that always fires, for a webhook that calls you when it stops: DNSTOWER_WEBHOOK_HEARTBEAT."""


@grafana.command
def plan(
    *,
    access: Access,
    audience: Audience = Audience(),
    alarms: Alarms = Alarms(),
    alerts: Flag = False,
    secrets: Flag = False,
    as_json: Json = False,
) -> int:
    """Show what `apply` would do.

    Args:
        access: to Grafana.
        audience: of folders.
        alarms: over what: with --prometheus alone the dashboards are those for it, else those for the store.
        alerts: with the alert rules over the data sources that are named.
        secrets: send secrets of contact points again, which Grafana does not show.
        as_json: one JSON object a line.
    """
    server, alerting = _server(access, secrets=secrets)
    planned = _planned(server, alerting, audience, alarms, alerts=alerts)
    _print(planned, as_json=as_json)
    return _code(planned)


@grafana.command
def apply(
    *,
    access: Access,
    audience: Audience = Audience(),
    alarms: Alarms = Alarms(),
    alerts: Flag = False,
    secrets: Flag = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Show the differences, ask, and make Grafana so. What was not made by this is never touched.

    Args:
        access: to Grafana.
        audience: of folders.
        alarms: over what: with --prometheus alone the dashboards are those for it, else those for the store.
        alerts: with the alert rules over the data sources that are named.
        secrets: send secrets of contact points again, which Grafana does not show.
        yes: do not ask.
        as_json: one JSON object a line.
    """
    server, alerting = _server(access, secrets=secrets)
    planned = _planned(server, alerting, audience, alarms, alerts=alerts)
    return _carried_out(server, planned, yes=yes, as_json=as_json)


@grafana.command
def destroy(*, access: Access, yes: Yes = False, as_json: Json = False) -> int:
    """Show what `apply` made, ask, and remove it. A folder in which others keep things stays.

    Args:
        access: to Grafana.
        yes: do not ask.
        as_json: one JSON object a line.
    """
    server, alerting = _server(access)
    try:
        planned = alerting.plan_destroy()
    except RulesError as error:  # whose token may not read alerts has made none
        print(f"alerts are not looked at: {error}", file=sys.stderr)
        planned = []
    planned += server.plan_destroy(_folders(Audience(), Alarms(store="", prometheus="")))
    return _carried_out(server, planned, yes=yes, as_json=as_json)


@grafana.command
def render(folder: Path, /, *, alarms: Alarms = Alarms()) -> int:
    """Write alert rules, contact points, notification policies and mute timings as files for `provisioning/alerting`.

    Args:
        folder: where to; files of other names in it stay.
        alarms: which.
    """
    from .provision.files import files  # noqa: PLC0415 - with the others of that room

    made = files(_alerting(alarms))
    if not made:
        raise RulesError("nothing to write; say --store UID, --prometheus UID or --inventory FILE")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
            print(folder / name)
    except OSError as error:
        msg = f"{folder}: {error.strerror}"
        raise RulesError(msg) from error
    return 0


def _server(access: Access, *, secrets: bool = False) -> tuple[Grafana, Alerts]:
    try:
        from .provision.alerts import Alerts  # noqa: PLC0415 - an extra
        from .provision.grafana import Grafana  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"Grafana is asked by grafana-client: pip install 'dns-rules[grafana]' ({error})"
        raise RulesError(msg) from error
    server = Grafana(access.url, _token(access.token_file))
    return server, Alerts(server, secrets=secrets)


def _planned(server: Grafana, alerting: Alerts, audience: Audience, alarms: Alarms, *, alerts: bool) -> list[Planned]:
    if alerts and alarms.store is None and alarms.prometheus is None:
        raise RulesError("--alerts: over what? write --store UID or --prometheus UID")
    return server.plan(_folders(audience, alarms)) + alerting.plan(_alerting(alarms, rules=alerts))


def _folders(audience: Audience, alarms: Alarms) -> list[Folder]:
    from .provision.wanted import folders  # noqa: PLC0415 - with the others of that room

    return folders(
        operators=audience.operators_team,
        security=audience.security_team,
        store=alarms.store is not None or alarms.prometheus is None,
        prometheus=alarms.prometheus is not None,
    )


def _alerting(alarms: Alarms, *, rules: bool = True) -> Alerting:
    from .provision import routing, rules_prometheus, rules_store  # noqa: PLC0415 - with the others of that room
    from .provision.alerting import Alerting  # noqa: PLC0415 - as above

    if "%s" not in alarms.runbooks or alarms.runbooks.count("%") != 1:
        raise RulesError("--runbooks: write %s where the page's name is, and no other %")
    inventory = None if alarms.inventory is None else load_inventory(alarms.inventory)
    found: list[Rule] = []
    if rules and alarms.store is not None:
        observers = None if inventory is None else inventory.observers
        found += rules_store.rules(load_rules(alarms.rules), alarms.store, alarms.runbooks, observers)
    if rules and alarms.prometheus is not None:
        found += rules_prometheus.rules(alarms.prometheus, alarms.runbooks, inventory, heartbeat=alarms.heartbeat)
    routed = None if inventory is None else routing.routing(inventory, heartbeat=alarms.heartbeat)
    if routed is not None:
        for line in routed.left_out:
            print(line, file=sys.stderr)
    return Alerting(rules=tuple(found) or None, routing=routed)


def _token(file: Path | None) -> str:
    if file is None:
        token = os.environ.get("GRAFANA_TOKEN", "").strip()
        if not token:
            raise RulesError("no token; write --token-file FILE, or set GRAFANA_TOKEN")
        return token
    try:
        with file.open("rb") as opened:
            token = opened.read(_MOST).decode().strip()
    except (OSError, UnicodeError) as error:
        msg = f"--token-file {file}: {getattr(error, 'strerror', None) or 'not text'}"
        raise RulesError(msg) from error
    if not token or not token.isprintable() or " " in token:
        msg = f"--token-file {file}: no token in it"
        raise RulesError(msg)
    return token


def _carried_out(server: Grafana, planned: list[Planned], *, yes: bool, as_json: bool) -> int:
    _print(planned, as_json=as_json)
    todo = [each for each in planned if each.step.do != "refuse"]
    if todo and not yes:
        if not sys.stdin.isatty():
            raise RulesError("nobody can be asked; write --yes")
        print(f"{len(todo)} changes. Write yes to make them: ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip() != "yes":
            print("nothing was changed", file=sys.stderr)
            return _code(planned)
    server.carry_out(todo)
    return 1 if len(todo) < len(planned) else 0


def _print(planned: list[Planned], *, as_json: bool) -> None:
    for each in planned:
        print(json.dumps(msgspec.to_builtins(each.step)) if as_json else each.step)


def _code(planned: list[Planned]) -> int:
    if any(each.step.do == "refuse" for each in planned):
        return 1
    return 3 if planned else 0

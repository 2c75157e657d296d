"""``dns-rules grafana plan|apply|destroy``: folders and dashboards, as a diff first."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter

from .errors import RulesError

if TYPE_CHECKING:
    from .provision.grafana import Grafana, Planned
    from .provision.wanted import Folder

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object a line.")]
Yes = Annotated[bool, Parameter(name="--yes", negative="", help="Do not ask.")]
Url = Annotated[str, Parameter(name="--url", help="Of Grafana.")]
TokenFile = Annotated[
    Path | None,
    Parameter(
        name="--token-file", help="Has the service account's token; else it is GRAFANA_TOKEN of the environment."
    ),
]
Teams = Annotated[tuple[int, ...], Parameter(negative="")]
_MOST = 4096

grafana = App(
    name="grafana",
    help="Folders and dashboards in a Grafana, by its API.\n\n"
    "Exit codes: 0 as it should be, 1 failed or refused, 3 there are differences.",
    result_action="return_value",
)


@grafana.command
def plan(
    *,
    url: Url,
    token_file: TokenFile = None,
    operators_team: Teams = (),
    security_team: Teams = (),
    as_json: Json = False,
) -> int:
    """Show what `apply` would do.

    Args:
        url: of Grafana.
        token_file: has the token.
        operators_team: id of a Grafana team that sees the operators' folder; as often as needed. Editors do anyway.
        security_team: of one that sees the forensic folder, which only administrators do without.
        as_json: one JSON object a line.
    """
    server, folders = _asked(url, token_file, operators_team, security_team)
    planned = server.plan(folders)
    _print(planned, as_json=as_json)
    return _code(planned)


@grafana.command
def apply(
    *,
    url: Url,
    token_file: TokenFile = None,
    operators_team: Teams = (),
    security_team: Teams = (),
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Show the differences, ask, and make Grafana so. What was not made by this is never touched.

    Args:
        url: of Grafana.
        token_file: has the token.
        operators_team: id of a Grafana team that sees the operators' folder; as often as needed. Editors do anyway.
        security_team: of one that sees the forensic folder, which only administrators do without.
        yes: do not ask.
        as_json: one JSON object a line.
    """
    server, folders = _asked(url, token_file, operators_team, security_team)
    return _carried_out(server, server.plan(folders), yes=yes, as_json=as_json)


@grafana.command
def destroy(*, url: Url, token_file: TokenFile = None, yes: Yes = False, as_json: Json = False) -> int:
    """Show what `apply` made, ask, and remove it. A folder in which others keep things stays.

    Args:
        url: of Grafana.
        token_file: has the token.
        yes: do not ask.
        as_json: one JSON object a line.
    """
    server, folders = _asked(url, token_file, (), ())
    return _carried_out(server, server.plan_destroy(folders), yes=yes, as_json=as_json)


def _asked(
    url: str, token_file: Path | None, operators: tuple[int, ...], security: tuple[int, ...]
) -> tuple[Grafana, list[Folder]]:
    try:
        from .provision.grafana import Grafana  # noqa: PLC0415 - an extra
        from .provision.wanted import folders  # noqa: PLC0415 - as above
    except ImportError as error:
        msg = f"Grafana is asked by grafana-client: pip install 'dns-rules[grafana]' ({error})"
        raise RulesError(msg) from error
    return Grafana(url, _token(token_file)), folders(operators=operators, security=security)


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

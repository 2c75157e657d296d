"""What is to be in a Grafana: a folder for each audience, and the dashboards in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from msgspec import Struct

from dns_rules.errors import RulesError

#: The dashboards that ship with this distribution.
PACKAGED = Path(__file__).parents[1] / "dashboards"
#: Those over Prometheus.
PACKAGED_PROMETHEUS = Path(__file__).parents[1] / "dashboards_prometheus"
#: Of everything that was made here, and of nothing else.
MARK = "dnstower-managed"
#: Of permissions, in Grafana's numbers.
_VIEW = 1
#: Folder, title, dashboards over the store and over Prometheus, and the roles that may see it.
_FOLDERS = (
    ("dnstower-for-everyone", "DNS: executive", ("executive",), ("executive",), ("Viewer", "Editor")),
    ("dnstower-for-operators", "DNS: operations", ("operator", "pipeline"), ("operator", "pipeline"), ("Editor",)),
    ("dnstower-for-security", "DNS: forensic", ("forensic",), (), ()),
)


class Dashboard(Struct, frozen=True, kw_only=True):
    """A dashboard as it is to be saved."""

    uid: str
    title: str
    body: dict[str, Any]
    """With the marks in its tags."""
    digest: str
    """Of the file; stands in a tag, because Grafana may change what it saves."""


class Folder(Struct, frozen=True, kw_only=True):
    """A folder as it is to be."""

    uid: str
    title: str
    permissions: tuple[tuple[str, str | int, int], ...]
    """``role`` or ``teamId``, which one, and Grafana's number of the permission; administrators may always."""
    dashboards: tuple[Dashboard, ...]


def folders(
    place: Path = PACKAGED,
    *,
    operators: tuple[int, ...] = (),
    security: tuple[int, ...] = (),
    store: bool = True,
    prometheus: bool = False,
) -> list[Folder]:
    """The folders, with dashboards from files.

    Args:
        place: of ``executive.json`` and the others.
        operators: ids of Grafana teams that see the operators' folder.
        security: of those that see the forensic one.
        store: whether the dashboards over the store are in them.
        prometheus: whether those over Prometheus are, of which there are fewer.

    Raises:
        RulesError: a file is missing, or is no dashboard.
    """
    teams = {"dnstower-for-operators": operators, "dnstower-for-security": security}
    found = [
        Folder(
            uid=uid,
            title=title,
            permissions=(
                *(("role", role, _VIEW) for role in roles),
                *(("teamId", team, _VIEW) for team in teams.get(uid, ())),
            ),
            dashboards=(
                *(_dashboard(place / f"{name}.json") for name in names if store),
                *(_dashboard(PACKAGED_PROMETHEUS / f"{name}.json") for name in over_prometheus if prometheus),
            ),
        )
        for uid, title, names, over_prometheus, roles in _FOLDERS
    ]
    return [folder for folder in found if folder.dashboards]


def _dashboard(file: Path) -> Dashboard:
    try:
        text = file.read_bytes()
        body = json.loads(text)
    except (OSError, ValueError) as error:
        msg = f"{file}: {getattr(error, 'strerror', None) or f'not JSON: {error}'}"
        raise RulesError(msg) from error
    if not isinstance(body, dict) or not isinstance(body.get("uid"), str) or not isinstance(body.get("title"), str):
        msg = f"{file}: no dashboard: it is without uid or title"
        raise RulesError(msg)
    digest = hashlib.sha256(text).hexdigest()[:12]
    body["tags"] = [*body.get("tags", ()), MARK, f"{MARK}-{digest}"]
    return Dashboard(uid=body["uid"], title=body["title"], body=body, digest=digest)

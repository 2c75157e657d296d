"""The difference between a Grafana and what is to be in it, and how it is made so. Nothing else is ever touched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from grafana_client.api import GrafanaApi
from grafana_client.client import GrafanaClientError, GrafanaException

from dns_rules.errors import RulesError

from .steps import Planned, Step, refused
from .wanted import MARK, Dashboard, Folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SECONDS = 20.0
_NOT_FOUND = 404
_MOST = 1000


class Grafana:
    """A Grafana, by the token of a service account.

    Args:
        url: ``https://grafana.example.com``, with a path where it is served below one.
        token: of the service account.
    """

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise RulesError("--url: not https://HOST[/PATH] without a login")
        self.api: Any = GrafanaApi(
            token, host=parts.hostname, port=parts.port, url_path_prefix=parts.path.strip("/"),
            protocol=parts.scheme, timeout=_SECONDS,
        )  # fmt: skip
        self._where = f"{parts.scheme}://{parts.hostname}"

    def plan(self, wanted: Iterable[Folder]) -> list[Planned]:
        """What is to be done so that it has these folders; nothing where it has."""
        found: list[Planned] = []
        for folder in wanted:
            known = self._folder(folder)
            if known == "stranger":
                found.append(refused("folder", folder.uid, folder.title, "there is another folder of this uid"))
                continue
            if known == "none":
                step = Step(do="create", kind="folder", uid=folder.uid, title=folder.title)
                found.append(Planned(step, partial(self.api.folder.create_folder, folder.title, folder.uid)))
            if known == "none" or self._permissions(folder.uid) != set(folder.permissions):
                who = ", ".join(f"{name} {which}" for name, which, _ in folder.permissions) or "administrators alone"
                step = Step(do="update", kind="permissions", uid=folder.uid, title=folder.title, why=who)
                found.append(Planned(step, partial(self._permit, folder)))
            found += [planned for each in folder.dashboards if (planned := self._dashboard(folder, each)) is not None]
        return found

    def plan_destroy(self, wanted: Iterable[Folder]) -> list[Planned]:
        """What is to be done so that nothing of them is left."""
        found: list[Planned] = []
        for folder in wanted:
            for each in folder.dashboards:
                present = self._present(each.uid)
                if present is None:
                    continue
                if MARK not in present["dashboard"].get("tags", ()):
                    found.append(refused("dashboard", each.uid, each.title, "it was not made here"))
                    continue
                step = Step(do="delete", kind="dashboard", uid=each.uid, title=each.title)
                found.append(Planned(step, partial(self.api.dashboard.delete_dashboard, each.uid)))
            if self._folder(folder) == "ours":
                ours = {each.uid for each in folder.dashboards}
                listed = self.said(partial(self.api.search.search_dashboards, folder_uids=[folder.uid], limit=_MOST))
                if others := [entry["title"] for entry in listed if entry.get("uid") not in ours]:
                    why = f"others keep things in it: {', '.join(others[:5])}"
                    found.append(refused("folder", folder.uid, folder.title, why))
                    continue
                step = Step(do="delete", kind="folder", uid=folder.uid, title=folder.title)
                found.append(Planned(step, partial(self.api.folder.delete_folder, folder.uid)))
        return found

    def carry_out(self, planned: Iterable[Planned]) -> None:
        """Do it, in its order.

        Raises:
            RulesError: it does not answer or refuses; what was done before stays, and the next plan goes on from there.
        """
        for step, deed in planned:
            if step.do != "refuse":
                self.said(deed)

    def _folder(self, folder: Folder) -> Literal["none", "ours", "stranger"]:
        present = self.said(lambda: self.api.folder.get_folder(folder.uid), none=True)
        if present is None:
            return "none"
        return "ours" if present.get("title") == folder.title else "stranger"

    def _permissions(self, uid: str) -> set[tuple[str, str | int, int]]:
        listed = self.said(lambda: self.api.folder.get_folder_permissions(uid))
        found: set[tuple[str, str | int, int]] = set()
        for entry in listed:
            if entry.get("inherited") or entry.get("userId") or entry.get("role") == "Admin":
                continue  # an account that made the folder is its administrator
            for name in ("role", "teamId"):
                if entry.get(name):
                    found.add((name, entry[name], entry["permission"]))
        return found

    def _permit(self, folder: Folder) -> object:
        items = [{name: which, "permission": number} for name, which, number in folder.permissions]
        return self.api.folder.update_folder_permissions(folder.uid, items)

    def _present(self, uid: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = self.said(lambda: self.api.dashboard.get_dashboard(uid), none=True)
        return found

    def _dashboard(self, folder: Folder, wanted: Dashboard) -> Planned | None:
        present = self._present(wanted.uid)
        if present is None:
            step = Step(do="create", kind="dashboard", uid=wanted.uid, title=wanted.title, why=f"in {folder.title}")
            return Planned(step, lambda: self._save(folder, wanted))
        tags = present["dashboard"].get("tags") or ()
        if MARK not in tags:
            return refused("dashboard", wanted.uid, wanted.title, "there is another dashboard of this uid")
        moved = present.get("meta", {}).get("folderUid") != folder.uid
        if f"{MARK}-{wanted.digest}" in tags and not moved:
            return None
        why = f"into {folder.title}" if moved else _difference(present["dashboard"], wanted.body)
        step = Step(do="update", kind="dashboard", uid=wanted.uid, title=wanted.title, why=why)
        return Planned(step, lambda: self._save(folder, wanted))

    def _save(self, folder: Folder, wanted: Dashboard) -> object:
        return self.api.dashboard.update_dashboard(
            {"dashboard": {**wanted.body, "id": None}, "folderUid": folder.uid, "overwrite": True, "message": MARK}
        )

    def said(self, ask: Callable[[], Any], *, none: bool = False) -> Any:
        """What it answers; ``None`` for what is not there, where that is no error.

        Raises:
            RulesError: it does not answer, or refuses.
        """
        try:
            return ask()
        except GrafanaClientError as error:
            if none and error.status_code == _NOT_FOUND:
                return None
            hint = "; the service account lacks the right" if error.status_code in {401, 403} else ""
            msg = f"{self._where} answered {error.status_code}{hint}"
            raise RulesError(msg) from error
        except (GrafanaException, OSError, ValueError) as error:
            status = getattr(error, "status_code", 0)
            msg = f"{self._where} {f'answered {status}' if status else 'does not answer'}"
            raise RulesError(msg) from error


def _difference(present: dict[str, Any], wanted: dict[str, Any]) -> str:
    """Which panels come and go."""
    before, after = (_titles(body.get("panels") or ()) for body in (present, wanted))
    parts = {"with": after - before, "without": before - after}
    told = [f"{word} {', '.join(sorted(titles)[:5])}" for word, titles in parts.items() if titles]
    return "; ".join(told) or "the same panels, changed"


def _titles(panels: Iterable[dict[str, Any]]) -> set[str]:
    return {
        str(panel.get("title"))
        for each in panels
        for panel in (each, *(each.get("panels") or ()))
        if panel.get("title")
    }

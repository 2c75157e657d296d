"""Incidents as alerts of Alertmanager (API v2): one alert for each team that was called, told again while it fires."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from dns_events.durations import seconds

from kafka_bridge.authorization import basic

from .http import shown
from .notifier import DeliveryError, Notifier, Receipt
from .settings import hide, secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .http import Http
    from .links import Links
    from .notifier import Page
    from .settings import AlertmanagerSettings

log = logging.getLogger(__name__)

HEARTBEAT = "DnstowerHeartbeat"
#: An alert that was not sent again for so many times `every` is over.
_MISSED = 5
_MOST = 4000
_BATCH = 500


class Alertmanager(Notifier):
    """Delivers once one Alertmanager of the cluster has it; the others get it when it is told again."""

    def __init__(self, name: str, settings: AlertmanagerSettings, http: Http, links: Links) -> None:
        self.name = name
        self.per_minute = settings.per_minute
        self.again = seconds(settings.every)
        self.hosts = tuple(urlsplit(url).hostname or "" for url in settings.urls)
        self._settings = settings
        self._http = http
        self._links = links

    def deliver(self, page: Page) -> Receipt:
        """Alerts as they are from now on; what was said of a lesser severity is over."""
        before = list((page.kept or {}).get("alerts", ()))
        now: list[dict[str, str]] = before
        if page.transition == "resolved":
            now = []
        elif page.team is not None:
            mine = _labels(page.incident, page.team)
            if mine not in before:
                # A region that joins is no other alert.
                same = [labels for labels in before if labels["team"] == page.team]
                mine |= {"region": same[-1]["region"]} if same and "region" in same[-1] else {}
                now = [labels for labels in before if labels["team"] != page.team] + [mine]
        alerts = [self._alert(page.incident, labels) for labels in now]
        alerts += [self._alert(page.incident, labels, over=True) for labels in before if labels not in now]
        return Receipt(self._send(alerts) if alerts else "nothing was open", {"alerts": now})

    def remind(self, pages: Sequence[Page]) -> None:
        """All alerts, and the heartbeat, so that Alertmanager does not take them for resolved."""
        beat = {"alertname": HEARTBEAT, "severity": "none"}
        alerts = [self._dated({"labels": beat, "annotations": {"summary": "Always fires: dnstower is there."}})]
        for page in pages:
            alerts += [self._alert(page.incident, labels) for labels in (page.kept or {}).get("alerts", ())]
        for start in range(0, len(alerts), _BATCH):
            self._send(alerts[start : start + _BATCH])

    def hide(self, text: str) -> str:
        """Without password and token."""
        return hide(self._settings, text)

    def _alert(self, incident: Mapping[str, Any], labels: Mapping[str, str], *, over: bool = False) -> dict[str, Any]:
        annotations = {
            "summary": ("DRILL " if incident["drill"] else "") + incident["title"],
            "description": incident["what"],
            "check_first": "\n".join(f"{number}. {text}" for number, text in enumerate(incident["check_first"], 1)),
            "runbook_url": self._links.runbook(incident) or "",
            "dashboard_url": self._links.dashboard(incident) or "",
            "acknowledge_url": self._links.acknowledge(incident) or "",
            "acknowledged_by": (incident.get("acknowledged") or {}).get("by", ""),
            "incident": incident["id"],
        }
        alert = {
            "labels": dict(labels),
            "annotations": {name: text[:_MOST] for name, text in annotations.items() if text},
            "startsAt": incident["since"],
        }
        if link := self._links.dashboard(incident):
            alert["generatorURL"] = link
        return self._dated(alert, over=over)

    def _dated(self, alert: dict[str, Any], *, over: bool = False) -> dict[str, Any]:
        assert self.again is not None
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=0 if over else _MISSED * self.again)
        return alert | {"endsAt": ends.isoformat()}

    def _send(self, alerts: Sequence[Mapping[str, Any]]) -> str:
        body = msgspec.json.encode(alerts)
        said, failed = [], []
        for url in self._settings.urls:
            try:
                answer = self._http.send(
                    "POST", f"{url.rstrip('/')}/api/v2/alerts", content=body, headers=self._headers()
                )
                said.append(answer.taken(shown(url)))
            except DeliveryError as error:
                failed.append(error)
        if not said:
            raise failed[0]
        for each in failed:
            log.warning("%s: one of several does not take it: %s", self.name, self.hide(str(each)))
        return "; ".join(said)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if (token := secret(self._settings, "token")) is not None:
            headers["Authorization"] = f"Bearer {token}"
        elif self._settings.username is not None:
            headers["Authorization"] = basic(self._settings.username, secret(self._settings, "password") or "")
        return headers


def _labels(incident: Mapping[str, Any], team: str) -> dict[str, str]:
    """What tells the alert from others. A team that is called later has an alert of its own, so that it is routed."""
    labels = {
        "alertname": incident["rule"],
        "zone": incident["zone"],
        "class": incident["class"],
        "severity": incident["severity"],
        "owner": incident["owner"],
        "team": team,
        "region": ",".join(incident["where"]["regions"]),
        "drill": "true" if incident["drill"] else "",
    }
    return {name: text for name, text in labels.items() if text}

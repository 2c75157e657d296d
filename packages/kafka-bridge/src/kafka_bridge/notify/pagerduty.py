"""Pages to PagerDuty (Events API v2): one alert an incident, by its `dedup_key`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from .http import shown
from .message import facts, headline
from .notifier import Notifier, Receipt
from .settings import hide, secret

if TYPE_CHECKING:
    from .http import Http
    from .links import Links
    from .notifier import Page
    from .settings import PagerDutySettings

_ACTIONS = {"acknowledged": "acknowledge", "resolved": "resolve"}
#: Of a summary, by the API; of a value in `custom_details`, by us.
_SUMMARY, _MOST = 1024, 4000


class PagerDuty(Notifier):
    """Each page is an event of its own: a digest would open one alert for many."""

    def __init__(self, name: str, settings: PagerDutySettings, http: Http, links: Links) -> None:
        self.name = name
        self.per_minute = settings.per_minute
        self.hosts = (urlsplit(settings.url).hostname or "",)
        self._settings = settings
        self._http = http
        self._links = links

    def deliver(self, page: Page) -> Receipt:
        """Trigger, acknowledge or resolve."""
        incident, url = page.incident, self._settings.url
        event: dict[str, Any] = {
            "routing_key": secret(self._settings, "routing_key"),
            "event_action": _ACTIONS.get(page.transition, "trigger"),
            "dedup_key": incident["id"],
        }
        if event["event_action"] == "trigger":
            event["client"] = "dnstower"
            event["payload"] = {
                "summary": headline(page.transition, incident)[:_SUMMARY],
                "source": incident["zone"],
                "severity": incident["severity"],
                "timestamp": incident["since"],
                "component": incident["rule"],
                "group": incident["owner"],
                "class": incident["class"],
                "custom_details": {label: text[:_MOST] for label, text in facts(page.transition, incident)}
                | {"drill": incident["drill"]},
            }
            event["links"] = [{"href": href, "text": label} for label, href in self._links.of(incident).items()]
        headers = {"Content-Type": "application/json"}
        answer = self._http.send("POST", url, content=msgspec.json.encode(event), headers=headers)
        return Receipt(answer.taken(shown(url)))

    def hide(self, text: str) -> str:
        """Without the routing key."""
        return hide(self._settings, text)

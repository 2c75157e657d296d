"""The notifiers that bridge.yaml asks for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kafka_bridge.errors import BridgeError

from . import settings as of
from .addresses import Addresses
from .alertmanager import Alertmanager
from .console import Console
from .file import File
from .http import Http
from .links import Links
from .mail import Email
from .pagerduty import PagerDuty
from .routing import Routing
from .slack import Slack
from .tickets import Github, Gitlab, Jira, ServiceNow
from .webhook import Webhook

if TYPE_CHECKING:
    from kafka_bridge.store.pool import Pool

    from .notifier import Notifier


class Ways(NamedTuple):
    """All ways out of a bridge."""

    notifiers: list[Notifier]
    routing: Routing
    addresses: Addresses
    """Of the receivers' hosts; not started."""


def kinds(notify: of.Notify) -> dict[str, str] | None:
    """Types of receivers by name, as teams may refer to them; ``None`` where none are configured."""
    receivers = notify.receivers
    return None if receivers is None else {name: one.__struct_config__.tag for name, one in receivers.items()}  # type: ignore[misc]  # each has a tag


def ways(notify: of.Notify, pool: Pool | None, *, as_json: bool = False) -> Ways:
    """All ways out of a bridge.

    Args:
        notify: the settings.
        pool: of the store that keeps addresses.
        as_json: the console speaks JSON.
    """
    # Which hosts there are is known once the notifiers are made, and they need the addresses.
    addresses = Addresses((), pool)
    found: list[Notifier] = []
    if notify.console:
        found.append(Console(as_json=as_json))
    if notify.file is not None:
        found.append(File(Path(notify.file)))
    if notify.webhook is not None:
        found.append(Webhook("webhook", of.WebhookSettings(url=notify.webhook), Http(addresses)))
    everyone = [notifier.name for notifier in found]
    links = Links(notify.links)
    for name, settings in (notify.receivers or {}).items():
        found.append(_notifier(name, settings, addresses, links))
        if settings.all:
            everyone.append(name)
    for notifier in found:
        addresses.know(notifier.hosts)
    return Ways(found, Routing(tuple(everyone), kinds(notify)), addresses)


def _notifier(name: str, settings: of.Receiver, addresses: Addresses, links: Links) -> Notifier:
    http = Http(addresses, getattr(settings, "ca", None))
    match settings:
        case of.AlertmanagerSettings():
            return Alertmanager(name, settings, http, links)
        case of.SlackSettings():
            return Slack(name, settings, http, links)
        case of.EmailSettings():
            return Email(name, settings, addresses, links)
        case of.PagerDutySettings():
            return PagerDuty(name, settings, http, links)
        case of.GithubSettings():
            return Github(name, settings, http, links)
        case of.GitlabSettings():
            return Gitlab(name, settings, http, links)
        case of.JiraSettings():
            return Jira(name, settings, http, links)
        case of.ServiceNowSettings():
            return ServiceNow(name, settings, http, links)
        case of.WebhookSettings():
            return Webhook(name, settings, http)
        case of.AppriseSettings():
            try:
                from .others import Others  # noqa: PLC0415 - an extra
            except ImportError as error:
                msg = f"receiver {name} needs more than is installed ({error}); pip install 'kafka-bridge[apprise]'"
                raise BridgeError(msg) from error
            return Others(name, settings, links)

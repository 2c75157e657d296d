"""The `notify` part of bridge.yaml: receivers, links and the heartbeat.

A secret is never written into the file: ``<name>_file`` names a file that is read again for each use, or the value is
``${VARIABLE}`` of the environment.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct, field, structs

from .notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events.yamlfile import Document

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}").fullmatch
_URL = re.compile(r"https?://[^/?#\s@]+(/[^\s]*)?").fullmatch
_LONGEST_SECRET = 64 << 10


class _Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    secrets: ClassVar[tuple[str, ...]] = ()
    """Fields that are secret."""
    one_of: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Of each of these exactly one is given."""


class _Receiver(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    all: bool = False
    """Gets every page, not only those of the teams that name it."""
    per_minute: Annotated[int, Meta(ge=1, le=6000)] = 30
    """So many messages at most."""
    digest: Annotated[int, Meta(ge=1)] = 5
    """More pages than so many that wait are told in one message, where messages are for people."""


class AlertmanagerSettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="alertmanager"):
    """Alertmanagers of one cluster; each gets everything."""

    urls: Annotated[tuple[str, ...], Meta(min_length=1)]
    every: str = "1m"
    """What fires is sent again so often, and forgotten by Alertmanager after five times that."""
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    token: str | None = None
    """Bearer token."""
    token_file: str | None = None
    ca: str | None = None
    """PEM file of the authorities to trust."""
    secrets = ("password", "token")


class SlackSettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="slack"):
    """A channel by a bot's token (messages are updated and threaded), or an incoming webhook."""

    token: str | None = None
    token_file: str | None = None
    channel: str | None = None
    """Its id."""
    url: str | None = None
    """Of the incoming webhook."""
    url_file: str | None = None
    api: str = "https://slack.com/api"
    ca: str | None = None
    secrets = ("token", "url")
    one_of = (("token", "token_file", "url", "url_file"),)


class EmailSettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="email"):
    """Mail over SMTP."""

    to: Annotated[tuple[str, ...], Meta(min_length=1)]
    from_: str = field(name="from")
    host: str
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    tls: Literal["starttls", "tls", "off"] = "starttls"
    username: str | None = None
    password: str | None = None
    password_file: str | None = None
    ca: str | None = None
    secrets = ("password",)


class PagerDutySettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="pagerduty"):
    """A service's integration for the Events API v2."""

    routing_key: str | None = None
    routing_key_file: str | None = None
    url: str = "https://events.pagerduty.com/v2/enqueue"
    ca: str | None = None
    secrets = ("routing_key",)
    one_of = (("routing_key", "routing_key_file"),)


class WebhookSettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="webhook"):
    """A POST of JSON, signed as Standard Webhooks say where there is a secret."""

    url: str | None = None
    url_file: str | None = None
    secret: str | None = None
    """``whsec_`` and base64, or any text."""
    secret_file: str | None = None
    ca: str | None = None
    secrets = ("secret", "url")
    one_of = (("url", "url_file"),)


class AppriseSettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="apprise"):
    """Anything that the apprise library knows; needs kafka-bridge[apprise]."""

    url: str | None = None
    url_file: str | None = None
    secrets = ("url",)
    one_of = (("url", "url_file"),)


class TicketSettings(_Receiver, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all trackers have."""

    url: str
    token: str | None = None
    token_file: str | None = None
    assign: dict[str, str] = {}
    """Who gets the tickets of a team, by its key in the inventory, as the tracker names them."""
    labels: tuple[str, ...] = ()
    ca: str | None = None
    secrets = ("token",)
    one_of = (("token", "token_file"),)


class GithubSettings(TicketSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="github"):
    """Issues of a GitHub repository."""

    repository: Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")]
    url: str = "https://api.github.com"


class GitlabSettings(TicketSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gitlab"):
    """Issues of a GitLab project."""

    project: str
    """Its number, or its path as ``group/project``."""
    url: str = "https://gitlab.com"


class JiraSettings(TicketSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="jira"):
    """Issues of a Jira project: Cloud with `username` and an API token, Data Center with a personal access token."""

    project: Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]+$")]
    username: str | None = None
    issue_type: str = "Task"
    done: str = "Done"
    """The transition that closes one."""


class ServiceNowSettings(TicketSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="servicenow"):
    """Incidents of a ServiceNow instance; `token` is the user's password."""

    username: str
    close_code: str = "Solved (Permanently)"


Receiver = (
    AlertmanagerSettings
    | SlackSettings
    | EmailSettings
    | PagerDutySettings
    | WebhookSettings
    | AppriseSettings
    | GithubSettings
    | GitlabSettings
    | JiraSettings
    | ServiceNowSettings
)


class LinkSettings(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where messages lead to."""

    board: str | None = None
    """The board as people reach it, ``https://dns.example.com``: runbooks, and where an incident is taken on."""
    runbooks: str | None = None
    """Runbooks elsewhere: a URL with ``{runbook}``."""
    dashboard: str | None = None
    """A URL with ``{zone}``; the board without."""
    key: str | None = None
    """Signs the links to take an incident on; without, messages have none."""
    key_file: str | None = None
    lasts: str = "24h"
    """For how long such a link is good."""
    token: str | None = None
    """Who types it on an incident's page of the board takes the incident on; without, the pages have no form."""
    token_file: str | None = None
    secrets = ("key", "token")


class HeartbeatSettings(_Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dead man's switch: somebody else tells you when it is called no more."""

    url: str | None = None
    url_file: str | None = None
    method: Literal["GET", "POST"] = "POST"
    every: str = "1m"
    ca: str | None = None
    secrets = ("url",)
    one_of = (("url", "url_file"),)


class Notify(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where pages go."""

    console: bool = True
    file: str | None = None
    webhook: str | None = None
    receivers: dict[str, Receiver] | None = None
    """By name: what teams mean by `notify: [slack:web-oncall]`. Left out, `notify` of teams is not looked at."""
    links: LinkSettings = LinkSettings()
    heartbeat: HeartbeatSettings | None = None


#: Names of what every page goes to.
EVERYONES = ("console", "file", "webhook")


def secret(settings: _Settings, name: str) -> str | None:
    """A secret as it is now; ``None`` where there is none.

    Raises:
        DeliveryError: its file or its variable cannot be read.
    """
    value, file = getattr(settings, name), getattr(settings, f"{name}_file")
    if file is not None:
        try:
            with Path(file).open("rb") as opened:
                text = opened.read(_LONGEST_SECRET).decode().strip()
        except (OSError, UnicodeError) as error:
            msg = f"{name}_file {file}: {getattr(error, 'strerror', None) or 'not text'}"
            raise DeliveryError(msg, "refused") from error
        if not text:
            msg = f"{name}_file {file} is empty"
            raise DeliveryError(msg, "refused")
        return text
    if value is None or (variable := _VARIABLE(value)) is None:
        return None if value is None else str(value)
    if not (found := os.environ.get(variable[1])):
        msg = f"{name}: the environment has no {variable[1]}"
        raise DeliveryError(msg, "refused")
    return found


def host(settings: _Settings, name: str) -> tuple[str, ...]:
    """The host of a secret URL, where the URL can be read now."""
    try:
        found = urlsplit(secret(settings, name) or "").hostname
    except (DeliveryError, ValueError):
        return ()
    return (found,) if found else ()


def hide(settings: _Settings, text: str) -> str:
    """A text without the secrets of these settings."""
    for name in settings.secrets:
        try:
            known = secret(settings, name)
        except DeliveryError:
            continue
        if known is not None:
            text = text.replace(known, "***")
    return text


def check(document: Document, notify: Notify) -> None:
    """Refuse what cannot work, with file and line."""
    for name, receiver in (notify.receivers or {}).items():
        at = f"$.notify.receivers.{name}"
        if name in EVERYONES or not name.isprintable() or not name:
            raise document.error(at, f"{name!r} is taken; receivers have names of their own, for instance web-oncall")
        _check(document, at, receiver)
    _check(document, "$.notify.links", notify.links)
    if notify.links.board is None and (notify.links.key or notify.links.key_file):
        raise document.error(
            "$.notify.links", "links to take an incident on lead to the board; write `board: https://…`"
        )
    for name, place in (("runbooks", "{runbook}"), ("dashboard", "{zone}")):
        url = getattr(notify.links, name)
        if url is not None and place not in url:
            raise document.error(f"$.notify.links.{name}", f"{url!r} is without {place}")
    if notify.heartbeat is not None:
        _check(document, "$.notify.heartbeat", notify.heartbeat)


def _check(document: Document, at: str, settings: _Settings) -> None:
    given = {name for name in settings.__struct_fields__ if getattr(settings, name) is not None}
    for choice in settings.one_of:
        if len(given.intersection(choice)) != 1:
            raise document.error(at, f"write one of {', '.join(choice)}")
    for name in settings.secrets:
        value = getattr(settings, name)
        if {name, f"{name}_file"} <= given:
            raise document.error(f"{at}.{name}", f"`{name}` and `{name}_file` exclude each other; keep one")
        own = isinstance(settings, WebhookSettings | HeartbeatSettings) and name == "url"
        if value is not None and _VARIABLE(value) is None and not own:
            raise document.error(
                f"{at}.{name}",
                f"a secret does not belong into the file; write `{name}_file`, or `{name}: ${{VARIABLE}}`",
            )
    _check_kind(document, at, settings, given)
    for name, url in _urls(settings):
        if _VARIABLE(url) is None and not _sound(url):
            raise document.error(f"{at}.{name}", "not a URL without login; write https://HOST/…")
    for name in ("every", "lasts"):
        if (text := getattr(settings, name, None)) is not None and document.seconds(f"{at}.{name}", text) < 1:
            raise document.error(f"{at}.{name}", "less than a second")


def _check_kind(document: Document, at: str, settings: _Settings, given: set[str]) -> None:
    if isinstance(settings, SlackSettings) and bool(given & {"token", "token_file"}) != (settings.channel is not None):
        raise document.error(at, "`channel` goes with a token, and only with one")
    if isinstance(settings, AlertmanagerSettings | EmailSettings):
        if (settings.username is None) != (not given & {"password", "password_file"}):
            raise document.error(at, "`username` and `password` come together; write both or neither")
        if isinstance(settings, EmailSettings) and settings.tls == "off" and settings.username is not None:
            raise document.error(f"{at}.tls", "a password would cross the network in clear text; leave `tls` out")


def _urls(settings: _Settings) -> Iterator[tuple[str, str]]:
    if isinstance(settings, AppriseSettings):
        return
    for name in ("url", "api", "board", "runbooks", "dashboard"):
        if (url := getattr(settings, name, None)) is not None:
            yield name, url
    yield from ((f"urls[{number}]", url) for number, url in enumerate(getattr(settings, "urls", ())))


def _sound(url: str) -> bool:
    try:
        return _URL(url) is not None and urlsplit(url).port != 0
    except ValueError:
        return False


def absolute(base: Path, notify: Notify) -> Notify:
    """With paths that are relative to the file made absolute."""

    def settled(settings: Any) -> Any:
        return structs.replace(
            settings,
            **{
                name: str(base / value)
                for name in settings.__struct_fields__
                if (name.endswith("_file") or name == "ca") and (value := getattr(settings, name)) is not None
            },
        )

    receivers = notify.receivers
    return structs.replace(
        notify,
        file=None if notify.file is None else str(base / notify.file),
        receivers=None if receivers is None else {name: settled(one) for name, one in receivers.items()},
        links=settled(notify.links),
        heartbeat=None if notify.heartbeat is None else settled(notify.heartbeat),
    )

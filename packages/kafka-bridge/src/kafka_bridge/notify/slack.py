"""Pages to Slack: one message an incident, kept up to date, with what happened since in its thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from .http import shown
from .message import digest_lines, digest_title, facts, headline
from .notifier import DeliveryError, Notifier, Receipt
from .settings import hide, host, secret

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .http import Http
    from .links import Links
    from .notifier import Cause, Page
    from .settings import SlackSettings

#: Slack's limits of a header and of a section (Block Kit reference).
_HEADER, _SECTION = 150, 3000
_AWAY = {"ratelimited", "rate_limited", "fatal_error", "internal_error", "service_unavailable", "request_timeout"}
_THIS = {"invalid_blocks", "invalid_blocks_format", "msg_too_long", "no_text", "msg_blocks_too_long"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"}


class _SlackError(DeliveryError):
    def __init__(self, code: str, wait: float | None) -> None:
        cause: Cause = "away" if code in _AWAY else "page" if code in _THIS | _GONE else "refused"
        super().__init__(f"Slack says {code}", cause, wait)
        self.code = code


class Slack(Notifier):
    """By a bot's token or by an incoming webhook, which can neither update nor thread."""

    def __init__(self, name: str, settings: SlackSettings, http: Http, links: Links) -> None:
        self.name = name
        self.per_minute, self.digest = settings.per_minute, settings.digest
        self.hosts = host(settings, "url") if settings.channel is None else (urlsplit(settings.api).hostname or "",)
        self._settings = settings
        self._http = http
        self._links = links

    def deliver(self, page: Page) -> Receipt:
        """Post it; or bring the incident's message up to date, and tell in its thread."""
        title, blocks = headline(page.transition, page.incident), _blocks(page, self._links.of(page.incident))
        if self._settings.channel is None:
            return self._hook({"text": _escaped(title), "blocks": blocks})
        message = {"text": _escaped(title), "blocks": blocks}
        kept = page.kept
        if kept is not None and not kept.get("digest"):
            try:
                self._call("chat.update", {"channel": kept["channel"], "ts": kept["ts"], **message})
            except _SlackError as error:
                if error.code not in _GONE:
                    raise
                kept = None  # somebody has removed it
        if kept is None:
            return self._post(message, page.key)
        answer = self._post({**message, "thread_ts": kept["ts"]}, page.key).answer
        return Receipt(answer, kept)

    def deliver_digest(self, pages: Sequence[Page]) -> Receipt:
        """One message; what happens to its incidents later is told in its thread."""
        title = digest_title(pages)
        text = "\n".join(_escaped(line) for line in digest_lines(pages))
        message = {"text": _escaped(title), "blocks": [_header(title), *_sections(text)]}
        if self._settings.channel is None:
            return self._hook(message)
        receipt = self._post(message, f"{pages[0].key}+{len(pages) - 1}")
        return Receipt(receipt.answer, {**(receipt.kept or {}), "digest": True})

    def hide(self, text: str) -> str:
        """Without token and URL."""
        return hide(self._settings, text)

    def _post(self, message: Mapping[str, Any], key: str) -> Receipt:
        metadata = {"event_type": "dnstower_page", "event_payload": {"key": key}}
        said = self._call(
            "chat.postMessage",
            {"channel": self._settings.channel, **message, "metadata": metadata, "unfurl_links": False},
        )
        return Receipt(f"posted as {said['ts']}", {"channel": str(said["channel"]), "ts": str(said["ts"])})

    def _call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Authorization": f"Bearer {secret(self._settings, 'token')}",
        }
        url = f"{self._settings.api.rstrip('/')}/{method}"
        answer = self._http.send("POST", url, content=msgspec.json.encode(body), headers=headers)
        answer.taken(shown(url))
        try:
            said = msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            msg = f"{shown(url)} answered with something that is not Slack's"
            raise DeliveryError(msg) from error
        if said.get("ok") is not True or (method == "chat.postMessage" and not {"ts", "channel"} <= said.keys()):
            raise _SlackError(str(said.get("error"))[:80], answer.wait)
        return said

    def _hook(self, message: Mapping[str, Any]) -> Receipt:
        url = secret(self._settings, "url") or ""
        headers = {"Content-Type": "application/json"}
        answer = self._http.send("POST", url, content=msgspec.json.encode(message), headers=headers)
        return Receipt(answer.taken(shown(url)))


def _blocks(page: Page, links: Mapping[str, str]) -> list[dict[str, Any]]:
    lines = "\n".join(_fact(label, _escaped(text)) for label, text in facts(page.transition, page.incident))
    ways = " · ".join(f"<{_escaped(url)}|{label}>" for label, url in links.items())
    foot = [{"type": "section", "text": {"type": "mrkdwn", "text": ways}}] if ways else []
    return [_header(headline(page.transition, page.incident)), *_sections(lines), *foot]


def _fact(label: str, text: str) -> str:
    """Several lines stand below their label."""
    return f"*{label}:*\n{text}" if "\n" in text else f"*{label}:* {text}"


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text[:_HEADER], "emoji": False}}


def _sections(text: str) -> list[dict[str, Any]]:
    """Whole lines in as few sections as hold them."""
    parts = [""]
    for line in text.split("\n"):
        cut = line[: _SECTION - 1]
        if len(parts[-1]) + len(cut) + 1 > _SECTION:
            parts.append("")
        parts[-1] += f"{cut}\n"
    return [{"type": "section", "text": {"type": "mrkdwn", "text": part.rstrip()}} for part in parts[:40]]


def _escaped(text: str) -> str:
    """As Slack asks for: names of the DNS may hold anything."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

"""Pictures of what a page looks like in Slack and in a mailbox: the receivers' own payloads of an incident, drawn."""

from __future__ import annotations

import datetime as dt
import html
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka_bridge.notify import settings as of
from kafka_bridge.notify.addresses import Addresses
from kafka_bridge.notify.http import Http
from kafka_bridge.notify.links import Links
from kafka_bridge.notify.mail import Email
from kafka_bridge.notify.notifier import Page
from kafka_bridge.notify.slack import Slack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from email.message import EmailMessage

BOARD = "https://dns.example.com"
_LINK = re.compile(r"<([^|>]+)\|([^>]+)>")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_FRAME = """<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>
:root {{ color-scheme: light dark; --back: #fff; --ink: #1d1c1d; --soft: #616061; --line: #ddd; --link: #1264a3 }}
@media (prefers-color-scheme: dark) {{
  :root {{ --back: #1a1d21; --ink: #d1d2d3; --soft: #9a9b9e; --line: #3c3f44; --link: #1d9bd1 }}
}}
body {{ margin: 0; padding: 20px 24px; background: var(--back); color: var(--ink); font: 15px/1.47 Lato, "Noto Sans",
  "DejaVu Sans", sans-serif }}
a {{ color: var(--link); text-decoration: none }}
{style}</style>{body}</html>"""
_SLACK = """
main { display: grid; grid-template-columns: 36px 1fr; gap: 0 12px; max-width: 760px }
main > b { background: #12324a; color: #fff; border-radius: 6px; width: 36px; height: 36px; line-height: 36px;
  text-align: center; font-size: 18px }
.who { font-weight: 900 } .who i { font: 700 10px/14px sans-serif; background: var(--line); color: var(--soft);
  border-radius: 3px; padding: 1px 4px; margin: 0 6px }
.who time { font-weight: 400; font-size: 12px; color: var(--soft) }
h1 { font-size: 18px; line-height: 1.33; font-weight: 900; margin: 6px 0 8px }
p { margin: 0 0 8px; white-space: pre-line }
"""
_MAIL = """
h1 { font-size: 20px; line-height: 1.3; font-weight: 500; margin: 0 0 12px }
header { border-bottom: 1px solid var(--line); padding-bottom: 12px; color: var(--soft) } header b { color: var(--ink) }
iframe { border: 0; width: 100%; height: 540px }
"""


class _Slack(Slack):
    """Keeps what it would call."""

    def _call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.called = method, body
        return {"ok": True, "ts": "1", "channel": "C1"}


class _Email(Email):
    """Keeps what it would send."""

    def _send(self, message: EmailMessage) -> str:
        self.sent = message
        return "kept"


def pages(incident: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Name, HTML and height of a picture of each kind of message about an incident that fires."""
    page = Page(key="picture", transition="firing", incident=dict(incident), team=incident["owner"])
    with tempfile.TemporaryDirectory() as place:
        key = Path(place) / "key"
        key.write_text("a key that signs the links of a picture")
        links = Links(of.LinkSettings(board=BOARD, key_file=str(key)))
        addresses = Addresses((), None)
        settings = of.SlackSettings(token_file=str(key), channel="C1")
        slack = _Slack("web-oncall", settings, Http(addresses, None), links)
        slack.deliver(page)
        yield "slack-message", slack_html(slack.called[1], incident["updated"]), 500
        to = f"{incident['owner']}@example.com"
        mail = _Email(
            "mail", of.EmailSettings(to=(to,), from_="dnstower@example.net", host="smtp.example.net"), addresses, links
        )
        mail.deliver(page)
        yield "mail-message", mail_html(mail.sent), 690


def slack_html(message: Mapping[str, Any], updated: str) -> str:
    """The blocks of a message as Slack lays them out."""
    blocks = []
    for block in message["blocks"]:
        text = block["text"]["text"]
        if block["type"] == "header":
            blocks.append(f"<h1>{html.escape(text)}</h1>")
        else:
            # Slack's own escapes are HTML's.
            shown = _LINK.sub(lambda found: f'<a href="{found[1]}">{found[2]}</a>', text)
            bold = _BOLD.sub(r"<strong>\1</strong>", shown)
            blocks.append(f"<p>{bold}</p>")
    time = dt.datetime.fromisoformat(updated).strftime("%H:%M")
    who = f"<div class=who>dnstower<i>APP</i><time>{time}</time></div>"
    body = f"<main><b>d</b><div>{who}{''.join(blocks)}</div></main>"
    return _FRAME.format(title="Slack", style=_SLACK, body=body)


def mail_html(message: EmailMessage) -> str:
    """The HTML part of a mail below its head, as it is, in a frame of its own."""
    part = message.get_body(("html",))
    assert part is not None
    head = "".join(f"<div>{name} <b>{html.escape(str(message[name]))}</b></div>" for name in ("From", "To"))
    inner = html.escape(part.get_content(), quote=True)
    body = f'<h1>{html.escape(str(message["Subject"]))}</h1><header>{head}</header><iframe srcdoc="{inner}"></iframe>'
    return _FRAME.format(title="Mail", style=_MAIL, body=body)

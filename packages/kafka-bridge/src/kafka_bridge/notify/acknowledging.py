"""Taking an incident on: by a command, by the link in a message, or with a token on its page of the board.

A link only shows a form: mail scanners and previews follow links, and they do not press buttons.
"""

from __future__ import annotations

import html
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

import psycopg
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse
from starlette.routing import Route

from kafka_bridge import audit
from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from kafka_bridge.store.pool import Pool

    from .links import Links

    Connection = psycopg.Connection[tuple[Any, ...]]

_MOST_BYTES = 16 << 10
_NAME, _NOTE = 100, 2000
#: So many wrong tokens in a minute are answered; a token is long, and nobody mistypes it more often.
_WRONG_TOKENS = 10
_POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def take_on(connection: Connection, incident: str, note: str, *, by: str, via: str | None = None) -> None:
    """Write the acknowledgement of a firing incident, and who did it into the audit log.

    Raises:
        BridgeError: there is nothing to take on.
    """
    row = connection.execute("select state from incident where id = %s", (incident,)).fetchone()
    if row is None or row[0] != "firing":
        msg = f"incident {incident} is {row[0] if row else 'not known'}: there is nothing to take on"
        raise BridgeError(msg)
    connection.execute(
        "insert into acknowledgement (incident, actor, note) values (%s, %s, %s) on conflict (incident) do update "
        "set at = now(), actor = excluded.actor, note = excluded.note",
        (incident, by, note),
    )
    detail = {"incident": incident, "note": note} | ({} if via is None else {"via": via})
    audit.record(connection, "incident.acknowledge", detail, by=by)


class Acknowledging:
    """The board's ``/acknowledge``: a form by GET for a signed link that is not over, the deed by POST.

    With the token in place of a link there is only the deed; who was refused is in the audit log, too.
    """

    def __init__(self, pool: Pool, links: Links) -> None:
        self._pool = pool
        self._links = links
        self._wrong: list[float] = []

    def routes(self) -> list[Route]:
        """For the board."""
        return [Route("/acknowledge", self._answer, methods=["GET", "POST"])]

    async def _answer(self, request: Request) -> HTMLResponse:
        given: Mapping[str, str] = request.query_params
        if request.method == "POST":
            body = b""
            async for piece in request.stream():
                body += piece
                if len(body) > _MOST_BYTES:
                    return _page("too much", 413)
            given = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
        link = {name: str(given.get(name, ""))[:200] for name in ("incident", "expires", "signature")}
        try:
            if request.method == "POST" and "token" in given:
                return await run_in_threadpool(self._by_token, link["incident"], given, _peer(request))
            if (why := self._links.why_not(link["incident"], link["expires"], link["signature"])) is not None:
                return _page(why, 403)
            if request.method == "POST":
                return await run_in_threadpool(self._take_on, link["incident"], given, "link")
            return await run_in_threadpool(self._form, link)
        except (psycopg.Error, PoolTimeout):
            return _page("the store is away right now; try again in a minute", 503)

    def _by_token(self, incident: str, given: Mapping[str, str], peer: str) -> HTMLResponse:
        now = time.monotonic()
        self._wrong = [at for at in self._wrong if now - at < 60]
        if len(self._wrong) >= _WRONG_TOKENS:
            return _page("too many wrong tokens; wait a minute", 429)
        if (why := self._links.why_not_token(given["token"])) is not None:
            self._wrong.append(now)
            with self._pool.connection() as connection:
                audit.record(
                    connection, "incident.acknowledge.refused", {"incident": incident, "via": "board"}, by=peer
                )
            return _page(why, 403, back=incident)
        return self._take_on(incident, given, "board")

    def _form(self, link: Mapping[str, str]) -> HTMLResponse:
        with self._pool.connection() as connection:
            row = connection.execute("select title, state from incident where id = %s", (link["incident"],)).fetchone()
        if row is None or row[1] != "firing":
            return _page(f"it is {row[1] if row else 'not known'}: there is nothing to take on", 409)
        hidden = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in link.items()
        )
        return _page(
            str(row[0]), 200,
            f'<form method="post" action="acknowledge">{hidden}'
            f'<p><label>your name <input name="by" required maxlength="{_NAME}"></label></p>'
            f'<p><label>what you do <input name="note" maxlength="{_NOTE}"></label></p>'
            "<p><button>take it on</button></p></form>",
        )  # fmt: skip

    def _take_on(self, incident: str, given: Mapping[str, str], via: str) -> HTMLResponse:
        by, note = given.get("by", "").strip(), given.get("note", "").strip()
        if not by or not (by + note).isprintable() or len(by) > _NAME or len(note) > _NOTE:
            return _page("write your name, in one line", 400, back=incident)
        try:
            with self._pool.connection() as connection, connection.transaction():
                take_on(connection, incident, note, by=by, via=via)
        except BridgeError as error:
            return _page(str(error), 409, back=incident)
        return _page(f"{by} has taken it on: nobody else is called, unless it becomes graver", 200, back=incident)


def _peer(request: Request) -> str:
    return "unknown" if request.client is None else request.client.host


def _page(text: str, status: int, form: str = "", *, back: str = "") -> HTMLResponse:
    led = f'<p><a href="incidents/{html.escape(quote(back, safe=""))}">the incident</a></p>' if back else ""
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="robots" content="noindex"><title>take an incident on</title>'
        '<link rel="stylesheet" href="static/board.css"></head><body><main><section class="panel prose">'
        f"<h1>{html.escape(text)}</h1>{form}{led}</section></main></body></html>"
    )
    return HTMLResponse(body, status, headers={"Content-Security-Policy": _POLICY})

"""The board's web application. Everything it serves is its own; nothing is loaded from elsewhere."""

from __future__ import annotations

import datetime as dt
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import api, charts, executive, figures, forensic, head, incidents, operators, runbooks
from .asking import Asking
from .choice import BACK, Choice, ChoiceError, choose
from .questions import words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from kafka_bridge.notify.links import Links
    from kafka_bridge.store.pool import Pool

    from .asking import Reading

log = logging.getLogger(__name__)

_HERE = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: The three views: path, name, how often it is read again in seconds, and what it shows.
VIEWS: dict[str, tuple[str, str, int, Callable[[Reading], dict[str, Any]]]] = {
    "executive": ("/", "Executive", 5, executive.view),
    "operator": ("/operator", "Operator", 10, operators.view),
    "forensic": ("/forensic", "Forensic", 30, forensic.view),
}
#: Choices that a form offers by name; more are typed.
MOST_OFFERED = 500

#: A board on loopback answers to these names only, so that no other site's name that points here is served.
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1", "[::1]")


def create_app(
    pool: Pool, hosts: tuple[str, ...] = LOOPBACK_NAMES, beside: Sequence[Route] = (), links: Links | None = None
) -> Starlette:
    """The board over a store.

    Args:
        pool: connections to the store.
        hosts: names under which it may be asked for; ``*`` is any.
        beside: what else is served.
        links: with a token, incidents are taken on from their pages.
    """
    asking = Asking(pool)
    board = _Board(asking, links)
    return Starlette(
        routes=[
            *(Route(path, board.page(name)) for name, (path, *_) in VIEWS.items()),
            Route("/incidents/{id}", board.incident),
            Route("/runbooks/{name}", board.runbook),
            *api.routes(asking),
            *beside,
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
            Middleware(BaseHTTPMiddleware, dispatch=_with_headers),
        ],
    )


class _Board:
    def __init__(self, asking: Asking, links: Links | None) -> None:
        self._asking = asking
        self._links = links
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "ago": figures.ago, "percent": figures.percent, "ms": figures.milliseconds, "when": figures.when,
            "clock": figures.clock, "lasting": figures.lasting, "said": figures.said, "plain": figures.plain,
            "short": figures.short, "kind": lambda state: charts.STATES.get(state, "none"),
        }  # fmt: skip
        self._templates.globals |= {
            "words": {"healthy": "healthy", "at_risk": "at risk", "unhealthy": "unhealthy", "unknown": "no data"},
            "signs": {"healthy": "●", "at_risk": "▲", "unhealthy": "■", "unknown": "○"},
            "back": BACK,
        }

    def page(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """One of the three views."""
        _, _, pace, view = VIEWS[name]

        async def answer(request: Request) -> Response:
            def read(reading: Reading) -> tuple[dict[str, Any], int]:
                found = view(reading)
                return found, 404 if name == "forensic" and found["asked"] is True and not found["there"] else 200

            return await self._answer(request, name, pace, read)

        return answer

    async def incident(self, request: Request) -> Response:
        """One incident."""
        id_ = request.path_params["id"]

        def read(reading: Reading) -> tuple[dict[str, Any], int]:
            found = incidents.view(reading, id_) if id_.isprintable() else None
            if found is None:
                return {"incident": None, "id": id_[:80]}, 404
            guide = runbooks.rendered(found["incident"].runbook, below=2)
            takes = self._links is not None and self._links.takes_tokens
            return found | {"guide": guide, "takes_tokens": takes}, 200

        return await self._answer(request, "incident", 5, read)

    async def runbook(self, request: Request) -> Response:
        """One runbook."""
        name = request.path_params["name"]
        text = runbooks.rendered(name)
        if text is None:
            return self._say(f"There is no runbook {name[:80]!r}", "Incidents link to the ones that there are.", 404)
        return HTMLResponse(self._templates.get_template("runbook.html").render(name=name, text=text))

    async def _answer(
        self, request: Request, name: str, pace: int, read: Callable[[Reading], tuple[dict[str, Any], int]]
    ) -> Response:
        try:
            choice = choose(request.query_params.multi_items(), dt.datetime.now(dt.UTC))
        except ChoiceError as error:
            return self._say("This address cannot be read", str(error), 400)
        try:
            values, status = await run_in_threadpool(self._read, choice, name, pace, read)
        except psycopg.errors.QueryCanceled:
            return self._say("This takes too long", "Choose less time, or one zone.", 503)
        except (psycopg.Error, PoolTimeout) as error:
            log.warning("the board cannot read the store: %s", type(error).__name__)
            return HTMLResponse(self._templates.get_template("away.html").render(), 503, headers={"Retry-After": "5"})
        return HTMLResponse(self._templates.get_template(f"{name}.html").render(**values), status)

    def _read(
        self, choice: Choice, name: str, pace: int, read: Callable[[Reading], tuple[dict[str, Any], int]]
    ) -> tuple[dict[str, Any], int]:
        with self._asking.reading(choice) as reading:
            found, status = read(reading)
            return {
                "view": name,
                "pace": pace,
                "choice": choice,
                "now": reading.now,
                "views": [(key, path, title) for key, (path, title, *_) in VIEWS.items()],
                "offers": _offers(reading, choice, name),
                "head": head.read(reading),
            } | found, status

    def _say(self, title: str, text: str, status: int) -> Response:
        return HTMLResponse(self._templates.get_template("refused.html").render(title=title, text=text), status)


def _offers(reading: Reading, choice: Choice, name: str) -> dict[str, list[str]]:
    """What the filters' form offers."""
    offers = {"owner": words.OWNERS, "zone": words.ZONES, "region": words.REGIONS}
    if name == "forensic" and choice.zone is not None:
        offers |= {"name": words.NAMES, "qtype": words.QTYPES}
    return {key: reading.list(question)[:MOST_OFFERED] for key, question in offers.items()}


async def _with_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response

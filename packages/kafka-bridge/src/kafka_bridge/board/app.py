"""The board's web application. Everything it serves is its own; nothing is loaded from elsewhere."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import psycopg
from dns_rules.rules import PACKAGED
from markdown_it import MarkdownIt
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from . import charts, queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.middleware.base import RequestResponseEndpoint
    from starlette.requests import Request

    from kafka_bridge.store.pool import Pool

_HERE = Path(__file__).parent
_RUNBOOKS = PACKAGED.parent / "runbooks"
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


#: A board on loopback answers to these names only, so that no other site's name that points here is served.
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1", "[::1]")


def create_app(pool: Pool, hosts: tuple[str, ...] = LOOPBACK_NAMES, beside: Sequence[Route] = ()) -> Starlette:
    """The board over a store.

    Args:
        pool: connections to the store.
        hosts: names under which it may be asked for; ``*`` is any.
        beside: what else is served.
    """
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"ago": ago, "percent": percent, "ms": milliseconds, "when": when}
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    async def page(_request: Request) -> Response:
        try:
            scene = await run_in_threadpool(queries.read, pool)
        except (psycopg.Error, PoolTimeout):
            return HTMLResponse(templates.get_template("away.html").render(), 503, headers={"Retry-After": "5"})
        return HTMLResponse(templates.get_template("board.html").render(**_view(scene)))

    async def runbook(request: Request) -> Response:
        name = request.path_params["name"]
        known = {path.stem: path for path in _RUNBOOKS.glob("*.md")}
        if name not in known:
            return PlainTextResponse(f"no runbook {name[:80]!r}\n", 404)
        text = markdown.render(known[name].read_text())
        return HTMLResponse(templates.get_template("runbook.html").render(name=name, text=text))

    async def incidents(request: Request) -> Response:
        states = tuple(request.query_params.get("state", "firing,pending").split(","))[:3]
        found = await run_in_threadpool(queries.incidents, pool, states)
        return Response(queries.as_json(found), media_type="application/json")

    async def zones(_request: Request) -> Response:
        scene = await run_in_threadpool(queries.read, pool)
        return Response(queries.as_json(scene.zones), media_type="application/json")

    return Starlette(
        routes=[
            Route("/", page),
            Route("/runbooks/{name}", runbook),
            Route("/api/incidents", incidents),
            Route("/api/zones", zones),
            *beside,
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)),
            Middleware(BaseHTTPMiddleware, dispatch=_with_headers),
        ],
    )


async def _with_headers(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _view(scene: queries.Scene) -> dict[str, Any]:
    """The page's values."""
    minutes = charts.minutes_shown(scene.points, scene.now)
    points: dict[str, list[queries.Point]] = {}
    for point in scene.points:
        points.setdefault(point.zone, []).append(point)
    recent = [p for p in scene.points if p.minute >= scene.now - dt.timedelta(minutes=5)]
    total, failed = sum(p.total for p in scene.points), sum(p.failed for p in scene.points)
    firing = [incident for incident in scene.incidents if incident["state"] == "firing"]
    healthy = sum(zone.status == "healthy" for zone in scene.zones)
    overall = (
        "unhealthy" if any(z.status == "unhealthy" for z in scene.zones) or firing
        else "at_risk" if any(z.status == "at_risk" for z in scene.zones)
        else "healthy" if healthy and healthy == len(scene.zones)
        else "unknown"
    )  # fmt: skip
    agreements = [zone.agreement for zone in scene.zones if zone.agreement is not None]
    return {
        "scene": scene,
        "overall": overall,
        "healthy": healthy,
        "firing": firing,
        "pending": [incident for incident in scene.incidents if incident["state"] == "pending"],
        "availability": None if not total else 1 - failed / total,
        "agreement": min(agreements, default=None),
        "per_minute": round(sum(p.total for p in recent) / 5) if recent else 0,
        "bars": {z.zone: charts.availability(points.get(z.zone, []), scene.now, minutes) for z in scene.zones},
        "all_bars": charts.availability(scene.points, scene.now, minutes, width=760),
        "latency": charts.latency(scene.latency, scene.now, minutes),
        "words": {"healthy": "healthy", "at_risk": "at risk", "unhealthy": "unhealthy", "unknown": "no data"},
        "signs": {"healthy": "●", "at_risk": "▲", "unhealthy": "■", "unknown": "○"},
        "minutes": minutes,
    }


def ago(time: dt.datetime | str | None, now: dt.datetime) -> str:
    """``12 s``, ``3 min``, ``2 h`` between a time and now."""
    if time is None:
        return "never"
    seconds = (now - (dt.datetime.fromisoformat(time) if isinstance(time, str) else time)).total_seconds()
    if seconds < 100:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"


def percent(share: float | None) -> str:
    """A share for people: never rounded up to 100 %."""
    if share is None:
        return "–"
    value = share * 100
    return f"{min(value, 99.99):.2f} %" if 99 <= value < 100 else f"{value:.0f} %"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    return "–" if seconds is None else f"{seconds * 1000:.3g} ms"


def when(time: str) -> str:
    """A time of the day in UTC."""
    return f"{dt.datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S} UTC"

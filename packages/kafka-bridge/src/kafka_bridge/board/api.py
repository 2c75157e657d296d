"""What is open and how zones are, as JSON: for drills, tests, and whoever wants to look without a browser."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg_pool import PoolTimeout
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .choice import Choice, ChoiceError, choose
from .questions import incidents
from .questions.executive import OVERVIEW

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from .asking import Asking, Reading

_STATES = ("firing", "pending", "resolved")


def routes(asking: Asking) -> list[Route]:
    """``/api/incidents?state=firing,pending`` and ``/api/zones``."""

    async def found(request: Request) -> Response:
        states = request.query_params.get("state", "firing,pending").split(",")
        if wrong := [state for state in states if state not in _STATES]:
            return _refused(f"no state {wrong[0][:40]!r}; there are {', '.join(_STATES)}")
        choice = choose((), dt.datetime.now(dt.UTC))
        return await _answer(
            asking, choice, lambda reading: [row["body"] for row in reading.rows(incidents.IN_STATES, states=states)]
        )

    async def zones(request: Request) -> Response:
        try:
            choice = choose(request.query_params.multi_items(), dt.datetime.now(dt.UTC))
        except ChoiceError as error:
            return _refused(str(error))
        return await _answer(asking, choice, lambda reading: reading.rows(OVERVIEW))

    return [Route("/api/incidents", found), Route("/api/zones", zones)]


async def _answer(asking: Asking, choice: Choice, read: Callable[[Reading], Any]) -> Response:
    def ask() -> bytes:
        with asking.reading(choice) as reading:
            return msgspec.json.encode(read(reading))

    try:
        return Response(await run_in_threadpool(ask), media_type="application/json")
    except (psycopg.Error, PoolTimeout):
        return JSONResponse({"error": "the store does not answer"}, 503, headers={"Retry-After": "5"})


def _refused(sentence: str) -> Response:
    return JSONResponse({"error": sentence}, 400)

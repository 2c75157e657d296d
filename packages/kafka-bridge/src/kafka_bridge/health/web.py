"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

    from .telemetry import Telemetry
    from .vitals import Vitals


def routes(vitals: Vitals, telemetry: Telemetry) -> list[Route]:
    """For the board, or for a listener of their own.

    ``/healthz`` is 503 where only a restart helps, ``/readyz`` where anything does not work right now; both say what,
    as JSON.
    """

    async def healthz(_request: Request) -> Response:
        reading = await run_in_threadpool(vitals.read)
        return _answer(reading.alive, msgspec.json.encode(reading.parts))

    async def readyz(_request: Request) -> Response:
        reading = await run_in_threadpool(vitals.read)
        return _answer(reading.ready, msgspec.json.encode(reading))

    async def metrics(_request: Request) -> Response:
        text = await run_in_threadpool(telemetry.text)
        if text is None:
            return PlainTextResponse("no metrics: pip install 'kafka-bridge[metrics]'\n", 501)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def _answer(well: bool, body: bytes) -> Response:
    return Response(body, 200 if well else 503, media_type="application/json")

"""OTLP over HTTP: ``POST /v1/logs`` with protobuf, plain or gzip."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .credentials import bearer
from .guard import Guard
from .payload import gunzip
from .peer import names_of
from .reception import Reception
from .refusal import RefusedError

if TYPE_CHECKING:
    from starlette.requests import Request

    from .contract import WayIn
    from .refusal import Reason

_PROTOBUF = "application/x-protobuf"
#: For a request's body; who sends slower holds a connection for nothing.
_BODY_SECONDS = 30.0
_STATUS: dict[Reason, int] = {
    "unauthenticated": 401,
    "forged": 403,
    "oversized": 413,
    "bomb": 413,
    "malformed": 400,
    "rate": 429,
    "stale": 400,
    "unavailable": 503,
}


def create_app(way_in: WayIn, most: int, *, guard: Guard | None = None) -> Starlette:
    """The OTLP/HTTP endpoint into a bus.

    Args:
        way_in: where requests go.
        most: largest request in bytes.
        guard: who may send; left out: whoever reaches the port.
    """
    reception = Reception(way_in, most, guard or Guard())
    guard = reception.guard

    async def logs(request: Request) -> Response:
        peer = f"http:{request.client.host}:{request.client.port}" if request.client else "http"
        sender = None
        try:
            token, names = bearer(request.headers.get("authorization")), names_of(request.scope)
            sender = await run_in_threadpool(guard.who, token, names)
            kind = request.headers.get("content-type", "").split(";")[0].strip()
            if kind != _PROTOBUF:
                text = f"content type {kind!r}; send {_PROTOBUF} (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)"
                guard.refused(RefusedError("malformed", text), sender, peer)
                return _plain(415, text)
            encoding = request.headers.get("content-encoding", "identity")
            if encoding not in {"identity", "gzip"}:
                text = f"content encoding {encoding!r}; send gzip or none"
                guard.refused(RefusedError("malformed", text), sender, peer)
                return _plain(415, text)
            unpack = gunzip if encoding == "gzip" else _as_it_is
            with guard.turn(sender):
                body = await _body(request, most)
                await run_in_threadpool(reception.take, sender, body, unpack, peer)
        except RefusedError as error:
            guard.refused(error, sender, peer)
            return _refusal(error)
        return Response(ExportLogsServiceResponse().SerializeToString(), media_type=_PROTOBUF)

    async def other(_request: Request) -> Response:
        return _plain(404, "logs are taken here; send metrics and traces to your Collector or Prometheus")

    return Starlette(
        routes=[
            Route("/v1/logs", logs, methods=["POST"]),
            Route("/v1/{signal}", other, methods=["POST"]),
        ]
    )


async def _body(request: Request, most: int) -> bytes:
    chunks = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for chunk in request.stream():
                chunks += chunk
                if len(chunks) > most:
                    msg = f"over {most} bytes; send fewer events at once"
                    raise RefusedError("oversized", msg)
    except TimeoutError as error:
        msg = f"the body did not come within {_BODY_SECONDS:g} s"
        raise RefusedError("malformed", msg) from error
    return bytes(chunks)


def _as_it_is(body: bytes, _most: int) -> bytes:
    return body


def _refusal(error: RefusedError) -> Response:
    headers = {}
    if error.wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.wait)))
    if error.reason == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return PlainTextResponse(f"{error}\n", _STATUS[error.reason], headers=headers)


def _plain(status: int, text: str) -> Response:
    return PlainTextResponse(text + "\n", status)

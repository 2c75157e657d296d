"""OTLP over HTTP: ``POST /v1/logs`` with protobuf, plain or gzip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .contract import UnavailableError
from .payload import RefusedError, TooLargeError, check, gunzip

if TYPE_CHECKING:
    from starlette.requests import Request

    from .contract import WayIn

_PROTOBUF = "application/x-protobuf"


def create_app(way_in: WayIn, most: int) -> Starlette:
    """The OTLP/HTTP endpoint into a bus; `most` bounds a request's size in bytes."""

    async def logs(request: Request) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0].strip()
        if kind != _PROTOBUF:
            return _plain(415, f"content type {kind!r}; send {_PROTOBUF} (OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf)")
        encoding = request.headers.get("content-encoding", "identity")
        if encoding not in {"identity", "gzip"}:
            return _plain(415, f"content encoding {encoding!r}; send gzip or none")
        try:
            payload = await _body(request, most)
            if encoding == "gzip":
                payload = await run_in_threadpool(gunzip, payload, most)
            await run_in_threadpool(check, payload, most)
            peer = f"http:{request.client.host}:{request.client.port}" if request.client else "http"
            await run_in_threadpool(way_in.append, payload, peer)
        except TooLargeError as error:
            return _plain(413, str(error))
        except RefusedError as error:
            return _plain(400, str(error))
        except UnavailableError as error:
            return PlainTextResponse(str(error), 503, headers={"Retry-After": "5"})
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
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > most:
            msg = f"over {most} bytes"
            raise TooLargeError(msg)
    return bytes(chunks)


def _plain(status: int, text: str) -> Response:
    return PlainTextResponse(text + "\n", status)

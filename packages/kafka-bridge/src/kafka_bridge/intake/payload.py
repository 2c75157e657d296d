"""What a request may be: bounded, and OTLP logs."""

from __future__ import annotations

import zlib

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from .refusal import RefusedError

#: Of events like ours gzip makes a twentieth, of a bomb a thousandth.
_BOMB = 200
#: Resources, scopes and records in one request; an empty one is two octets, and a hundred in memory.
_MOST_PARTS = 200_000
_GZIP = 31
_GZIP_OR_ZLIB = 47


def gunzip(data: bytes, most: int, *, wbits: int = _GZIP) -> bytes:
    """Decompress gzip, never to more than `most` bytes.

    Raises:
        RefusedError: it would be more (`oversized`, or `bomb`), it is not gzip, or cut off (`malformed`).
    """
    engine = zlib.decompressobj(wbits=wbits)
    try:
        plain = engine.decompress(data, most + 1)
    except zlib.error as error:
        msg = f"the body is not gzip: {error}"
        raise RefusedError("malformed", msg) from error
    if len(plain) > most:
        read = len(data) - len(engine.unconsumed_tail)
        raise RefusedError("bomb" if len(plain) > read * _BOMB else "oversized", _larger("after decompression", most))
    if not engine.eof:
        msg = "the gzip body is cut off"
        raise RefusedError("malformed", msg)
    if engine.unused_data:
        msg = "something follows the gzip body; send one gzip member"
        raise RefusedError("malformed", msg)
    return plain


def unpack(message: bytes, most: int) -> bytes:
    """A gRPC message as the client wrote it, decompressed if it did compress.

    gRPC does not say which: no OTLP request begins like gzip (wire type 7 does not exist) or zlib (field 15).

    Raises:
        RefusedError: as `gunzip`.
    """
    return gunzip(message, most, wbits=_GZIP_OR_ZLIB) if message[:1] in {b"\x1f", b"\x78"} else message


def parse(payload: bytes, most: int) -> ExportLogsServiceRequest:
    """The request, if it can be read at all.

    Raises:
        RefusedError: it cannot (`malformed`), or it is too large (`oversized`).
    """
    if len(payload) > most:
        raise RefusedError("oversized", _larger(f"{len(payload)} bytes", most))
    try:
        request = ExportLogsServiceRequest.FromString(payload)
    except DecodeError as error:
        msg = f"not an OTLP logs request: {error}"
        raise RefusedError("malformed", msg) from error
    parts = len(request.resource_logs)
    if parts <= _MOST_PARTS:
        parts += sum(len(item.scope_logs) for item in request.resource_logs)
    if parts <= _MOST_PARTS:
        parts += count(request)
    if parts > _MOST_PARTS:
        msg = f"{parts} records and more in one request, larger than max; at most {_MOST_PARTS} are taken at once"
        raise RefusedError("oversized", msg)
    return request


def count(request: ExportLogsServiceRequest) -> int:
    """The number of its log records."""
    return sum(len(scope.log_records) for item in request.resource_logs for scope in item.scope_logs)


def _larger(what: str, most: int) -> str:
    # "larger than max" is gRPC's own wording, by which clients know that smaller requests are wanted.
    return f"{what}: larger than max ({most} bytes); send fewer events at once"

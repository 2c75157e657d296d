"""What a request may be: bounded, and OTLP logs."""

from __future__ import annotations

import zlib

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


class RefusedError(Exception):
    """A request that will never be taken, however often it is sent."""


class TooLargeError(RefusedError):
    """A request over the bound."""


def gunzip(data: bytes, most: int) -> bytes:
    """Decompress gzip, never to more than `most` bytes.

    Raises:
        TooLargeError: it would be more.
        RefusedError: it is not gzip, or cut off.
    """
    engine = zlib.decompressobj(wbits=31)
    try:
        plain = engine.decompress(data, most + 1)
    except zlib.error as error:
        msg = f"the body is not gzip: {error}"
        raise RefusedError(msg) from error
    if len(plain) > most:
        msg = f"over {most} bytes after decompression"
        raise TooLargeError(msg)
    if not engine.eof:
        msg = "the gzip body is cut off"
        raise RefusedError(msg)
    return plain


def check(payload: bytes, most: int) -> int:
    """Whether it can be read at all; returns the number of log records.

    Raises:
        RefusedError: it cannot.
    """
    if len(payload) > most:
        msg = f"{len(payload)} bytes; at most {most} are taken"
        raise TooLargeError(msg)
    try:
        request = ExportLogsServiceRequest.FromString(payload)
    except DecodeError as error:
        msg = f"not an OTLP logs request: {error}"
        raise RefusedError(msg) from error
    return sum(len(scope.log_records) for item in request.resource_logs for scope in item.scope_logs)

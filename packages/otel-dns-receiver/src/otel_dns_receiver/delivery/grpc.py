"""OTLP over gRPC with requests that are encoded already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from .outcome import Said

if TYPE_CHECKING:
    from .endpoint import Endpoint

_METHODS: dict[str, tuple[str, Any]] = {
    "logs": ("/opentelemetry.proto.collector.logs.v1.LogsService/Export", ExportLogsServiceResponse.FromString),
    "metrics": (
        "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        ExportMetricsServiceResponse.FromString,
    ),
}
_RETRY_INFO = "google.rpc.retryinfo-bin"


class Grpc:
    """A channel to one endpoint. The files that it reads are read when it is made."""

    def __init__(self, endpoint: Endpoint) -> None:
        parts = urlsplit(endpoint.url)
        target = f"{parts.hostname}:{parts.port or (80 if endpoint.insecure else 443)}"
        if ":" in (parts.hostname or ""):
            target = f"[{parts.hostname}]:{parts.port or 443}"
        options = [("grpc.max_send_message_length", -1), ("grpc.enable_retries", 0)]
        compression = grpc.Compression.Gzip if endpoint.gzip else grpc.Compression.NoCompression
        if endpoint.insecure:
            self._channel = grpc.insecure_channel(target, options=options, compression=compression)
        else:
            credentials = grpc.ssl_channel_credentials(
                root_certificates=_bytes(endpoint.certificate),
                private_key=_bytes(endpoint.client_key),
                certificate_chain=_bytes(endpoint.client_certificate),
            )
            self._channel = grpc.secure_channel(target, credentials, options=options, compression=compression)
        method, response = _METHODS[endpoint.signal]
        self._export: Any = self._channel.unary_unary(method, request_serializer=None, response_deserializer=response)
        self._headers = endpoint.all_headers()
        self._timeout = endpoint.timeout

    def send(self, request: bytes) -> Said:
        """Export one request and say what became of it."""
        try:
            response = self._export(request, timeout=self._timeout, metadata=self._headers)
        except grpc.RpcError as error:
            return _said(error)
        partial = response.partial_success
        rejected = getattr(partial, "rejected_log_records", 0) or getattr(partial, "rejected_data_points", 0)
        return Said("taken", partial.error_message, rejected=rejected)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def _bytes(path: str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


def _said(error: grpc.RpcError) -> Said:
    code = error.code()
    details = (error.details() or "")[:200]
    text = f"{code.name}: {details}" if details else code.name
    wait = None
    metadata: Any = error.trailing_metadata() or ()
    for key, value in metadata:
        if key == _RETRY_INFO:
            info = error_details_pb2.RetryInfo.FromString(value)
            wait = info.retry_delay.seconds + info.retry_delay.nanos / 1e9
    if code is grpc.StatusCode.INVALID_ARGUMENT:
        return Said("refused", text)
    too_large = code is grpc.StatusCode.RESOURCE_EXHAUSTED and wait is None and "larger than max" in details
    return Said("too_large" if too_large else "later", text, wait)

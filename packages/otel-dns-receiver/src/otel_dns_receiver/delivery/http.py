"""OTLP over HTTP with requests that are encoded already."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from .outcome import Said

if TYPE_CHECKING:
    from .endpoint import Endpoint

_LATER = frozenset({429, 502, 503, 504})
_MOST_RESPONSE = 64 << 10


class Http:
    """A session with one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._url = endpoint.url
        self._timeout = endpoint.timeout
        self._gzip = endpoint.gzip
        self._session = requests.Session()
        self._session.headers.update(dict(endpoint.all_headers()))
        self._session.headers["content-type"] = "application/x-protobuf"
        if endpoint.gzip:
            self._session.headers["content-encoding"] = "gzip"
        if endpoint.certificate is not None:
            self._session.verify = endpoint.certificate
        if endpoint.client_certificate is not None:
            self._session.cert = (
                (endpoint.client_certificate, endpoint.client_key)
                if endpoint.client_key is not None
                else endpoint.client_certificate
            )

    def send(self, request: bytes) -> Said:
        """Export one request and say what became of it."""
        body = gzip.compress(request, 3) if self._gzip else request
        try:
            with self._session.post(
                self._url, data=body, timeout=self._timeout, allow_redirects=False, stream=True
            ) as response:
                content = response.raw.read(_MOST_RESPONSE, decode_content=True)
        except requests.exceptions.SSLError as error:
            return Said("later", f"TLS failed: {str(error)[-200:]}")
        except (requests.RequestException, OSError) as error:
            return Said("later", f"{type(error).__name__}: {str(error)[-200:]}")
        status = response.status_code
        if 200 <= status < 300:
            return _taken(content)
        text = f"HTTP {status} {response.reason}"
        if status == 413:
            return Said("too_large", text)
        if status == 400:
            return Said("refused", text)
        return Said("later", text, _wait(response.headers.get("retry-after")) if status in _LATER else None)

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def _taken(content: bytes) -> Said:
    # Logs' and metrics' responses have the same shape: partial_success {1: rejected, 2: text}.
    try:
        partial = ExportLogsServiceResponse.FromString(content).partial_success
    except DecodeError:
        return Said("taken")
    return Said("taken", partial.error_message, rejected=partial.rejected_log_records)


def _wait(header: str | None) -> float | None:
    """Seconds from a Retry-After header (RFC 9110 §10.2.3)."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None

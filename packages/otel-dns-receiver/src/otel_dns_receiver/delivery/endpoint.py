"""Where telemetry goes and how, from the ``OTEL_EXPORTER_OTLP_*`` environment (OTLP exporter specification)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote, urlsplit

from otel_dns_receiver.errors import ReceiverError

if TYPE_CHECKING:
    from collections.abc import Mapping

Signal = Literal["logs", "metrics"]
Protocol = Literal["grpc", "http/protobuf"]


class Endpoint(NamedTuple):
    """One signal's destination."""

    signal: Signal
    protocol: Protocol
    url: str
    """With the path for HTTP; scheme, host and port for gRPC."""
    insecure: bool
    headers: tuple[tuple[str, str], ...]
    timeout: float
    """Seconds."""
    gzip: bool
    certificate: str | None
    """File of authorities."""
    client_certificate: str | None
    client_key: str | None
    headers_file: str | None
    """File of further headers, read again when it changes."""

    @property
    def watched(self) -> tuple[Path, ...]:
        """Files that may be rotated."""
        files = (self.certificate, self.client_certificate, self.client_key, self.headers_file)
        return tuple(Path(file) for file in files if file is not None)

    def all_headers(self) -> tuple[tuple[str, str], ...]:
        """Headers of the environment and of the file, which wins.

        Raises:
            ReceiverError: the file cannot be read or understood. Values are never part of the message.
        """
        if self.headers_file is None:
            return self.headers
        return tuple({**dict(self.headers), **_read_headers(Path(self.headers_file))}.items())


def endpoint(signal: Signal, environment: Mapping[str, str] = os.environ, headers_file: str | None = None) -> Endpoint:
    """The destination of a signal.

    Raises:
        ReceiverError: a variable that cannot be understood; the message names it and says what to write.
    """

    def value(name: str) -> str | None:
        own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{name}", "").strip()
        return own or environment.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip() or None

    protocol = value("PROTOCOL") or "grpc"
    if protocol not in {"grpc", "http/protobuf"}:
        raise ReceiverError(f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not known; write grpc or http/protobuf")
    own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
    url = own or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    url = url or ("http://localhost:4317" if protocol == "grpc" else "http://localhost:4318")
    insecure = (value("INSECURE") or "").lower() == "true"
    if "://" not in url:
        url = f"{'http' if insecure else 'https'}://{url}"
    parts = None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if parts is None or not usable:
        raise ReceiverError("OTEL_EXPORTER_OTLP_ENDPOINT is not a URL; write for instance http://127.0.0.1:4317")
    if parts.username is not None or parts.password is not None:
        raise ReceiverError("OTEL_EXPORTER_OTLP_ENDPOINT holds a password; put it into OTEL_EXPORTER_OTLP_HEADERS")
    if protocol == "http/protobuf" and not own:
        url = f"{url.rstrip('/')}/v1/{signal}"
    compression = value("COMPRESSION") or "none"
    if compression not in {"none", "gzip"}:
        raise ReceiverError(f"OTEL_EXPORTER_OTLP_COMPRESSION={compression} is not known; write gzip or none")
    try:
        # The specification says milliseconds, the Python SDK has always read seconds; what is over 600 are the former.
        timeout = float(value("TIMEOUT") or 10)
    except ValueError:
        raise ReceiverError("OTEL_EXPORTER_OTLP_TIMEOUT is not a number; write for instance 10") from None
    return Endpoint(
        signal,
        "grpc" if protocol == "grpc" else "http/protobuf",
        url,
        insecure=parts.scheme == "http",
        headers=_headers(value("HEADERS") or "", "OTEL_EXPORTER_OTLP_HEADERS"),
        timeout=timeout / 1000 if timeout > 600 else timeout,
        gzip=compression == "gzip",
        certificate=_file(value("CERTIFICATE"), "CERTIFICATE"),
        client_certificate=_file(value("CLIENT_CERTIFICATE"), "CLIENT_CERTIFICATE"),
        client_key=_file(value("CLIENT_KEY"), "CLIENT_KEY"),
        headers_file=headers_file,
    )


def _file(path: str | None, name: str) -> str | None:
    if path is not None and not Path(path).is_file():
        raise ReceiverError(f"OTEL_EXPORTER_OTLP_{name}: no file {path}")
    return path


def _headers(text: str, where: str) -> tuple[tuple[str, str], ...]:
    """``key=value`` pairs with commas between them, percent-encoded (W3C Baggage without properties)."""
    found = []
    for number, part in enumerate(filter(str.strip, text.split(",")), 1):
        name, equals, content = part.partition("=")
        if not equals or not name.strip():
            raise ReceiverError(f"{where}: entry {number} is not key=value")
        found.append((name.strip().lower(), unquote(content.strip())))
    return tuple(found)


def _read_headers(path: Path) -> dict[str, str]:
    """One ``name: value`` a line; blank lines and lines that begin with ``#`` are passed over."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReceiverError(f"headers file {path}: {getattr(error, 'strerror', None) or 'not text'}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, colon, content = line.partition(":")
        if not colon or not name.strip():
            raise ReceiverError(f"{path}:{number}: not `name: value`")
        found[name.strip().lower()] = content.strip()
    return found

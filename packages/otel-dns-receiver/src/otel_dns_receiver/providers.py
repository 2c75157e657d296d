"""The OpenTelemetry SDK as the ``OTEL_*`` environment asks for it, with our own queue on the way out."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import ReceiverError
from .telemetry import Telemetry
from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from .config import Delivery

_EXTRA = "pip install 'otel-dns-receiver[app]'"
#: The part of the queue's octets that metrics may take.
_METRICS_PART = 16
#: Seconds for which the end waits for the endpoint; what is left stays on disk.
_PATIENCE = 5.0


class Providers:
    """Telemetry on the SDK.

    Args:
        delivery: how to keep what waits.
        name: of this probe; its queue's folder is named after it where none is configured.
        prometheus: address and port to serve metrics on.

    Raises:
        ReceiverError: the extra is missing, the environment cannot be understood, or a listener cannot be had.
    """

    def __init__(self, delivery: Delivery, name: str, prometheus: tuple[str, int] | None) -> None:
        try:
            from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - an extra
            from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

            from .delivery import outbox  # noqa: PLC0415
            from .delivery.endpoint import endpoint  # noqa: PLC0415
        except ImportError as error:
            msg = f"`run` needs the OpenTelemetry SDK: {_EXTRA}"
            raise ReceiverError(msg) from error
        own = {"service.version": __version__}
        # The environment's name wins; the SDK's own default would be "unknown_service".
        if "OTEL_SERVICE_NAME" not in os.environ and "service.name" not in os.environ.get(
            "OTEL_RESOURCE_ATTRIBUTES", ""
        ):
            own["service.name"] = "otel-dns-receiver"
        resource = Resource.create(own)
        folder = _folder(delivery, name)
        log_kind, metric_kind = _kind("logs"), _kind("metrics")
        self.logs: outbox.Logs | None = None
        self.metrics: outbox.Metrics | None = None
        self.loggers = LoggerProvider(resource)
        emit: Callable[[Any], None] | None = None
        if log_kind == "otlp":
            self.logs = outbox.Logs(
                folder / "logs",
                delivery.most_bytes,
                delivery.most_seconds,
                endpoint("logs", headers_file=delivery.headers_file),
                resource,
            )
            emit = self.logs.put
        elif log_kind == "console":
            from opentelemetry.sdk._logs.export import (  # noqa: PLC0415
                ConsoleLogRecordExporter,
                SimpleLogRecordProcessor,
            )

            self.loggers.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter(out=sys.stderr)))
        if metric_kind == "otlp":
            self.metrics = outbox.Metrics(
                folder / "metrics",
                delivery.most_bytes // _METRICS_PART,
                delivery.most_seconds,
                endpoint("metrics", headers_file=delivery.headers_file),
            )
        self.meters = MeterProvider(self._readers(metric_kind, prometheus), resource)
        self.telemetry = Telemetry(self.meters, self.loggers, log=emit, durations=False)
        for box in (self.logs, self.metrics):
            if box is not None:
                box.sender.start()
        self._said: dict[str, dict[str, int]] = {"logs": {}, "metrics": {}}

    def report(self) -> None:
        """Bring the metrics about the queues up to date, and write what waits in memory."""
        from .delivery.outbox import report  # noqa: PLC0415 - an extra

        for signal, box in (("logs", self.logs), ("metrics", self.metrics)):
            if box is not None:
                report(self.telemetry, signal, box.spool, box.sender, self._said[signal])

    def shutdown(self) -> None:
        """Deliver what waits for a few seconds; the rest stays on disk for the next start."""
        self.loggers.shutdown()
        self.meters.shutdown()
        for box in (self.logs, self.metrics):
            if box is not None:
                box.close(_PATIENCE)

    def _readers(self, kind: str, prometheus: tuple[str, int] | None) -> list[Any]:
        from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415 - an extra
            ConsoleMetricExporter,
            PeriodicExportingMetricReader,
        )

        from .delivery.metrics import SpoolExporter, with_durations  # noqa: PLC0415

        def complete(data: Any) -> Any:
            return with_durations(data, self.telemetry)

        readers: list[Any] = []
        if prometheus is not None:
            readers.append(_prometheus(*prometheus, complete))
        if kind == "console":
            readers.append(PeriodicExportingMetricReader(ConsoleMetricExporter(sys.stderr)))
        elif self.metrics is not None:
            readers.append(PeriodicExportingMetricReader(SpoolExporter(self.metrics, complete)))
        return readers


def _folder(delivery: Delivery, name: str) -> Path:
    if delivery.directory is not None:
        return Path(delivery.directory)
    # systemd's StateDirectory=, else where the XDG base directory specification puts state.
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    home = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    base = Path(state) if state else Path(home).expanduser() / "otel-dns-receiver"
    return base / "".join(c if c.isalnum() or c in "-_" else "_" for c in name)


def _kind(signal: str) -> str:
    """What ``OTEL_LOGS_EXPORTER`` or ``OTEL_METRICS_EXPORTER`` names; OTLP where it names nothing."""
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    kind = os.environ.get(variable, "").strip() or "otlp"
    if kind not in {"otlp", "console", "none"}:
        msg = f"{variable}={kind} is not known; write otlp, console or none"
        raise ReceiverError(msg)
    return kind


def _prometheus(host: str, port: int, complete: Callable[[Any], Any]) -> Any:
    """A reader that serves the same metrics for scraping."""
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
        from prometheus_client import start_http_server  # noqa: PLC0415
    except ImportError as error:
        msg = f"--prometheus needs the Prometheus exporter: {_EXTRA}"
        raise ReceiverError(msg) from error

    class Reader(PrometheusMetricReader):
        """The SDK's reader, with what is added up beside the SDK."""

        def _receive_metrics(self, metrics_data: Any, timeout_millis: float = 10_000, **kwargs: Any) -> None:
            super()._receive_metrics(complete(metrics_data), timeout_millis, **kwargs)

    try:
        server, _ = start_http_server(port, addr=host)
    except OSError as error:
        msg = f"cannot listen on {host}:{port} for Prometheus: {error.strerror}; choose another port"
        raise ReceiverError(msg) from error
    print(f"metrics: http://{host}:{server.server_port}/metrics", file=sys.stderr, flush=True)
    return Reader()

"""The application: SDK providers from the ``OTEL_*`` environment, and the prober on top (extra ``app``)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

from dns_events import Event, ndjson

from .errors import ReceiverError
from .exchange import Target
from .probing import Prober
from .sources.running import contexts, keep
from .system import resolvers as system_resolvers
from .telemetry import Telemetry
from .version import __version__

if TYPE_CHECKING:
    from .config import Loaded

log = logging.getLogger(__name__)

_EXTRA = "pip install 'otel-dns-receiver[app]'"


def run(loaded: Loaded, *, prometheus: tuple[str, int] | None, console: bool) -> None:
    """Probe until SIGINT or SIGTERM, then flush and return.

    Raises:
        ReceiverError: the extra is missing, or a listener cannot be had.
    """
    providers = Providers(prometheus)
    try:
        telemetry = Telemetry(providers.meters, providers.loggers)
        asyncio.run(_probe(loaded, telemetry, console=console))
    finally:
        providers.shutdown()


async def _probe(loaded: Loaded, telemetry: Telemetry, *, console: bool) -> None:
    def emit(event: Event) -> None:
        telemetry.record(event)
        if console:
            sys.stdout.buffer.write(ndjson.encode(event) + b"\n")
            sys.stdout.buffer.flush()

    def around(out: bool) -> None:
        (telemetry.asked if out else telemetry.done)()

    config = loaded.config
    recursive = (
        tuple((r.name, Target(r.address, r.port)) for r in config.resolvers)
        if config.resolvers is not None
        else system_resolvers()
    )
    prober = Prober(config, recursive, emit, around)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    zones = tuple(zone.zone for zone in config.zones)
    made = contexts(loaded.sources, zones, loaded.base, prober.who, emit, telemetry.counted)
    async with asyncio.TaskGroup() as group:
        kept = [group.create_task(keep(source, context)) for source, context in made]
        await prober.run(stop)
        for task in kept:
            task.cancel()
    counts = prober.counts
    log.info(
        "sent %d, answered %d, timed out %d, failed %d, skipped %d",
        counts.sent, counts.answered, counts.timed_out, counts.failed, counts.skipped,
    )  # fmt: skip


class Providers:
    """Meter and logger providers, as the environment asks for them."""

    def __init__(self, prometheus: tuple[str, int] | None) -> None:
        try:
            from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415 - an extra
            from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
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
        readers: list[Any] = []
        if prometheus is not None:
            readers.append(_prometheus(*prometheus))
        if (exporter := _exporter("metrics")) is not None:
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

            readers.append(PeriodicExportingMetricReader(exporter))
        self.meters = MeterProvider(readers, resource)
        self.loggers = LoggerProvider(resource)
        if (exporter := _exporter("logs")) is not None:
            from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415

            given = "OTEL_BLRP_SCHEDULE_DELAY" in os.environ
            queue = "OTEL_BLRP_MAX_QUEUE_SIZE" in os.environ
            self.loggers.add_log_record_processor(
                BatchLogRecordProcessor(
                    exporter,
                    schedule_delay_millis=None if given else 1000,
                    max_queue_size=None if queue else 65_536,
                )
            )

    def shutdown(self) -> None:
        """Flush what waits."""
        self.loggers.shutdown()
        self.meters.shutdown()


def _exporter(signal_name: str) -> Any:
    """The exporter that ``OTEL_LOGS_EXPORTER`` or ``OTEL_METRICS_EXPORTER`` names; OTLP where it names none."""
    variable = f"OTEL_{signal_name.upper()}_EXPORTER"
    kind = os.environ.get(variable, "otlp").strip() or "otlp"
    if kind == "none":
        return None
    if kind == "console":
        from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter  # noqa: PLC0415
        from opentelemetry.sdk.metrics.export import ConsoleMetricExporter  # noqa: PLC0415

        return ConsoleLogRecordExporter(out=sys.stderr) if signal_name == "logs" else ConsoleMetricExporter(sys.stderr)
    if kind != "otlp":
        msg = f"{variable}={kind} is not known; write otlp, console or none"
        raise ReceiverError(msg)
    protocol = os.environ.get(
        f"OTEL_EXPORTER_OTLP_{signal_name.upper()}_PROTOCOL", os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    )
    try:
        if protocol == "grpc":
            from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter  # noqa: PLC0415
            from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

            return OTLPLogExporter() if signal_name == "logs" else OTLPMetricExporter()
        if protocol == "http/protobuf":
            from opentelemetry.exporter.otlp.proto.http._log_exporter import (  # noqa: PLC0415
                OTLPLogExporter as HttpLogs,
            )
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import (  # noqa: PLC0415
                OTLPMetricExporter as HttpMetrics,
            )

            return HttpLogs() if signal_name == "logs" else HttpMetrics()
    except ImportError as error:
        msg = f"the OTLP exporter is not installed: {_EXTRA}"
        raise ReceiverError(msg) from error
    msg = f"OTEL_EXPORTER_OTLP_PROTOCOL={protocol} is not known; write grpc or http/protobuf"
    raise ReceiverError(msg)


def _prometheus(host: str, port: int) -> Any:
    """A reader that serves the same metrics for scraping."""
    try:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415
        from prometheus_client import start_http_server  # noqa: PLC0415
    except ImportError as error:
        msg = f"--prometheus needs the Prometheus exporter: {_EXTRA}"
        raise ReceiverError(msg) from error
    try:
        server, _ = start_http_server(port, addr=host)
    except OSError as error:
        msg = f"cannot listen on {host}:{port} for Prometheus: {error.strerror}; choose another port"
        raise ReceiverError(msg) from error
    print(f"metrics: http://{host}:{server.server_port}/metrics", file=sys.stderr, flush=True)
    return PrometheusMetricReader()

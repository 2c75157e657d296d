"""The bridge's own metrics on the OpenTelemetry SDK: over OTLP as ``OTEL_*`` says, and for Prometheus to scrape."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from dns_events import semconv
from opentelemetry.metrics import Observation

from kafka_bridge.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter

    from kafka_bridge.intake.counts import Snapshot

    from .vitals import Reading, Vitals


class Telemetry:
    """A meter provider with what the environment asks for; without the SDK it is none."""

    def __init__(self) -> None:
        self.meters: Any = None
        self._registry: Any = None
        try:
            from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - an extra
            from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from prometheus_client import CollectorRegistry  # noqa: PLC0415
        except ImportError:
            return
        self._registry = CollectorRegistry()
        readers: list[Any] = [PrometheusMetricReader(registry=self._registry)]
        if exporter := _exporter():
            readers.append(PeriodicExportingMetricReader(exporter))
        name = os.environ.get("OTEL_SERVICE_NAME", "kafka-bridge")
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self.meters = MeterProvider(readers, resource)

    def text(self) -> bytes | None:
        """All metrics in Prometheus's text format; ``None`` without the SDK."""
        if self._registry is None:
            return None
        from prometheus_client import generate_latest  # noqa: PLC0415 - an extra

        return generate_latest(self._registry)

    def stop(self) -> None:
        """Send what is left."""
        if self.meters is not None:
            self.meters.shutdown()


def observe(
    meter: Meter, vitals: Vitals, *, partitions: Callable[[], int], leading: Callable[[], bool],
    counts: Callable[[], Snapshot | None],
) -> None:  # fmt: skip
    """Gauges that are read when somebody looks.

    Args:
        meter: where they are made.
        vitals: of the bridge.
        partitions: how many partitions it judges.
        leading: whether it correlates.
        counts: what the OTLP endpoint took and refused.
    """

    def gauge(name: str, unit: str, text: str, read: Callable[[Reading], Iterable[Observation]]) -> None:
        def callback(_options: CallbackOptions) -> Iterable[Observation]:
            return read(vitals.read())

        meter.create_observable_gauge(name, [callback], unit, text)

    gauge(
        semconv.BRIDGE_BEHIND, "s", "How far behind now each part is.",
        lambda r: (
            Observation(p.behind, {semconv.PART: p.part if p.partition is None else f"{p.part}/{p.partition}"})
            for p in r.progress
            if p.behind is not None
        ),
    )  # fmt: skip
    gauge(
        semconv.BRIDGE_WAITING, "{item}", "What waits in each queue.",
        lambda r: (Observation(p.waiting, {semconv.PART: p.part}) for p in r.progress if p.waiting is not None),
    )  # fmt: skip
    gauge(
        semconv.BRIDGE_TROUBLE, "1", "1 where a part does not work right now.",
        lambda r: (Observation(int(part.trouble is not None), {semconv.PART: part.name}) for part in r.parts),
    )  # fmt: skip
    gauge(
        semconv.BRIDGE_DEADLETTERS, "{letter}", "Dead letters of the last hour that were not sent again.",
        lambda r: (Observation(r.deadletters),),
    )  # fmt: skip
    gauge(
        semconv.BRIDGE_PROBE_SILENCE, "s", "How long each probe was not heard.",
        lambda r: (Observation(seconds, {semconv.PROBE_ID: probe}) for probe, seconds in r.silent.items()),
    )  # fmt: skip
    meter.create_observable_gauge(
        semconv.BRIDGE_PARTITIONS, [lambda _: (Observation(partitions()),)], "{partition}", "Partitions judged here."
    )
    meter.create_observable_gauge(
        semconv.BRIDGE_LEADING, [lambda _: (Observation(int(leading())),)], "1", "1 where incidents are made here."
    )

    def requests(_options: CallbackOptions) -> Iterable[Observation]:
        snapshot = counts()
        if snapshot is None:
            return
        for probe, taken in snapshot.accepted.items():
            yield Observation(taken.requests, {semconv.PROBE_ID: probe, semconv.RESULT: "accepted"})
        for (reason, probe), count in snapshot.refused.items():
            yield Observation(count, {semconv.PROBE_ID: probe, semconv.RESULT: "refused", semconv.REFUSAL: reason})

    meter.create_observable_counter(
        semconv.BRIDGE_INTAKE_REQUESTS, [requests], "{request}", "OTLP requests, by what became of them."
    )


def _exporter() -> Any:
    """An OTLP exporter where the environment names an endpoint or asks for one; else none."""
    kind = os.environ.get("OTEL_METRICS_EXPORTER", "").strip()
    named = "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ or "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" in os.environ
    if kind not in {"", "otlp"} or (not kind and not named):
        return None
    protocol = os.environ.get(
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    )
    if protocol.startswith("http"):
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415

        return OTLPMetricExporter()
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import (  # noqa: PLC0415
        OTLPMetricExporter as OverGrpc,
    )

    return OverGrpc()

"""The SDK's metrics together with the durations that are added up beside it, for OTLP and for Prometheus."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dns_events import semconv
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ScopeMetrics,
)

from otel_dns_receiver.telemetry import LOOKUP_DURATION_DESCRIPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_dns_receiver.telemetry import Telemetry

    from .outbox import Metrics

_STARTED = time.time_ns()


class SpoolExporter(MetricExporter):
    """An exporter that hands encoded requests to the queue, so that they outlive the endpoint's absence.

    Args:
        metrics: the queue.
        complete: adds what the SDK does not know.
    """

    def __init__(self, metrics: Metrics, complete: Callable[[MetricsData], MetricsData]) -> None:
        super().__init__()
        self._metrics = metrics
        self._complete = complete

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:  # noqa: ARG002 - the interface's
        """Encode and queue."""
        data = self._complete(metrics_data)
        points = sum(
            len(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        self._metrics.put(encode_metrics(data).SerializeToString(), points)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:  # noqa: ARG002 - likewise
        """Nothing waits here."""
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        """Nothing is held here."""


def with_durations(data: MetricsData, telemetry: Telemetry) -> MetricsData:
    """The same data with `dns.lookup.duration` in the suite's scope."""
    now = time.time_ns()
    points = [
        HistogramDataPoint(
            attributes=dict(key),
            start_time_unix_nano=_STARTED,
            time_unix_nano=now,
            count=sum(bins.counts),
            sum=bins.sum,
            bucket_counts=list(bins.counts),
            explicit_bounds=list(bins.bounds),
            min=bins.least,
            max=bins.most,
        )
        for key, bins in telemetry.durations.items()
        if any(bins.counts)
    ]
    if not points:
        return data
    metric = Metric(
        semconv.LOOKUP_DURATION,
        LOOKUP_DURATION_DESCRIPTION,
        "s",
        Histogram(points, AggregationTemporality.CUMULATIVE),
    )
    return MetricsData(
        [
            replace(resource, scope_metrics=[_joined(scope, metric) for scope in resource.scope_metrics])
            for resource in data.resource_metrics
        ]
    )


def _joined(scope: ScopeMetrics, metric: Metric) -> ScopeMetrics:
    if scope.scope.name != semconv.SCOPE:
        return scope
    return replace(scope, metrics=[*scope.metrics, metric])

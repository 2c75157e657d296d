"""``/probe``, as Prometheus scrapes blackbox_exporter."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

import msgspec
import yaml
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, ProcessCollector, generate_latest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from otel_dns_receiver.errors import ConfigError

from .modules import Blackbox, load
from .probe import Result, probe

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

log = logging.getLogger(__name__)

_LONGEST = 120.0
#: Taken off Prometheus' own timeout, so that the answer arrives in time.
_OFFSET = 0.5
#: Probes at once; more are told to come back.
_MOST = 500
_MOST_TARGET = 300


class Probes:
    """The modules in force, and how the last reload went.

    Args:
        path: ``blackbox.yml``.

    Raises:
        ConfigError: the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.blackbox: Blackbox = load(path)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._fine = Gauge(
            "blackbox_exporter_config_last_reload_successful",
            "Blackbox exporter config loaded successfully.",
            registry=self.registry,
        )
        self._when = Gauge(
            "blackbox_exporter_config_last_reload_success_timestamp_seconds",
            "Timestamp of the last successful configuration reload.",
            registry=self.registry,
        )
        self._fine.set(1)
        self._when.set_to_current_time()
        self.running = 0

    def reload(self) -> None:
        """Read the file again.

        Raises:
            ConfigError: it cannot be used; the old modules stay in force.
        """
        try:
            self.blackbox = load(self._path)
        except ConfigError:
            self._fine.set(0)
            raise
        self._fine.set(1)
        self._when.set_to_current_time()


def application(probes: Probes) -> Starlette:
    """The web application."""

    async def probe_(request: Request) -> Response:
        return await _probe(request, probes)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(probes.registry), media_type=CONTENT_TYPE_LATEST)

    async def healthy(_: Request) -> Response:
        return PlainTextResponse("Healthy")

    async def reload(_: Request) -> Response:
        try:
            await asyncio.to_thread(probes.reload)
        except ConfigError as error:
            log.warning("the old modules stay in force: %s", error)
            return PlainTextResponse(f"failed to reload config: {error}\n", 500)
        return PlainTextResponse("")

    async def config(_: Request) -> Response:
        modules = {name: module for name, module in probes.blackbox.modules.items() if module.prober == "dns"}
        told = yaml.safe_dump({"modules": msgspec.to_builtins(modules)}, sort_keys=False)
        return PlainTextResponse(told, media_type="text/plain")

    return Starlette(
        routes=[
            Route("/probe", probe_),
            Route("/metrics", metrics),
            Route("/-/healthy", healthy),
            Route("/-/reload", reload, methods=["POST", "PUT"]),
            Route("/config", config),
        ]
    )


async def _probe(request: Request, probes: Probes) -> Response:
    name = request.query_params.get("module") or "http_2xx"
    module = probes.blackbox.modules.get(name)
    if module is None:
        return PlainTextResponse(f'Unknown module "{name[:100]}"\n', 400)
    if module.dns is None or module.prober != "dns":
        return PlainTextResponse(f"Unknown prober {module.prober!r}; here are DNS probes only\n", 400)
    target = request.query_params.get("target", "")
    if not target or len(target) > _MOST_TARGET:
        return PlainTextResponse("Target parameter is missing\n", 400)
    try:
        timeout = seconds(request.headers.get("x-prometheus-scrape-timeout-seconds"), module.seconds)
    except ValueError as error:
        return PlainTextResponse(f"Failed to parse timeout from Prometheus header: {error}\n", 500)
    if probes.running >= _MOST:
        return PlainTextResponse("Too many probes at once\n", 503)
    probes.running += 1
    started = time.monotonic()
    try:
        result = await probe(target, module.dns, timeout)
    finally:
        probes.running -= 1
    body = generate_latest(metrics_of(result, time.monotonic() - started, timeout))
    if request.query_params.get("debug") == "true":
        said = "\n".join(result.said)
        return PlainTextResponse(
            f"Logs for the probe:\n{said}\n\n\nMetrics that would have been returned:\n{body.decode()}"
        )
    return Response(body, media_type=CONTENT_TYPE_LATEST)


def seconds(header: str | None, module: float) -> float:
    """The time that a probe has: the module's, or what Prometheus waits less an offset, whichever is less.

    Raises:
        ValueError: the header is no number.
    """
    asked = float(header) if header else 0.0
    most = (asked or _LONGEST) - _OFFSET
    return module if 0 < module < most or most < 0 else most


def metrics_of(result: Result, duration: float, timeout: float) -> CollectorRegistry:
    """blackbox_exporter's metrics of one probe; `probe_timeout_seconds` is of its newer versions."""
    registry = CollectorRegistry()

    def gauge(name: str, text: str, value: float) -> None:
        Gauge(name, text, registry=registry).set(value)

    phases = Gauge("probe_dns_duration_seconds", "Duration of DNS request by phase", ["phase"], registry=registry)
    for phase in ("resolve", "connect", "request"):
        phases.labels(phase).set(getattr(result, phase))
    gauge(
        "probe_dns_answer_rrs",
        "Returns number of entries in the answer resource record list",
        result.answers,
    )
    gauge(
        "probe_dns_authority_rrs",
        "Returns number of entries in the authority resource record list",
        result.authority,
    )
    gauge(
        "probe_dns_additional_rrs",
        "Returns number of entries in the additional resource record list",
        result.additional,
    )
    gauge(
        "probe_dns_query_succeeded",
        "Displays whether or not the query was executed successfully",
        result.succeeded,
    )
    gauge("probe_dns_lookup_time_seconds", "Returns the time taken for probe dns lookup in seconds", result.resolve)
    gauge("probe_ip_protocol", "Specifies whether probe ip protocol is IP4 or IP6", result.protocol)
    gauge(
        "probe_ip_addr_hash",
        "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
        result.ip_hash,
    )
    if result.serial is not None:
        gauge("probe_dns_serial", "Returns the serial number of the zone", result.serial)
    gauge("probe_duration_seconds", "Returns how long the probe took to complete in seconds", duration)
    gauge("probe_timeout_seconds", "Returns how long the probe timeout is in seconds", timeout)
    gauge("probe_success", "Displays whether or not the probe was a success", result.success)
    return registry

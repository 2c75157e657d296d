"""The receivers: one process a region, configured from the inventory, kept running."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import yaml

from kafka_bridge.children import dies_with_parent
from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from pathlib import Path

    from dns_rules import Inventory

    from .options import Options, Resolver

log = logging.getLogger(__name__)


def config_for(resolver: Resolver, inventory: Inventory, options: Options) -> dict[str, Any]:
    """The configuration of one region's receiver."""
    zones = []
    for zone in inventory.zones:
        names: dict[str, list[str]] = {zone.zone: []}
        for record in zone.records:
            names.setdefault(record.name, []).append(record.type)
        zones.append(
            {
                "zone": zone.zone,
                "names": [{"name": name, "types": sorted(set(types))} for name, types in names.items()],
            }
        )
    config: dict[str, Any] = {
        "version": 1,
        "probe": {"id": f"{resolver.region}-1", "region": resolver.region},
        "interval": options.interval,
        "timeout": options.timeout,
        "in_flight": 64,
        "refresh": max(10.0, options.interval),
        "dnssec": True,
        "resolvers": [{"address": resolver.address, "port": resolver.port, "name": resolver.region}],
        "delivery": {"directory": str((options.directory / f"receiver-{resolver.region}").absolute())},
        "zones": zones,
    }
    if options.trust_anchor is not None:
        config["trust_anchor"] = str(options.trust_anchor.absolute())
    if options.root_hints is not None:
        config["root_hints"] = str(options.root_hints.absolute())
    return config


class Receiver:
    """One region's receiver process."""

    def __init__(self, resolver: Resolver, config: dict[str, Any], directory: Path, endpoint: str) -> None:
        self.region = resolver.region
        self._config = directory / f"receiver-{resolver.region}.yaml"
        self._config.write_text(yaml.safe_dump(config, sort_keys=False))
        self._log = directory / f"receiver-{resolver.region}.log"
        self._endpoint = endpoint
        self.child: subprocess.Popen[bytes] | None = None
        self.failures = 0
        self.started = 0.0

    def start(self) -> None:
        """Start the process."""
        environment = {
            **os.environ,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_INSECURE": "true",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_TRACES_EXPORTER": "none",
        }
        with self._log.open("ab") as output:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "otel_dns_receiver", "run", "--config", str(self._config)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGTERM),  # noqa: PLW1509 - it only calls prctl
            )
        self.started = time.monotonic()

    def tail(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "(it said nothing)"


class Receivers:
    """All of them. One that dies is started again, with growing pauses, and said."""

    def __init__(self, options: Options, inventory: Inventory, port: int) -> None:
        endpoint = f"http://127.0.0.1:{port}"
        self._all = [
            Receiver(resolver, config_for(resolver, inventory, options), options.directory, endpoint)
            for resolver in options.resolvers
        ]
        self._stopping = threading.Event()

    def start(self) -> None:
        """Start all; from the main thread, whose end the children are bound to."""
        for receiver in self._all:
            receiver.start()

    def tend(self) -> None:
        """Start again what has died; called about once a second.

        Raises:
            BridgeError: one cannot be kept running.
        """
        for receiver in self._all:
            child = receiver.child
            if child is None or child.poll() is None:
                if receiver.failures and time.monotonic() - receiver.started > 60:
                    receiver.failures = 0
                continue
            if receiver.failures >= 5:
                msg = f"the receiver of {receiver.region} keeps ending ({child.returncode}): {receiver.tail()}"
                raise BridgeError(msg)
            if time.monotonic() - receiver.started < min(30, 2**receiver.failures):
                continue
            log.warning("the receiver of %s ended (%s): %s", receiver.region, child.returncode, receiver.tail())
            receiver.failures += 1
            receiver.start()

    def stop(self) -> None:
        """Ask them to flush and end, then insist."""
        children = [r.child for r in self._all if r.child is not None and r.child.poll() is None]
        for child in children:
            child.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 8
        for child in children:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

"""A real Prometheus with the mixin's rules that scrapes real receivers, which watch the lab from its regions."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.lab import Lab

from . import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: Prometheus's own configuration where a test's minutes are seconds.
EVERY = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}


class Prometheus:
    """A real one, with the mixin's rules.

    Args:
        place: a folder of its own, with a short path.
        targets: addresses by the job that they are scraped as.
        config: of the mixin, as jsonnet.
    """

    def __init__(self, place: Path, targets: Mapping[str, Sequence[str]], *, config: str = "{}") -> None:
        program = shutil.which("prometheus")
        if program is None:
            pytest.skip("not installed: apt-get install prometheus")
        self.place, self._stack = place, ExitStack()
        self._running: list[subprocess.Popen[bytes]] = []
        with self._stack:
            for name, field in render.FILES.items():
                (place / name).write_text(render.dump(render.evaluate(field, config)))
            jobs = [{"job_name": job, "static_configs": [{"targets": found}]} for job, found in targets.items()]
            (place / "prometheus.yml").write_text(
                json.dumps({"global": EVERY, "rule_files": list(render.FILES), "scrape_configs": jobs})
            )
            (own,) = free_ports(1)
            self.address = f"http://127.0.0.1:{own}"
            self._log = self._stack.enter_context((place / "log").open("wb"))
            self._run(
                program, "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{own}",
                f"--storage.tsdb.path={place / 'data'}", "--log.level=warn",
            )  # fmt: skip
            self._stack = self._stack.pop_all()

    def stop(self) -> None:
        """All of it."""
        self._stack.close()

    def get(self, path: str, **asked: str) -> Any:
        """What Prometheus's API says; ``None`` while it does not listen yet.

        Raises:
            AssertionError: a program has ended, or it says no.
        """
        ended = [process for process in self._running if process.poll() is not None]
        assert not ended, (self.place / "log").read_text()
        try:
            with urllib.request.urlopen(
                f"{self.address}/api/v1/{path}", urllib.parse.urlencode(asked).encode() or None, timeout=10
            ) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{asked}: {error.read().decode()}") from error
        except OSError:
            return None

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The series of an instant query."""
        found = self.get("query", query=expr)
        return found["result"] if found else []

    def firing(self) -> dict[str, Any]:
        """Alerts that fire, by name."""
        found = self.get("alerts")
        return {a["labels"]["alertname"]: a for a in (found["alerts"] if found else []) if a["state"] == "firing"}

    def wait(self, what: str, check: Callable[[], Any], seconds: float = 60) -> None:
        """Until it is so."""
        until = time.monotonic() + seconds
        while not check():
            log = (self.place / "log").read_text()[-2000:]
            assert time.monotonic() < until, f"{what}; firing: {self.firing()}\n{log}"
            time.sleep(0.3)

    def _run(self, *command: str) -> None:
        environment = {
            **os.environ,
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "XDG_STATE_HOME": str(self.place),
        }
        process = self._stack.enter_context(
            subprocess.Popen(command, cwd=self.place, env=environment, stdout=self._log, stderr=subprocess.STDOUT)
        )
        self._stack.callback(process.terminate)
        self._running.append(process)


class Scraped(Prometheus):
    """The lab, a receiver in each of some regions, and a Prometheus.

    Args:
        place: a short path, for sockets.
        zones: that are watched.
        config: of the mixin, as jsonnet.
        regions: how many.
    """

    def __init__(self, place: Path, zones: Sequence[str], *, config: str, regions: int = 2) -> None:
        targets = [f"127.0.0.1:{port}" for port in free_ports(regions)]
        super().__init__(place, {"dns": targets}, config=config)
        with self._stack:
            self.lab = self._stack.enter_context(Lab.start(place / "lab"))
            self.regions = sorted(self.lab.resolvers)[:regions]
            for region, target in zip(self.regions, targets, strict=True):
                config_file = str(self._receiver(region, zones))
                self._run(
                    sys.executable, "-m", "otel_dns_receiver", "run", "--config", config_file, "--prometheus", target
                )
            self._stack = self._stack.pop_all()

    def silence(self) -> None:
        """End the receivers."""
        for process in self._running[1:]:
            process.terminate()
            process.wait(20)
        del self._running[1:]

    def _receiver(self, region: str, zones: Sequence[str]) -> Path:
        config = {
            "version": 1,
            "probe": {"id": f"{region}-1", "region": region},
            "interval": "2s",
            "timeout": "1s",
            "refresh": "10s",
            "resolvers": [{"address": self.lab.resolvers[region], "name": region}],
            "root_hints": str(self.lab.root_hints),
            "trust_anchor": str(self.lab.trust_anchor),
            "zones": [{"zone": zone} for zone in zones],
        }
        file = self.place / f"{region}.yaml"
        file.write_text(json.dumps(config))
        return file


def free_ports(number: int) -> list[int]:
    """Ports on which nothing listens now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]

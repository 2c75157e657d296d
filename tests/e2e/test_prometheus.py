"""The alerts for a Prometheus alone, on a real one that scrapes two real receivers, which watch real name servers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.lab import Lab
from tests.lab.scenarios import SCENARIOS
from tests.prometheus import render

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = "all-servers-down"
ZONE = SCENARIOS[SCENARIO].zone
#: A test's minutes are seconds.
CONFIG = "{window: '8s', lag: '5s', 'for': {DnsZoneDown: '2s', DnsMonitoringDown: '2s'}}"


def free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


def receiver(lab: Lab, region: str, place: Path) -> Path:
    config = {
        "version": 1,
        "probe": {"id": f"{region}-1", "region": region},
        "interval": "2s",
        "timeout": "1s",
        "refresh": "10s",
        "resolvers": [{"address": lab.resolvers[region], "name": region}],
        "root_hints": str(lab.root_hints),
        "trust_anchor": str(lab.trust_anchor),
        "zones": [{"zone": zone} for zone in (ZONE, "healthy.lab")],
    }
    file = place / f"{region}.yaml"
    file.write_text(json.dumps(config))
    return file


@pytest.mark.lab
def test_a_zone_goes_down_and_comes_back(tmp_path_factory):
    place = tmp_path_factory.mktemp("lab")  # a short path, for sockets
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("not installed: apt-get install prometheus")
    for name, field in render.FILES.items():
        (place / name).write_text(render.dump(render.evaluate(field, CONFIG)))
    with ExitStack() as stack:
        lab = stack.enter_context(Lab.start(place / "lab"))
        regions = sorted(lab.resolvers)[:2]
        own, *ports = free_ports(1 + len(regions))
        targets = [f"127.0.0.1:{port}" for port in ports]
        (place / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                    "rule_files": list(render.FILES),
                    "scrape_configs": [{"job_name": "dns", "static_configs": [{"targets": targets}]}],
                }
            )
        )
        environment = {
            **os.environ,
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_METRICS_EXPORTER": "none",
            "XDG_STATE_HOME": str(place),
        }
        commands = [
            [program, "--config.file=prometheus.yml", f"--web.listen-address=127.0.0.1:{own}",
             f"--storage.tsdb.path={place / 'data'}", "--log.level=warn"],
        ] + [
            [sys.executable, "-m", "otel_dns_receiver", "run", "--config", str(receiver(lab, region, place)),
             "--prometheus", target]
            for region, target in zip(regions, targets, strict=True)
        ]  # fmt: skip
        log = stack.enter_context((place / "log").open("wb"))
        running = []
        for command in commands:
            process = stack.enter_context(
                subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )
            stack.callback(process.terminate)
            running.append(process)

        def get(path: str) -> Any:
            assert [process.poll() for process in running] == [None] * len(running), (place / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{own}/api/v1/{path}", timeout=5) as response:
                    return json.load(response)["data"]
            except OSError:
                return None  # not listening yet

        def firing() -> dict[str, Any]:
            found = get("alerts")
            listed = found["alerts"] if found else []
            return {a["labels"]["alertname"]: a for a in listed if a["state"] == "firing"}

        def wait(what: str, check: Any) -> None:
            until = time.monotonic() + 60
            while not check():
                assert time.monotonic() < until, f"{what}; firing: {firing()}\n{(place / 'log').read_text()[-2000:]}"
                time.sleep(0.3)

        ratio = 'zone_role_server_region:dnstower_dns_failures:ratio{dnstower_server_role="authoritative"}'
        wanted = {(zone, region) for zone in (ZONE, "healthy.lab") for region in regions}

        def seen() -> bool:
            found = get(f"query?query={ratio}")
            listed = found["result"] if found else []
            labels = [each["metric"] for each in listed]
            return {(each["dnstower_zone"], each["dnstower_probe_region"]) for each in labels} >= wanted

        wait("nothing is seen", seen)
        wait("more than the heartbeat fires", lambda: set(firing()) == {"DnstowerHeartbeat"})
        lab.break_(SCENARIO)
        wait("the zone's alert does not fire", lambda: "DnsZoneDown" in firing())
        alert = firing()["DnsZoneDown"]
        assert alert["labels"] == {"alertname": "DnsZoneDown", "severity": "critical", "dnstower_zone": ZONE}
        assert alert["annotations"]["summary"] == f"Zone {ZONE} is down"
        assert "from 2 regions" in alert["annotations"]["description"]
        lab.mend(SCENARIO)
        wait("the zone's alert stays", lambda: "DnsZoneDown" not in firing())
        for process in running[1:]:
            process.terminate()
            process.wait(20)
        running[1:] = []
        wait("nobody says that nobody looks", lambda: "DnsMonitoringDown" in firing())

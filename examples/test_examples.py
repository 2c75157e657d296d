"""Every example does what its README says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

HERE = Path(__file__).parent


def run(module: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def test_replay_gives_the_checked_in_incident():
    place = HERE / "replay"
    done = run("dns_rules", "replay", "ds-mismatch.ndjson", "--inventory", "inventory.yaml", "--json", cwd=place)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (place / "expected.ndjson").read_text()


def test_collector_configurations_are_fine_and_meet_at_their_ports():
    place = HERE / "collector"
    assert run("otel_dns_receiver", "check", "receiver.yaml", cwd=place).returncode == 0
    assert run("kafka_bridge", "check", "bridge.yaml", cwd=place).returncode == 0
    collector = yaml.safe_load((place / "collector.yaml").read_text())
    bridge = yaml.safe_load((place / "bridge.yaml").read_text())
    assert collector["exporters"]["otlp/bridge"]["endpoint"] == bridge["otlp"]["grpc"]
    assert collector["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"] in (place / "README.md").read_text()
    for pipeline in collector["service"]["pipelines"].values():
        assert set(pipeline["exporters"]) <= set(collector["exporters"])


def test_every_folder_is_listed_and_tested():
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    listed = (HERE / "README.md").read_text()
    assert all(f"[{name}]" in listed for name in folders)
    assert folders == {"collector", "replay"}

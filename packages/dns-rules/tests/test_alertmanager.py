"""The route tree that is printed is one that Alertmanager takes, and it leads to the right receivers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

GOOD = Path(__file__).parent / "inventories" / "good.yaml"


@pytest.fixture
def rendered(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "dns_rules", "render", "alertmanager", str(GOOD)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    file = tmp_path / "alertmanager.yml"
    file.write_text(done.stdout)
    return file


def amtool(*arguments):
    program = shutil.which("amtool")
    if program is None:
        pytest.skip("no amtool (Debian: prometheus-alertmanager)")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_receivers_are_those_that_teams_name(rendered):
    tree = yaml.safe_load(rendered.read_text())
    names = [receiver["name"] for receiver in tree["receivers"]]
    assert {"slack:web-oncall", "email:security@example.com", "heartbeat", "dnstower"} <= set(names)
    assert tree["inhibit_rules"][0]["equal"] == ["zone", "team"]
    done = amtool("check-config", rendered)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("owner=web team=web severity=critical", "slack:web-oncall"),
        ("owner=web team=security severity=warning", "email:security@example.com"),
        ("owner=web team=security severity=info", "dnstower"),
        ("owner=nobody severity=info", "dnstower"),
        ("alertname=DnstowerHeartbeat severity=none", "heartbeat"),
    ],
)
def test_alerts_are_routed(rendered, labels, receiver):
    done = amtool("config", "routes", "test", f"--config.file={rendered}", *labels.split())
    assert done.stdout.strip() == receiver, done.stderr

"""`up` as a user runs it: once, on names, for a while, and with mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.tower import ROOT, Tower
from tests.lab import Lab

pytestmark = pytest.mark.lab


def up(*arguments: str, program: str = "kafka_bridge", words: tuple[str, ...] = ("up",)):
    return subprocess.run(
        [sys.executable, "-m", program, *words, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory):
    with Lab.start(tmp_path_factory.mktemp("l")) as running:
        yield running


def resolvers(lab: Lab) -> list[str]:
    return [f"--resolver={region}={address}" for region, address in lab.resolvers.items()]


def roots(lab: Lab) -> list[str]:
    return ["--root-hints", str(lab.root_hints), "--trust-anchor", str(lab.trust_anchor)]


def test_once_judges_every_zone_of_the_lab(tmp_path):
    done = up("--once", "--json", "--dir", str(tmp_path), "--board=127.0.0.1:0", program="tests.lab.demo", words=())
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["regions"]) >= 3
    assert sum(entry["status"] == "healthy" for entry in report["health"].values()) >= 4
    assert {entry["status"] for entry in report["health"].values()} == {"healthy"}
    assert report["health"]["healthy.lab"]["dnssec"] == "secure"
    assert report["health"]["plain.lab"]["dnssec"] == "insecure"
    assert report["observations"] > 500
    assert report["incidents"] == []
    assert not (tmp_path / "run.json").exists()
    assert not (tmp_path / "lab.json").exists()


def test_names_alone_are_learned_from_their_answers(lab: Lab, tmp_path):
    done = up(
        "healthy.lab", "www.four.lab", *resolvers(lab), *roots(lab),
        "--interval=5s", "--timeout=1s", "--dir", str(tmp_path), "--board=127.0.0.1:0", "--once",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["zone", "status", "score"]
    assert any(line.startswith("healthy.lab") and "secure" in line for line in lines)
    # The zone of a host is found.
    assert any(line.startswith("four.lab") for line in lines)
    inventory = (tmp_path / "inventory.yaml").read_text()
    assert "www.four.lab" in inventory
    assert "expect: any" in inventory


def test_for_a_while_and_then_it_ends_without_leftovers(lab: Lab, tmp_path):
    began = time.monotonic()
    done = up(
        "plain.lab", "--inventory", str(lab.inventory), *resolvers(lab), *roots(lab), "--interval=2s", "--timeout=1s",
        "--dir", str(tmp_path), "--board=127.0.0.1:0", "--for=8s", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began >= 8
    assert json.loads(done.stdout)["zones"] == ["plain.lab"]
    assert not _processes_of(tmp_path)


def test_an_incident_that_fires_is_exit_code_3(lab: Lab, tmp_path):
    lab.break_("ds-mismatch")
    try:
        done = up(
            "bank.lab", "--inventory", str(lab.inventory), *resolvers(lab), *roots(lab), "--interval=5s",
            "--timeout=1s", "--dir", str(tmp_path), "--board=127.0.0.1:0", "--for=110s", "--json",
        )  # fmt: skip
    finally:
        lab.mend("ds-mismatch")
    assert done.returncode == 3, done.stderr
    report = json.loads(done.stdout)
    assert [incident["rule"] for incident in report["incidents"]] == ["dnssec-validation-failing"]
    assert report["health"]["bank.lab"]["status"] == "unhealthy"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "nothing to watch"),
        (["example.com", "--resolver", "eu:192.0.2.1"], 2, "is not REGION=ADDRESS"),
        (["example.com", "--resolver", "eu=nowhere"], 2, "is not REGION=ADDRESS"),
        (["example.com", "--interval", "soon"], 2, "--interval: 'soon' is not a duration"),
        (["example.com", "--board", "0.0.0.0:80"], 2, "not on loopback"),
        (["--inventory", "none.yaml"], 1, "none.yaml: No such file"),
        (["exa..mple", "--resolver", "eu=127.0.0.1"], 1, "not a domain name"),
    ],
)
def test_mistakes_are_named(tmp_path, arguments, code, message):
    done = up(*arguments, "--dir", str(tmp_path))
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_kill_9_of_up_leaves_nothing_and_the_next_one_goes_on(tmp_path):
    tower = Tower(tmp_path / "t")
    tower.wait("all zones healthy", tower.all_healthy, 120)
    before = sum(zone["questions"] for zone in tower.get("api/zones"))
    os.kill(tower.note("run.json")["pid"], signal.SIGKILL)
    tower.process.wait(60)
    tower.stop()
    deadline = time.monotonic() + 20
    while _processes_of(tower.directory) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not _processes_of(tower.directory)
    again = Tower(tmp_path / "t")
    try:
        again.wait("all zones healthy", again.all_healthy, 120)
        assert sum(zone["questions"] for zone in again.get("api/zones")) >= before
    finally:
        assert again.stop() == 0


def _processes_of(directory) -> list[str]:
    """Command lines or working folders of processes that belong to a state folder."""
    found = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = Path(entry, "cmdline").read_bytes().decode(errors="replace")
            place = str(Path(entry, "cwd").readlink())
        except OSError:
            continue
        if str(directory) in words or place.startswith(str(directory)):
            found.append(words.replace("\0", " "))
    return found

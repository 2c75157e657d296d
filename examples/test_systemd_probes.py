"""The unit of ``systemd-probes/``: taken by systemd's own tools, and run as in three regions of the lab."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from examples.test_examples import free_ports, run
from tests.certificates import Authority
from tests.lab import Lab, missing

PLACE = Path(__file__).parent / "systemd-probes"
UNIT = PLACE / "otel-dns-receiver@.service"
PROBES = {"eu-west-1": "eu-west", "us-east-1": "us-east", "ap-south-1": "ap-south"}
PROGRAM = "/opt/otel-dns-receiver/bin/otel-dns-receiver"
ETC = "/etc/otel-dns-receiver"
ZONES = ["bank.lab", "shop.lab"]


def unit(probe: str) -> dict[str, list[str]]:
    """The keys of the unit, as systemd reads them for one instance."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text().splitlines():
        key, is_key, value = line.partition("=")
        if is_key and not line.startswith("#"):
            found.setdefault(key, []).append(value.replace("%i", probe))
    return found


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit_and_finds_little_exposed(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace(PROGRAM, "/bin/true"))  # it wants the program to be there
    verified = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", copy],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout


@pytest.mark.parametrize(("probe", "region"), PROBES.items())
def test_a_probes_files_belong_together(probe, region):
    config = yaml.safe_load((PLACE / f"{probe}.yaml").read_text())
    assert (config["probe"]["id"], config["probe"]["region"]) == (probe, region)
    credential = unit(probe)["LoadCredential"][0].partition(":")[0]
    assert config["delivery"]["headers_file"] == f"/run/credentials/otel-dns-receiver@{probe}.service/{credential}"
    listed = {entry["id"]: entry["region"] for entry in yaml.safe_load((PLACE / "probes.yaml").read_text())["probes"]}
    assert listed == PROBES


def test_the_bridges_configuration_is_fine():
    done = run("kafka_bridge", "check", "bridge.yaml", cwd=PLACE)
    assert done.returncode == 0, done.stderr


class Machine:
    """What a probe's machine has: its files, and the unit's command line and environment."""

    def __init__(self, place: Path, probe: str, lab: Lab, endpoint: str, authority: Path, token: str) -> None:
        self.place = place / probe
        self.place.mkdir()
        config = yaml.safe_load((PLACE / f"{probe}.yaml").read_text())
        headers = self.place / "headers"
        headers.write_text(f"Authorization: Bearer {token}\n")
        config["delivery"]["headers_file"] = str(headers)
        config["resolvers"][0]["address"] = lab.resolvers[config["probe"]["region"]]
        config |= {"interval": "3s", "timeout": "1s", "zones": [{"zone": zone} for zone in ZONES]}
        config |= {"root_hints": str(lab.root_hints), "trust_anchor": str(lab.trust_anchor)}
        (self.place / f"{probe}.yaml").write_text(yaml.safe_dump(config))
        keys = unit(probe)
        (self._check,), (self._start,) = (
            [self._local(words) for words in keys[key]] for key in ("ExecStartPre", "ExecStart")
        )
        self._environment = dict(pair.split("=", 1) for line in keys["Environment"] for pair in line.split())
        file = Path(self._local(keys["EnvironmentFile"][0].replace(ETC, str(PLACE)))[0]).read_text()
        self._environment |= dict(line.split("=", 1) for line in file.splitlines() if line and not line.startswith("#"))
        self._environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority),
            "STATE_DIRECTORY": str(self.place / "state"),
            "PATH": os.environ["PATH"],
        }

    def _local(self, words: str) -> list[str]:
        here = str(Path(sys.executable).with_name("otel-dns-receiver"))
        return shlex.split(words.replace(PROGRAM, here).replace(ETC, str(self.place)))

    def start(self, stack: ExitStack) -> None:
        checked = subprocess.run(self._check, env=self._environment, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        log = stack.enter_context((self.place / "log").open("wb"))
        process = stack.enter_context(subprocess.Popen(self._start, env=self._environment, stdout=log, stderr=log))
        stack.callback(process.terminate)


@pytest.mark.skipif(bool(missing()), reason="the name servers of the lab are not installed")
def test_three_probes_are_three_regions_and_none_speaks_for_another(tmp_path, tmp_path_factory):
    place = tmp_path / "machines"
    place.mkdir()
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    otlp, board = free_ports(2)
    tokens, lines = {}, ["version: 1", "probes:"]
    for probe, region in PROBES.items():
        made = run("kafka_bridge", "probes", "token", probe, "--region", region, cwd=tmp_path)
        tokens[probe] = made.stdout.strip()
        lines += [line for line in made.stderr.splitlines() if line.lstrip().startswith("- {id:")]
    (tmp_path / "probes.yaml").write_text("\n".join(lines) + "\n")
    config = (PLACE / "bridge.yaml").read_text()
    for old, new in (
        ("0.0.0.0:4317", f"127.0.0.1:{otlp}"), ("127.0.0.1:8053", f"127.0.0.1:{board}"),
        ("bridge.pem", str(certificate)), ("bridge.key", str(key)),
    ):  # fmt: skip
        config = config.replace(old, new)
    (tmp_path / "bridge.yaml").write_text(config)
    log = tmp_path / "bridge.log"
    with ExitStack() as stack:
        lab = stack.enter_context(Lab.start(tmp_path_factory.mktemp("lab")))  # a short path, for sockets
        shutil.copy(lab.inventory, tmp_path / "inventory.yaml")
        command = [sys.executable, "-m", "kafka_bridge", "run", "--config", "bridge.yaml"]
        bridge = stack.enter_context(
            subprocess.Popen(
                command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=stack.enter_context(log.open("wb"))
            )
        )
        stack.callback(bridge.terminate)
        endpoint = f"https://127.0.0.1:{otlp}"
        for probe in PROBES:
            Machine(place, probe, lab, endpoint, authority.file, tokens[probe]).start(stack)
        thief = tmp_path / "thief"
        thief.mkdir()
        Machine(thief, "eu-west-1", lab, endpoint, authority.file, tokens["us-east-1"]).start(stack)

        def regions() -> dict[str, set[str]]:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{board}/api/zones", timeout=5) as response:
                    zones = json.load(response)
            except OSError:
                return {}  # not listening yet
            return {zone["zone"]: {*(zone["regions"] or {})} for zone in zones if zone["questions"]}

        until = time.monotonic() + 90
        everywhere = {zone: {*PROBES.values()} for zone in ZONES}
        while regions() != everywhere or "forged" not in log.read_text():
            said = log.read_text() + "".join(path.read_text()[-800:] for path in tmp_path.glob("*/*/log"))
            assert time.monotonic() < until, f"{regions()}\n{said[-4000:]}"
            assert bridge.poll() is None, said
            time.sleep(0.5)

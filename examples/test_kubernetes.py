"""The manifests of ``kubernetes``: rendered, valid, hardened, of a piece; and what their pods are started with runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import kubernetes_validate
import pytest
import yaml
from kafka_bridge.postgres.server import Server

from examples.test_examples import free_ports, run
from tests.certificates import Authority

PLACE = Path(__file__).parent / "kubernetes"
RENDERED = {".": PLACE / "rendered.yaml", "nodes": PLACE / "nodes" / "rendered.yaml"}
ALL = [one for file in RENDERED.values() for one in yaml.safe_load_all(file.read_text())]
WORKLOADS = {one["metadata"]["name"]: one for one in ALL if one["kind"] in {"Deployment", "DaemonSet"}}
MAPS = {one["metadata"]["name"]: one["data"] for one in ALL if one["kind"] == "ConfigMap"}
#: Where the API server's schema is from, the oldest and the newest that are looked at.
VERSIONS = ("1.30", "1.37")


def pod(name: str) -> dict:
    return WORKLOADS[name]["spec"]["template"]["spec"]


def containers(name: str) -> list[dict]:
    return [*pod(name).get("initContainers", []), *pod(name)["containers"]]


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", RENDERED)
def test_kustomize_gives_what_is_checked_in(folder):
    done = subprocess.run(["kubectl", "kustomize", folder], cwd=PLACE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [*yaml.safe_load_all(done.stdout)] == [*yaml.safe_load_all(RENDERED[folder].read_text())]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", ALL, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_a_manifest_is_valid(manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


def test_an_unknown_key_would_be_found():
    broken = json.loads(json.dumps(WORKLOADS["bridge"]))
    broken["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", WORKLOADS)
def test_nothing_runs_with_more_than_it_needs(name):
    spec = pod(name)
    assert spec["automountServiceAccountToken"] is False
    assert (spec["securityContext"]["runAsNonRoot"], spec["securityContext"]["runAsUser"] > 0) == (True, True)
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC"))
    for container in containers(name):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= {*container["resources"]["requests"]}
    main = spec["containers"][0]
    ports = {port["name"] for port in main["ports"]}
    assert {main[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")} <= ports


@pytest.mark.parametrize("name", WORKLOADS)
def test_what_a_pod_mounts_is_rendered_or_made_by_hand(name):
    readme = (PLACE / "README.md").read_text()
    named = [source for volume in pod(name)["volumes"] for source in volume.get("projected", {}).get("sources", [])]
    for source in named:
        if "secret" in source:
            assert f" {source['secret']['name']} " in readme
        else:
            assert source["configMap"]["name"] in MAPS or f"create configmap {source['configMap']['name']} " in readme
    for container in containers(name):
        assert {mount["name"] for mount in container["volumeMounts"]} <= {each["name"] for each in pod(name)["volumes"]}


def test_services_and_policies_choose_pods_and_ports_that_are_there():
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in WORKLOADS.values()]
    ports = {port["name"] for name in WORKLOADS for port in pod(name)["containers"][0]["ports"]}
    chosen = []
    for one in ALL:
        spec = one.get("spec", {})
        if one["kind"] == "Service":
            chosen.append(spec["selector"])
            assert {port["targetPort"] for port in spec["ports"]} <= ports
        if one["kind"] == "NetworkPolicy":
            peers = [peer for rule in spec["ingress"] for peer in rule["from"]]
            peers += [peer for rule in spec["egress"] for peer in rule.get("to", [])]
            chosen += [spec["podSelector"]["matchLabels"]]
            chosen += [peer["podSelector"]["matchLabels"] for peer in peers if "podSelector" in peer]
            assert {port["port"] for rule in spec["ingress"] for port in rule["ports"]} <= ports
    assert len(chosen) >= 5
    assert [choice for choice in chosen if not any(choice.items() <= found.items() for found in labels)] == []
    covered = [one["spec"]["podSelector"]["matchLabels"] for one in ALL if one["kind"] == "NetworkPolicy"]
    assert all(any(choice.items() <= found.items() for choice in covered) for found in labels)


def test_each_region_is_a_probe_that_the_bridge_knows():
    bridge = next(data for name, data in MAPS.items() if name.startswith("bridge-"))
    known = {entry["id"]: entry for entry in yaml.safe_load(bridge["probes.yaml"])["probes"]}
    for name in WORKLOADS:
        if name.startswith("probe-") and name != "probe-nodes":
            told = next(data for key, data in MAPS.items() if key.startswith(f"{name}-"))
            probe = yaml.safe_load(told["receiver.yaml"])["probe"]
            assert known[probe["id"]]["region"] == probe["region"]
            assert pod(name)["nodeSelector"] == {"topology.kubernetes.io/region": probe["region"]}
    assert known["nodes"]["speaks_for"] == ["*"]


def test_a_node_gives_its_probe_its_name(tmp_path):
    (command,) = (container["command"] for container in containers("probe-nodes") if container["name"] == "name")
    data = next(data for name, data in MAPS.items() if name.startswith("probe-nodes-"))
    (tmp_path / "headers").write_text("Authorization: Bearer x\n")
    text = data["receiver.yaml"].replace("/etc/probe", str(tmp_path))
    (tmp_path / "in.yaml").write_text(text)
    script = command[2].replace("/etc/probe/receiver.yaml", "in.yaml").replace("/run/probe/receiver.yaml", "out.yaml")
    subprocess.run([*command[:2], script], cwd=tmp_path, env=os.environ | {"NODE_NAME": "node-7"}, check=True)
    assert yaml.safe_load((tmp_path / "out.yaml").read_text())["probe"]["id"] == "node-7"
    assert run("otel_dns_receiver", "check", "out.yaml", cwd=tmp_path).returncode == 0


class Container:
    """A pod's container as a process: its command, its environment, and its files under a folder."""

    def __init__(self, name: str, place: Path, moved: dict[str, str]) -> None:
        self._name, self._place, self._moved = name, place, moved
        self.spec = pod(name)["containers"][0]
        place.mkdir()
        for volume in pod(name)["volumes"]:
            for source in volume.get("projected", {}).get("sources", []):
                for file, text in MAPS.get(source.get("configMap", {}).get("name"), {}).items():
                    (place / file).write_text(self._here(text))

    def _here(self, text: str) -> str:
        for old, new in self._moved.items():
            text = text.replace(old, new)
        return text

    def start(self, stack: ExitStack, **secrets: str) -> subprocess.Popen[bytes]:
        words = [self._here(word) for word in [*self.spec["command"], *self.spec["args"]]]
        given = {each["name"]: self._here(each["value"]) for each in self.spec["env"] if "value" in each}
        log = stack.enter_context((self._place / "log").open("wb"))
        process = stack.enter_context(
            subprocess.Popen(
                [str(Path(sys.executable).with_name(words[0])), *words[1:]],
                env={"PATH": os.environ["PATH"]} | given | secrets, stdout=log, stderr=subprocess.STDOUT,
            )
        )  # fmt: skip
        stack.callback(process.terminate)
        return process

    def asked(self, probe: str) -> int:
        """The status that the kubelet gets, which asks by the pod's address."""
        get = self.spec[probe]["httpGet"]
        (port,) = (each["containerPort"] for each in self.spec["ports"] if each["name"] == get["port"])
        address = self._here(f"0.0.0.0:{port}").replace("0.0.0.0", "127.0.0.1")
        request = urllib.request.Request(f"http://{address}{get['path']}", headers={"Host": f"10.0.0.7:{port}"})
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def log(self) -> str:
        return (self._place / "log").read_text()[-2000:]


def test_what_the_pods_are_started_with_runs(tmp_path, tmp_path_factory):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    token = run("kafka_bridge", "probes", "token", "eu-west", "--region", "eu-west", cwd=tmp_path)
    known = [line for line in token.stderr.splitlines() if line.lstrip().startswith("- {id:")]
    otlp, board, health, metrics = free_ports(4)
    moved = {
        "0.0.0.0:4317": f"127.0.0.1:{otlp}", "127.0.0.1:8053": f"127.0.0.1:{board}",
        "0.0.0.0:8054": f"0.0.0.0:{health}", "0.0.0.0:9153": f"0.0.0.0:{metrics}",
        "bridge.dnstower.svc:4317": f"127.0.0.1:{otlp}", "interval: 30s": "interval: 3s", "timeout: 3s": "timeout: 1s",
        "/etc/dnstower": str(tmp_path / "bridge"), "/etc/probe": str(tmp_path / "probe"),
        "/var/lib/otel-dns-receiver": str(tmp_path / "state"), "192.0.2.53": "127.255.255.254",
    }  # fmt: skip
    with ExitStack() as stack:
        store = stack.enter_context(Server(tmp_path_factory.mktemp("pg") / "postgres"))
        bridge = Container("bridge", tmp_path / "bridge", moved)
        shutil.copy(certificate, tmp_path / "bridge" / "tls.crt")
        shutil.copy(key, tmp_path / "bridge" / "tls.key")
        (tmp_path / "bridge" / "probes.yaml").write_text("\n".join(["version: 1", "probes:", *known]) + "\n")
        probe = Container("probe-eu-west", tmp_path / "probe", moved)
        shutil.copy(authority.file, tmp_path / "probe" / "ca.crt")
        (tmp_path / "probe" / "headers").write_text(f"Authorization: Bearer {token.stdout.strip()}\n")
        # A root and a resolver on loopback where nobody answers: a timeout is an observation too.
        (tmp_path / "probe" / "root.hints").write_text(". 60 IN NS ns.\nns. 60 IN A 127.255.255.254\n")
        with (tmp_path / "probe" / "receiver.yaml").open("a") as file:
            file.write("root_hints: root.hints\n")
        running = [bridge.start(stack, DNSTOWER_STORE_URL=store.conninfo), probe.start(stack)]
        until = time.monotonic() + 60
        while True:
            said = f"{bridge.log()}\n{probe.log()}"
            assert [process.poll() for process in running] == [None, None], said
            answers = [bridge.asked("livenessProbe"), bridge.asked("readinessProbe"), probe.asked("livenessProbe")]
            if answers == [200, 200, 200] and questions(board) and probe.asked("readinessProbe") == 200:
                return
            assert time.monotonic() < until, f"{answers}\n{said}"
            time.sleep(0.5)


def questions(board: int) -> int:
    """How many the bridge has heard of."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{board}/api/zones", timeout=5) as response:
            return sum(zone["questions"] or 0 for zone in json.load(response))
    except OSError:
        return 0

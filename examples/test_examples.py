"""Every example does what its README says."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from kafka_bridge.kafka.declared import load_declared, wanted_topics
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from sigma.collection import SigmaCollection

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
    id_ = json.loads(done.stdout)["id"]
    assert f"dns-rules explain {id_[:6]} " in (place / "README.md").read_text()
    why = run(
        "dns_rules", "explain", id_[:6], "--events", "ds-mismatch.ndjson", "--inventory", "inventory.yaml", cwd=place
    )
    assert "bank.example A at 192.0.2.1: 198.51.100.1, bogus (DS mismatch)" in why.stdout, why.stderr


def test_a_change_of_the_rules_is_compared(tmp_path):
    place = HERE / "replay"
    (tmp_path / "pack.yaml").write_text('{name: ours, version: "1", over: packaged}')
    (tmp_path / "dnssec-validation-failing.yaml").write_text("id: dnssec-validation-failing\ndisabled: true\n")
    compared = run(
        "dns_rules", "diff", "ds-mismatch.ndjson", "--inventory", "inventory.yaml", "--rules", str(tmp_path), cwd=place
    )
    assert compared.returncode == 3, compared.stderr
    before, *after = compared.stdout.splitlines()
    assert "payments: DNSSEC validation failing on bank.example" in before
    assert any(line.startswith("+ ") and "DS of bank.example changed" in line for line in after)
    assert "1 incidents before" in compared.stderr


def test_own_rules_are_laid_over_the_pack():
    place = HERE / "own-rules"
    listed = run("dns_rules", "list", "--rules", "rules", "--json", cwd=place)
    rules = {rule["id"]: rule for rule in json.loads(listed.stdout)}
    assert rules["zone-outage"]["detect"]["window"] == {"critical": "60s", "high": "2m", "normal": "5m"}
    assert "regions-disagree" not in rules
    tested = run("dns_rules", "test", "checkout-empty", "--rules", "rules", cwd=place)
    assert tested.returncode == 0, tested.stdout


def test_an_inventory_is_filled_from_octodns_and_brought_up_to_date(tmp_path):
    place = HERE / "inventory"
    made = run(
        "dns_rules", "inventory", "import", "octodns", "zones", "--owner", "web", "--criticality", "critical", cwd=place
    )
    assert (made.returncode, made.stdout) == (0, (place / "inventory.yaml").read_text()), made.stderr
    assert "go.example.com: type ALIAS is not imported from octoDNS" in made.stderr
    assert run("dns_rules", "check", "--inventory", "inventory.yaml", cwd=place).returncode == 0
    assert run("dns_rules", "inventory", "diff", "before.yaml", "octodns", "zones", cwd=place).returncode == 3
    planned = run(
        "dns_rules", "inventory", "plan", "before.yaml", "octodns", "zones", "--id", "CHG-12",
        "--start", "2026-12-01T06:00:00", "--for", "2h", cwd=place,
    )  # fmt: skip
    assert (planned.returncode, planned.stdout) == (0, (place / "plan.yaml").read_text()), planned.stderr
    file = tmp_path / "before.yaml"
    shutil.copy(place / "before.yaml", file)
    brought = run(
        "dns_rules", "inventory", "import", "octodns", "zones", "--owner", "web", "--into", str(file), "--yes",
        cwd=place,
    )  # fmt: skip
    assert (brought.returncode, file.read_text()) == (0, (place / "after.yaml").read_text()), brought.stderr
    for form in ("zonefile", "octodns"):
        out = tmp_path / f"example.com.{form}"
        done = run("dns_rules", "inventory", "export", str(file), "--to", form, "--folder", str(out), cwd=place)
        assert done.returncode == 0, done.stderr
        said = run("dns_rules", "inventory", "diff", str(file), form, *done.stdout.split(), cwd=place)
        assert said.returncode == 0, said.stdout


def test_sigma_rules_are_read_and_written(tmp_path):
    place = HERE / "sigma"
    theirs = [str(path.relative_to(place)) for path in sorted((place / "theirs").glob("*.yml"))]
    for folder, command in (("imported", ["import", *theirs]), ("exported", ["export", "--rules", "ours"])):
        done = run("dns_rules", "sigma", *command, "--into", str(tmp_path / folder), cwd=place)
        assert done.returncode == 0, done.stderr
        kept = {path.name: path.read_text() for path in (place / folder).iterdir() if ".test." not in path.name}
        assert {path.name: path.read_text() for path in (tmp_path / folder).iterdir()} == kept
    assert "mail-policy-changed cannot be a Sigma rule: compares with the inventory" in done.stderr
    for path in (place / "exported").iterdir():
        assert SigmaCollection.from_yaml(path.read_text()).errors == []
    assert run("dns_rules", "test", "--rules", "imported", cwd=place).returncode == 0
    assert run("dns_rules", "check", "--rules", "ours", cwd=place).returncode == 0


OCSF = {4003: "dns_activity", 3004: "entity_management"}


@pytest.mark.parametrize(
    ("schema", "code", "said"), [("ecs", 0, ""), ("ocsf", 1, "events.ndjson:6: OCSF has no class for a registration")]
)
def test_events_for_a_siem_are_the_checked_in_ones(schema, code, said):
    place = HERE / "siem"
    made = run("dns_events", "convert", "--from", "events", "--to", schema, "events.ndjson", cwd=place)
    assert (made.returncode, made.stdout) == (code, (place / f"{schema}.ndjson").read_text()), made.stderr
    assert made.stderr.startswith(said)
    back = run("dns_events", "convert", "--from", schema, "--to", "events", f"{schema}.ndjson", cwd=place)
    events = (place / "events.ndjson").read_text().splitlines()
    assert back.stdout.splitlines() == [line for line in events if not (said and '"registration"' in line)]


def test_documents_for_ocsf_are_valid_by_its_own_schema():
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0"))
    for line in (HERE / "siem" / "ocsf.ndjson").read_text().splitlines():
        document = json.loads(line)
        found = schema.get_class_schema(OCSF[document["class_uid"]], document["metadata"]["profiles"])
        assert [error.message for error in Draft202012Validator(found).iter_errors(document)] == []


def test_what_is_ours_in_a_siem_is_mapped():
    """Only what has a type by itself is left to Elasticsearch."""
    template = json.loads((HERE / "siem" / "index-template.json").read_text())["template"]["mappings"]
    ours = template["properties"]["dnstower"]["properties"]
    assert {ours["extra"]["type"], ours["outcomes"]["type"]} == {"flattened"}
    keys = {key for line in (HERE / "siem" / "ecs.ndjson").read_text().splitlines() for key in json.loads(line)}
    assert {"dns", "event", "server", "dnstower"} <= keys & {*template["properties"]}


def test_receivers_are_those_of_the_teams():
    place = HERE / "receivers"
    assert run("kafka_bridge", "check", "bridge.yaml", cwd=place).returncode == 0
    assert run("dns_rules", "owners", "inventory.yaml", cwd=place).returncode == 0
    rendered = run("dns_rules", "render", "alertmanager", "inventory.yaml", cwd=place)
    assert rendered.stdout == (place / "alertmanager.yml").read_text(), rendered.stderr


def test_collector_configurations_are_fine_and_meet_at_their_ports():
    place = HERE / "collector"
    assert run("otel_dns_receiver", "check", "receiver.yaml", cwd=place).returncode == 0
    assert run("kafka_bridge", "check", "bridge.yaml", cwd=place).returncode == 0
    collector = yaml.safe_load((place / "collector.yaml").read_text())
    bridge = yaml.safe_load((place / "bridge.yaml").read_text())
    assert collector["exporters"]["otlp/bridge"]["endpoint"] == bridge["otlp"]["grpc"]
    for protocol in collector["receivers"]["otlp"]["protocols"].values():
        assert protocol["endpoint"].rpartition(":")[2] in (place / "README.md").read_text()
    for pipeline in collector["service"]["pipelines"].values():
        assert set(pipeline["exporters"]) <= set(collector["exporters"])


def test_the_stack_of_collector_kafka_and_timescale_fits_together():
    place = HERE / "collector-kafka-timescale"
    assert run("otel_dns_receiver", "check", "receiver.yaml", cwd=place).returncode == 0
    assert run("kafka_bridge", "check", "bridge.yaml", cwd=place).returncode == 0
    bridge, collector, compose, values = (
        yaml.safe_load((place / f"{name}.yaml").read_text()) for name in ("bridge", "collector", "compose", "values")
    )
    declared = load_declared(place / "topics.yaml")
    assert (declared.prefix, declared.group) == (bridge["kafka"]["prefix"], bridge["kafka"]["group"])
    names = {topic.name for topic in wanted_topics(declared)}
    assert collector["exporters"]["kafka"]["logs"]["topic"] in names
    assert values["config"] == collector  # one pipeline, twice
    brokers = {*bridge["kafka"]["brokers"], *collector["exporters"]["kafka"]["brokers"]}
    assert {broker.partition(":")[0] for broker in brokers} <= set(compose["services"])
    assert "forward" not in bridge["kafka"]["roles"]
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert ("image" in service) != ("build" in service)
    if (
        shutil.which("docker")
        and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    ):
        done = subprocess.run(
            ["docker", "compose", "config", "--quiet"], cwd=place, capture_output=True, text=True,
            env={**os.environ, "STORE_PASSWORD": "x"}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    if otelcol := shutil.which("otelcol"):
        done = subprocess.run(
            [otelcol, "validate", "--config", "collector.yaml"], cwd=place, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("program", "command", "file"),
    [("promtool", ("check", "config"), "prometheus.yml"), ("amtool", ("check-config",), "alertmanager.yml")],
)
def test_prometheus_and_alertmanager_take_their_configuration(program, command, file):
    place = HERE / "prometheus"
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([found, *command, file], cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " ".join((program, *command, file)) in (place / "README.md").read_text()


def test_alertmanager_holds_back_alerts_that_exist():
    place = HERE / "prometheus"
    groups = yaml.safe_load((HERE.parent / "alert-rules" / "prometheus" / "dnstower_alerts.yaml").read_text())["groups"]
    known = {alert["alert"] for group in groups for alert in group["rules"]}
    rules = yaml.safe_load((place / "alertmanager.yml").read_text())
    matchers = [m for rule in rules["inhibit_rules"] for m in rule["source_matchers"] + rule["target_matchers"]]
    matchers += [m for route in rules["route"]["routes"] for m in route["matchers"]]
    named = {part.strip(' "') for m in matchers if "alertname" in m for part in m.partition("=")[2].split("|")}
    patterns = {name.lstrip('~ "') for name in named}
    assert [p for p in patterns if not any(re.fullmatch(p, name) for name in known)] == []


GRAFANA = ("--prometheus", "prometheus", "--inventory", "inventory.yaml", "--heartbeat", "--runbooks",
           "https://wiki.example.com/dns/%s")  # fmt: skip


def test_what_is_rendered_for_grafana_is_what_lies_there(tmp_path):
    place = HERE / "grafana"
    done = run("dns_rules", "grafana", "render", str(tmp_path), *GRAFANA, cwd=place)
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        path.name: path.read_text() for path in (place / "alerting").iterdir()
    }
    told = (place / "README.md").read_text().replace("\\\n        ", "")
    command = " ".join((*GRAFANA[:-1], f"'{GRAFANA[-1]}'"))
    assert f"dns-rules grafana render alerting {command}" in told
    assert f"dns-rules grafana plan --url https://grafana.example.com --alerts {command}" in told
    named = set(re.findall(r"\$(DNSTOWER_\w+)", (place / "alerting" / "dnstower-contact-points.yaml").read_text()))
    assert named == set(re.findall(r"export (DNSTOWER_\w+)=", told))


def test_a_plan_for_grafana_says_what_lies_there(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE.parent / "packages" / "dns-rules" / "tests"))
    standin = importlib.import_module("grafana_standin")
    place, grafana = HERE / "grafana", standin.Grafana()
    listener = standin.served(grafana)
    monkeypatch.setenv("GRAFANA_TOKEN", standin.TOKEN)
    for name in ("DNSTOWER_SLACK_WEB_ONCALL", "DNSTOWER_PAGERDUTY_SECURITY", "DNSTOWER_WEBHOOK_HEARTBEAT"):
        monkeypatch.setenv(name, "https://example.com/s3cret")
    try:
        planned = run("dns_rules", "grafana", "plan", "--url", grafana.url, "--alerts", *GRAFANA, cwd=place)
        assert planned.returncode == 3, planned.stderr
        assert planned.stdout == (place / "plan.txt").read_text()
        for expected in (planned.stdout, ""):
            done = run("dns_rules", "grafana", "apply", "--url", grafana.url, "--alerts", *GRAFANA, "--yes", cwd=place)
            assert (done.returncode, done.stdout) == (0, expected), done.stderr
    finally:
        listener.shutdown()
        listener.server_close()


def free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [each.getsockname()[1] for each in sockets]


@pytest.mark.parametrize(("protocol", "port"), [("grpc", "14317"), ("http/protobuf", "14318")])
def test_a_real_collector_carries_events_and_metrics(tmp_path, protocol, port):
    otelcol = shutil.which("otelcol")
    if otelcol is None:
        pytest.skip("no OpenTelemetry Collector (otelcol) on the PATH")
    ports = dict(zip(("14317", "14318", "4317", "8053", "9464"), map(str, free_ports(5)), strict=True))
    place = tmp_path / "collector"
    shutil.copytree(HERE / "collector", place)
    for file in place.glob("*.yaml"):
        text = file.read_text().replace("interval: 30s", "interval: 4s")
        for old, new in ports.items():
            text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{new}")
        file.write_text(text)
    # A root and a resolver on loopback where nobody answers: a timeout is an observation too.
    (place / "root.hints").write_text(". 60 IN NS ns.\nns. 60 IN A 127.255.255.254\n")
    with (place / "receiver.yaml").open("a") as receiver:
        receiver.write("root_hints: root.hints\n")
    environment = {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ports[port]}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
        "XDG_STATE_HOME": str(tmp_path),
    }
    commands = (
        [otelcol, "--config", "collector.yaml"],
        [sys.executable, "-m", "kafka_bridge", "run", "--config", "bridge.yaml"],
        [sys.executable, "-m", "otel_dns_receiver", "run", "--config", "receiver.yaml"],
    )
    with ExitStack() as stack:
        running = []
        for number, command in enumerate(commands):
            log = stack.enter_context((tmp_path / f"{number}.log").open("wb"))
            process = stack.enter_context(
                subprocess.Popen(command, cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )
            stack.callback(process.terminate)
            running.append(process)

        def read(address: str) -> str:
            assert [process.poll() for process in running] == [None] * 3, logs(tmp_path)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{address}", timeout=5) as response:
                    return response.read().decode()
            except OSError:
                return ""  # not listening yet

        until = time.monotonic() + 90
        arrived = exposed = False
        while not (arrived and exposed):
            assert time.monotonic() < until, f"events {arrived}, metrics {exposed}\n{logs(tmp_path)}"
            zones = read(f"{ports['8053']}/api/zones")
            arrived = any(zone["questions"] for zone in json.loads(zones)) if zones else False
            exposed = 'dns_question_name="www.example.com"' in read(f"{ports['9464']}/metrics")
            time.sleep(0.5)


def logs(place: Path) -> str:
    return "\n".join(path.read_text()[-1500:] for path in sorted(place.glob("*.log")))


def test_every_folder_is_listed_and_tested():
    folders = {path.name for path in HERE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    listed = (HERE / "README.md").read_text()
    assert all(f"[{name}]" in listed for name in folders)
    assert folders == {
        "application",
        "collector",
        "collector-kafka-timescale",
        "flink",
        "grafana",
        "inventory",
        "kubernetes",
        "own-rules",
        "plugin-detector",
        "plugin-source",
        "prometheus",
        "quickstart",
        "receivers",
        "replay",
        "siem",
        "sigma",
        "systemd-probes",
    }


def installed(place: Path, tmp_path: Path) -> Path:
    """A folder for the path with the wheel of an example in it."""
    uv = HERE.parent / ".venv" / "bin" / "uv"
    build = [str(uv)] if uv.exists() else [sys.executable, "-m", "uv"]
    target = tmp_path / "site"
    arguments = ["pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", target, place]
    done = subprocess.run([*build, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def test_a_detector_of_ones_own_is_installed_and_judges(tmp_path, monkeypatch):
    place = HERE / "plugin-detector"
    missing = run("dns_rules", "check", "--rules", "rules", cwd=place)
    assert missing.returncode == 1
    assert "rules/fast-flux.yaml:7:13: no installed package has a detector 'fast_flux'" in missing.stderr
    monkeypatch.setenv("PYTHONPATH", str(installed(place, tmp_path)))
    tested = run("dns_rules", "test", "--rules", "rules", "--json", cwd=place)
    assert tested.returncode == 0, tested.stdout
    assert [case["fired"] for case in json.loads(tested.stdout)] == [["fast-flux"], []]


def test_a_source_of_ones_own_is_installed_and_runs(tmp_path):
    """The real entry-point machinery: a wheel in a folder of its own on the path, and the command that users run."""
    place = HERE / "plugin-source"
    target = installed(place, tmp_path)
    here = tmp_path / "here"
    shutil.copytree(place, here)
    # A root on loopback where nobody answers: the example's zone is not looked for on the Internet.
    (here / "root.hints").write_text(". 60 IN NS ns.\nns. 60 IN A 127.255.255.254\n")
    with (here / "receiver.yaml").open("a") as file:
        file.write("root_hints: root.hints\n")
    environment = {
        **os.environ, "PYTHONPATH": str(target), "OTEL_LOGS_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none",
        "XDG_STATE_HOME": str(tmp_path),
    }  # fmt: skip
    command = [sys.executable, "-m", "otel_dns_receiver", "run", "--config", "receiver.yaml", "--console"]
    with subprocess.Popen(
        command, cwd=here, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        changes = []
        for line in running.stdout:
            event = json.loads(line)
            changes += [event] if event["type"] == "zone_change" else []
            if len(changes) == 2:
                break
        running.terminate()
        running.communicate(timeout=20)
    assert [(e["actor"], len(e["added"]), len(e["removed"])) for e in changes] == [
        ("alice@example.com", 1, 0),
        ("bob@example.com", 0, 1),
    ]

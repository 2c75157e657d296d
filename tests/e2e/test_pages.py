"""A broken DS in the lab, and its page in a mailbox, in Slack, and in an Alertmanager that routes it on."""

from __future__ import annotations

import email
import email.policy
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from aiosmtpd.controller import Controller

from tests.e2e.tower import ROOT, Tower
from tests.lab.addresses import Network
from tests.lab.inventory import inventory
from tests.lab.zones import zones
from tests.prometheus import render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.lab

SAID = "DNSSEC validation failing on bank.lab in all regions, likely DS mismatch after recent change of DS"


class Mailbox:
    """Of a real SMTP server."""

    def __init__(self) -> None:
        self.got: list[tuple[float, email.message.EmailMessage]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.got.append((time.monotonic(), email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"

    def about(self, *words: str) -> list[tuple[float, str]]:
        """When mail came whose subject has these words, and its text."""
        found = []
        for time_, message in list(self.got):
            body = message.get_body(("plain", "html"))
            if body is not None and all(word in message["subject"].replace("\n", "") for word in words):
                found.append((time_, body.get_content()))
        return found


class Slack:
    """Incoming webhooks by their path, as Slack takes them."""

    def __init__(self) -> None:
        got = self.got = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                got.append((time.monotonic(), self.path, json.dumps(json.loads(body), ensure_ascii=False)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def about(self, path: str, *words: str) -> list[tuple[float, str]]:
        return [
            (time_, text) for time_, at, text in list(self.got) if at == path and all(word in text for word in words)
        ]


def program(*names: str) -> str:
    for name in names:
        if found := shutil.which(name):
            return found
    pytest.skip(f"not installed: apt-get install {names[0]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def routes(teams: Path, mailbox: int, slack: str) -> str:
    """What `dns-rules render alertmanager` prints, with receivers that have got where to send to."""
    done = subprocess.run(
        [sys.executable, "-m", "dns_rules", "render", "alertmanager", str(teams)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    tree = yaml.safe_load(done.stdout)
    tree["route"]["group_interval"] = "5s"
    tree["global"] = {
        "smtp_smarthost": f"127.0.0.1:{mailbox}",
        "smtp_from": "am@example.net",
        "smtp_require_tls": False,
    }
    for receiver in tree["receivers"]:
        kind, _, target = receiver["name"].partition(":")
        if kind == "email":
            receiver["email_configs"] = [{"to": target, "send_resolved": True}]
        if kind == "slack":
            receiver["slack_configs"] = [
                {"api_url": slack, "channel": f"#{target}", "send_resolved": True,
                 "title": "{{ .Status }}: {{ .CommonAnnotations.summary }}",
                 "text": "{{ .CommonAnnotations.check_first }} {{ .CommonLabels.owner }} "
                 "{{ .CommonAnnotations.runbook_url }}"}
            ]  # fmt: skip
    return yaml.safe_dump(tree)


@pytest.fixture
def monitoring(tmp_path: Path) -> Iterator[tuple[Mailbox, Slack, dict[str, str], str]]:
    """A mail server, Slack, a fresh Alertmanager and a fresh Prometheus that has the mixin's rules."""
    alertmanager = program("prometheus-alertmanager", "alertmanager")
    prometheus = program("prometheus")
    with ExitStack() as stack:
        mailbox, slack = Mailbox(), Slack()
        stack.callback(slack.server.server_close)
        stack.callback(slack.server.shutdown)
        mail = Controller(mailbox, hostname="127.0.0.1", port=free_port())
        mail.start()
        stack.callback(mail.stop)
        place = tmp_path / "monitoring"
        place.mkdir()
        (place / "teams.yaml").write_text(inventory(zones(Network(1))))
        (place / "alertmanager.yml").write_text(routes(place / "teams.yaml", mail.port, slack.url("/alertmanager")))
        alerts, own = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        for name, field in render.FILES.items():
            (place / name).write_text(render.dump(render.evaluate(field, "{}")))
        (place / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"evaluation_interval": "1s"},
                    "rule_files": list(render.FILES),
                    "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerts]}]}]},
                }
            )
        )
        for command in (
            [alertmanager, "--config.file=alertmanager.yml", "--storage.path=am", f"--web.listen-address={alerts}",
             "--cluster.listen-address="],
            [prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address={own}"],
        ):  # fmt: skip
            log = stack.enter_context((place / f"{len(command)}.log").open("wb"))
            process = subprocess.Popen(command, cwd=place, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(process.wait, 20)
            stack.callback(process.terminate)
        ports = {"127.0.0.1:9093": alerts, "port: 1025": f"port: {mail.port}"}
        yield mailbox, slack, ports, f"http://{alerts}"


def test_a_broken_ds_reaches_mailbox_slack_and_alertmanager(monitoring, tmp_path, monkeypatch, capsys):
    mailbox, slack, ports, alerts = monitoring
    notify = (ROOT / "examples" / "receivers" / "lab.yaml").read_text()
    for example, here in ports.items():
        assert example in notify
        notify = notify.replace(example, here)
    (tmp_path / "notify.yaml").write_text(notify)
    monkeypatch.setenv("SLACK_URL", slack.url("/bridge"))
    place = tmp_path / "state"
    tower = Tower(place, "--notify", str(tmp_path / "notify.yaml"))
    try:
        tower.wait("all zones healthy", tower.all_healthy, 120)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "tests.lab.drill", "ds-mismatch", "--dir", str(place), "--json"],
            cwd=ROOT, env=os.environ.copy(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        ways = {
            "mail": lambda said, *_: mailbox.about("dnstower", said),
            "Slack": lambda said, *_: slack.about("/bridge", said),
            "Alertmanager to mail": lambda said, state: mailbox.about(state, "bank.lab", "dnssec-validation-failing"),
            "Alertmanager to Slack": lambda said, state: slack.about("/alertmanager", state.lower(), said),
        }
        times = {}
        for name, way in ways.items():
            tower.wait(f"{name}: the page", lambda way=way: way(SAID, "FIRING"), 30)
            time_, text = way(SAID, "FIRING")[0]
            assert "payments" in text, f"{name} does not say whose it is: {text}"
            assert "dnssec-validation-failing" in text, f"{name} has no runbook: {text}"
            tower.wait(f"{name}: its resolution", lambda way=way: len(way("bank.lab", "RESOLVED")) > 0, 60)
            times[name] = (time_ - began, way("bank.lab", "RESOLVED")[-1][0] - began)
        with urllib.request.urlopen(f"{alerts}/api/v2/alerts", timeout=10) as response:
            firing = {alert["labels"]["alertname"] for alert in json.load(response)}
        assert "DnstowerHeartbeat" in firing
    finally:
        assert tower.stop() == 0
    with capsys.disabled():
        print(f"\nfault to incident {report['fault_to_page']} s, mend to resolved {report['mend_to_resolved']} s")
        for name, (first, last) in times.items():
            print(f"{name}: {first:.1f} s after the fault, resolution {last:.1f} s after it")

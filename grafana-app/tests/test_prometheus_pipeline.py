"""The pipeline dashboard for Prometheus, on a real one that scrapes a real bridge, and what a real job on Flink said.

`flink/*.prom` is what Flink 2.3's reporter for Prometheus gave of the job on a session cluster, a job manager and a
task manager of one slot, while it judged recordings of the museum; shortened to what is asked for here, and to an
operator that is not ours.
"""

from __future__ import annotations

import re
import threading
import time
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from dns_events import semconv
from kafka_bridge.bridge import Bridge
from kafka_bridge.config import Board, Config, Health, Notify, Otlp, Store
from kafka_bridge.postgres.server import Server
from promql import ALL, check_panel, expand, panels
from wire import INVENTORY_YAML, client, outage, request

from tests.prometheus.scraping import Prometheus, free_ports

BOARD = ALL["pipeline"]
SAID = {part: (Path(__file__).parent / "flink" / f"{part}.prom").read_text() for part in ("jobmanager", "taskmanager")}
#: When the job said that.
WATERMARK = 1795427990


class Reporter(BaseHTTPRequestHandler):
    """Flink's, of one process."""

    def __init__(self, said, *arguments):
        self.said = said
        super().__init__(*arguments)

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(self.said.encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    place = tmp_path_factory.mktemp("pipeline")
    (place / "inventory.yaml").write_text(INVENTORY_YAML)
    (port,) = free_ports(1)
    targets = {"bridge": [f"127.0.0.1:{port}"], "flink": []}
    with ExitStack() as stack:
        for said in SAID.values():
            reporter = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), partial(Reporter, said)))
            threading.Thread(target=reporter.serve_forever, daemon=True).start()
            stack.callback(reporter.shutdown)
            targets["flink"].append(f"127.0.0.1:{reporter.server_port}")
        server = stack.enter_context(Server(place / "pg"))
        config = Config(
            inventory=str(place / "inventory.yaml"), settle="0s", otlp=Otlp(grpc="127.0.0.1:0", http=None),
            board=Board(listen="127.0.0.1:0"), health=Health(listen=f"127.0.0.1:{port}"),
            notify=Notify(console=False), store=Store(url=server.conninfo),
        )  # fmt: skip
        bridge = stack.enter_context(Bridge(config))
        channel, export = client(bridge.ports.grpc)
        export(request(outage(1)), timeout=10)
        channel.close()
        # A folder of its own: it writes its configuration there.
        (place / "prometheus").mkdir()
        found = Prometheus(place / "prometheus", targets)
        stack.callback(found.stop)
        silence = semconv.BRIDGE_PROBE_SILENCE.replace(".", "_") + "_seconds"
        found.wait("no probe was heard", lambda: found.query(silence))
        found.wait("no rates", lambda: found.query(f"{silence} offset 15s"))
        yield found


@pytest.mark.parametrize("panel", panels(BOARD), ids=lambda panel: panel["title"])
def test_a_panel_gets_what_it_draws(scraped, panel):
    check_panel(scraped, panel)


def asked(scraped, title):
    (panel,) = [panel for panel in panels(BOARD) if panel["title"] == title]
    found = {}
    for target in panel["targets"]:
        for each in scraped.query(expand(target["expr"])):
            legend = target.get("legendFormat") or ""
            name = re.sub(r"\{\{(\w+)\}\}", lambda match, labels=each["metric"]: labels[match[1]], legend)
            found[name] = float(each["value"][1])
    return found


def test_figures_of_the_job_are_those_that_it_said(scraped):
    assert asked(scraped, "Job runs for") == {"": pytest.approx(87.068)}
    assert asked(scraped, "Messages to read") == {"": 0}
    assert asked(scraped, "Last checkpoint took") == {"": pytest.approx(0.027)}
    assert asked(scraped, "Messages not read") == {"": 4}
    behind = asked(scraped, "Job's delay")
    assert set(behind) == {"judge", "correlate"}
    assert behind["judge"] == pytest.approx(time.time() - WATERMARK, abs=5)
    assert asked(scraped, "Job behind") == {"": pytest.approx(behind["judge"], abs=5)}
    assert set(asked(scraped, "Job's records")) == {"judge", "correlate"}
    tasks = {"judge", "correlate", "normalized", "control"}
    assert set(asked(scraped, "Job's load")) == {f"{task} {how}" for task in tasks for how in ("busy", "held back")}
    assert asked(scraped, "Job's load")["judge busy"] == pytest.approx(0.038)


def test_figures_of_the_bridge(scraped):
    assert asked(scraped, "Partitions judged") == {"": 1}
    assert asked(scraped, "Parts in trouble") == {"": 0}
    assert asked(scraped, "Dead letters") == {"": 0}
    assert "judge/0" in asked(scraped, "Behind by part")


def test_alerts_of_the_job_find_it(scraped):
    """It runs, and its watermark is a recording's."""
    scraped.wait("its alert is not there", lambda: scraped.query('ALERTS{alertname="DnstowerFlinkBehind"}'))
    assert scraped.query('ALERTS{alertname="DnstowerFlinkNotRunning"}') == []


def test_bridges_are_offered(scraped):
    (variable,) = [one for one in BOARD["templating"]["list"] if one["type"] == "query"]
    metric, label = re.fullmatch(r"label_values\((\S+), (\w+)\)", variable["query"]).groups()
    assert {each["metric"][label] for each in scraped.query(metric)} == {"bridge"}

"""Every query of the Prometheus dashboards, on a real Prometheus that scrapes real receivers of a lab in trouble."""

from __future__ import annotations

import re
import time

import pytest
from dashboards.prometheus.promql import NAMES
from dns_events import semconv
from dns_rules.provision import rules_prometheus
from promql import ALL, check_panel, expand, panels

from tests.prometheus import render
from tests.prometheus.scraping import Scraped

#: What is asked of receivers; for the others see `test_prometheus_pipeline.py`.
BOARDS = {name: board for name, board in ALL.items() if name != "pipeline"}
#: A test's minutes are seconds.
CONFIG = "{window: '8s', lag: '5s', 'for': {DnsZoneDown: '2s', DnssecBogus: '2s', DnsRegionsDisagree: '20s'}}"
MOVED, FAILING, BOGUS = "news.lab", "four.lab", "shop.lab"
#: The lab's registration server and a time server are not asked.
UNASKED = ("dnstower_dns_registration_expiry_seconds", "dnstower_dns_probe_clock_skew_seconds")


#: The packaged alerts, whose window is longer than this test: what is whole by then.
RULES = rules_prometheus.rules("metrics", "https://wiki.example.com/%s", None)
FIRES = {"DnssecBogus": {BOGUS}, "DnsRegionsDisagree": {MOVED}, "DnsErrorsElevated": {FAILING}}


EACH_PANEL = [
    pytest.param(name, panel, id=f"{name}: {panel['title']}") for name in BOARDS for panel in panels(BOARDS[name])
]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    found = Scraped(tmp_path_factory.mktemp("lab"), ("healthy.lab", MOVED, BOGUS, FAILING), config=CONFIG, regions=3)
    try:
        rate = f'zone_role_server_region:dnstower_dns_observations:rate{{dnstower_zone="{FAILING}"}}'
        found.wait("nothing is seen", lambda: found.query(rate))
        for scenario in ("region-stale", "expired-signatures", "server-down"):
            found.lab.break_(scenario)
        found.wait("no zone is bogus", lambda: "DnssecBogus" in found.firing())
        change = f'changes(dnstower_dns_answer_set{{dnstower_zone="{MOVED}"}}[2m]) > 0'
        found.wait("nobody sees the move", lambda: found.query(change))
        # A subquery looks at whole minutes.
        minute = time.time() // 60
        found.wait("no minute is over", lambda: time.time() // 60 > minute + 1, seconds=150)
        yield found
    finally:
        found.stop()


@pytest.mark.lab
@pytest.mark.parametrize(("name", "panel"), EACH_PANEL)
def test_a_panel_gets_what_it_draws(scraped, name, panel):
    check_panel(scraped, panel, unasked=UNASKED)


@pytest.mark.lab
@pytest.mark.parametrize(("name", "panel"), [each for each in EACH_PANEL if each.values[1]["type"] == "table"])
def test_a_table_is_one_whose_columns_are_named(scraped, name, panel):
    labels = [
        {frozenset(label for label in each["metric"] if label != "__name__") for each in scraped.query(expr)}
        for expr in (expand(target["expr"]) for target in panel["targets"])
    ]
    merged = set().union(*labels)
    assert len(merged) == 1 or panel["title"] == "Alerts open", f"not one row each: {merged}"
    organize = panel["transformations"][1]["options"]["renameByName"]
    shown = {organize.get(label, label) for label in set().union(*merged)}
    shown |= {column for field, column in organize.items() if field.startswith("Value")}
    assert not {column for column in shown if column.startswith(("dnstower_", "dns_"))}
    for matcher in (rule["matcher"] for rule in panel["fieldConfig"].get("overrides", [])):
        assert matcher["id"] != "byName" or matcher["options"] in shown
    assert panel["transformations"][2]["options"]["sort"][0]["field"] in shown


@pytest.mark.lab
def test_figures_are_those_of_what_is_broken(scraped):
    def rows(name, title, ref="A", **some):
        (panel,) = [panel for panel in panels(BOARDS[name]) if panel["title"] == title]
        (expr,) = [target["expr"] for target in panel["targets"] if target["refId"] == ref]
        return scraped.query(expand(expr, **some))

    # The region that keeps the old address, of all regions that were asked.
    agreement = {
        each["metric"]["dnstower_probe_region"]: float(each["value"][1])
        for each in rows("operator", "Propagation by region", "C", zone=MOVED)
        if (each["metric"]["dns_question_name"], each["metric"]["dnstower_question_type"]) == (MOVED, "A")
    }
    assert len(agreement) == 3
    assert min(agreement, key=agreement.get) == "ap-south"
    assert agreement["ap-south"] < 1
    assert float(rows("operator", "Vantages that differ", zone=MOVED)[0]["value"][1]) >= 1
    assert float(rows("operator", "Vantages that differ", zone="healthy.lab")[0]["value"][1]) == 0
    bogus = {each["metric"]["dnstower_zone"]: float(each["value"][1]) for each in rows("operator", "Validation")}
    assert bogus[BOGUS] > 0.5
    assert bogus["healthy.lab"] == 0
    failing = {
        (each["metric"]["dnstower_zone"], each["metric"]["dnstower_server_role"])
        for each in rows("operator", "Failing servers")
    }
    # A resolver that comes to the dead server first may answer too late.
    assert failing - {(FAILING, "recursive")} == {(FAILING, "authoritative"), (BOGUS, "recursive")}
    changed = {each["metric"]["dns_question_name"] for each in rows("operator", "Convergence")}
    assert MOVED in changed
    probes = {each["metric"]["dnstower_probe_region"] for each in rows("operator", "Probes")}
    assert probes == set(scraped.regions)
    health = {each["metric"]["dnstower_zone"]: float(each["value"][1]) for each in rows("operator", "Health")}
    assert health[BOGUS] == 2
    assert health["healthy.lab"] == 0


@pytest.mark.lab
@pytest.mark.parametrize("name", BOARDS)
def test_variables_offer_values(scraped, name):
    for one in BOARDS[name]["templating"]["list"]:
        if one["type"] == "query":
            metric, label = re.fullmatch(r"label_values\((\S+), (\w+)\)", one["query"]).groups()
            assert any(label in each["metric"] for each in scraped.query(metric)), one["name"]


@pytest.mark.lab
@pytest.mark.parametrize("name", BOARDS)
def test_annotations_have_what_they_tell(scraped, name):
    for one in BOARDS[name]["annotations"]["list"]:
        found = scraped.query(expand(one["target"]["expr"]))
        assert found, one["name"]
        told = re.findall(r"\{\{(\w+)\}\}", one["titleFormat"] + one["textFormat"])
        assert all(any(label in each["metric"] for each in found) for label in told if label != "server_address")


@pytest.mark.lab
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.title)
def test_what_grafana_alerts_on_is_asked_and_fires_for_what_is_broken(scraped, rule):
    asked = rule.data[0]["model"]
    assert (asked["instant"], asked["refId"], rule.condition) == (True, "A", "C")
    found = {each["metric"].get("dnstower_zone") for each in scraped.query(asked["expr"])}
    assert found >= FIRES.get(rule.title, set())
    if rule.title in ("DnsZoneDown", "DnsProbeBlind", "DnsMonitoringDown", "DnsProbeAbsent", "DnsSerialLag"):
        assert found == set()


def test_every_name_is_one_that_the_suite_gives():
    known = {value.replace(".", "_") for value in vars(semconv).values() if isinstance(value, str)}
    records = {rule["record"] for group in render.evaluate("prometheusRules")["groups"] for rule in group["rules"]}
    text = " ".join(target["expr"] for board in ALL.values() for panel in panels(board) for target in panel["targets"])
    assert set(re.findall(r"\w+:\w+:\w+", text)) <= records
    names = set(re.findall(r"(?<![:\w])(?:dnstower|dns|server)_\w+", text))
    assert {re.sub(r"(_seconds)?(_total|_bucket)?$", "", name) for name in names} - known == set()
    assert set(NAMES) - {"alertname", "alertstate"} <= known

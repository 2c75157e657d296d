"""Alerts for Prometheus: made from the mixin, taken by promtool; each has a case that fires and one that does not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import _jsonnet
import pytest
from dns_events import semconv

from . import render
from .render import MIXIN

if TYPE_CHECKING:
    from pathlib import Path

RULES = tuple(render.FILES)
ALERTS = [alert for group in render.evaluate("prometheusAlerts")["groups"] for alert in group["rules"]]
CASES = json.loads(_jsonnet.evaluate_file(str(MIXIN / "tests.libsonnet")))
#: By when every alert has had its time.
WHEN = "290m"


def promtool(*arguments: str, cwd: Path = MIXIN) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", [*RULES, "README.md"])
def test_what_is_made_from_the_mixin_is_up_to_date(name):
    assert (MIXIN / name).read_text() == render.rendered()[name], "run python -m tests.prometheus.render"


def test_promtool_takes_the_rules():
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", *RULES)


def test_every_alert_has_a_case_that_fires_and_one_that_does_not():
    assert {name: set(cases) for name, cases in CASES.items()} == {
        alert["alert"]: {"fires", "quiet"} for alert in ALERTS
    }
    # What always fires has no case that does not.
    assert [name for name, cases in CASES.items() if cases["quiet"] is None] == ["DnstowerHeartbeat"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alert(tmp_path, alert):
    name = alert["alert"]
    for rules in RULES:
        shutil.copy(MIXIN / rules, tmp_path)
    tests = [
        {
            "interval": "1m",
            "input_series": series,
            "promql_expr_test": [
                {
                    "expr": f'max by (alertname) (ALERTS{{alertname="{name}", alertstate="firing"}})',
                    "eval_time": WHEN,
                    "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1}] if case == "fires" else [],
                }
            ],
        }
        for case, series in CASES[name].items()
        if series is not None
    ]
    (tmp_path / "tests.json").write_text(json.dumps({"rule_files": RULES, "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", "tests.json", cwd=tmp_path)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_alert_says_what_it_must(alert):
    assert re.fullmatch(r"(Dns|Dnssec|Dnstower)([A-Z][a-z]+)+", alert["alert"])
    assert set(alert) == {"alert", "expr", "for", "labels", "annotations"}
    assert alert["labels"]["severity"] in {"critical", "warning", "none"}
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    text = render.runbook(alert["annotations"]["runbook_url"].rpartition("/")[2]).read_text()
    for heading in ("## First checks", "## Stop conditions", "## Escalation", "## Evidence to keep"):
        assert heading in text


def test_every_name_is_one_that_the_suite_gives():
    """Prometheus's form of a name: dots are underscores, then the unit and, of sums, `total`."""
    known = {value.replace(".", "_") for value in vars(semconv).values() if isinstance(value, str)}
    groups = render.evaluate("prometheusAlerts")["groups"] + render.evaluate("prometheusRules")["groups"]
    text = " ".join(rule["expr"] for group in groups for rule in group["rules"])
    names = set(re.findall(r"(?<![:\w])(?:dnstower|dns|server)_\w+", text))
    assert {re.sub(r"(_seconds)?(_total|_bucket)?$", "", name) for name in names} - known == set()
    assert len(names) > 20


def test_a_configuration_of_ones_own(tmp_path):
    config = (
        "{receiverSelector: 'job=\"dns\"', oneSuffix: '_ratio', disabled: ['DnsSerialLag'], labels: {team: 'dns'}, "
        "differByName: 'cdn[.].*', 'for': {DnsZoneDown: '30s'}}"
    )
    for name, field in render.FILES.items():
        (tmp_path / name).write_text(render.dump(render.evaluate(field, config)))
    promtool("check", "rules", *RULES, cwd=tmp_path)
    groups = render.evaluate("prometheusAlerts", config)["groups"]
    alerts = {alert["alert"]: alert for group in groups for alert in group["rules"]}
    assert set(alerts) == {alert["alert"] for alert in ALERTS} - {"DnsSerialLag"}
    assert alerts["DnsZoneDown"]["for"] == "30s"
    assert {alert["labels"]["team"] for alert in alerts.values()} == {"dns"}
    assert alerts["DnsProbeBlind"]["expr"] == 'dnstower_dns_probe_blind_ratio{job="dns"} == 1'
    assert 'dns_question_name!~"cdn[.].*"' in alerts["DnsRegionsDisagree"]["expr"]
    assert alerts["DnstowerTrouble"]["expr"] == "dnstower_bridge_trouble_ratio == 1"


def test_no_runbook_without_an_alert():
    named = {alert["annotations"]["runbook_url"].rpartition("/")[2] for alert in ALERTS}
    ours = {path.name for path in (MIXIN / "runbooks").iterdir()}
    assert ours <= named
    assert not ours & {path.name for path in (MIXIN.parent / "runbooks").iterdir()}


def test_the_readme_shows_a_configuration_that_works(tmp_path):
    shown = (MIXIN / "README.md").read_text().partition("    // ours.jsonnet")[2].partition("\n\n")[0]
    lines = [line.removeprefix("    ") for line in shown.splitlines()[1:]]
    text = json.loads(_jsonnet.evaluate_snippet(str(MIXIN.parent / "ours.jsonnet"), "\n".join(lines)))
    (tmp_path / "alerts.yaml").write_text(text)
    assert f"{len(ALERTS) - 1} rules found" in promtool("check", "rules", "alerts.yaml", cwd=tmp_path)

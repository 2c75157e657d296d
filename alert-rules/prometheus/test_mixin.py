"""Alerts for Prometheus: made from the mixin, taken by promtool; each has a case that fires and one that does not."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import _jsonnet
import pytest
from dns_events import semconv

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("render", HERE / "render.py")
assert _spec is not None
assert _spec.loader is not None
render = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(render)

RULES = tuple(name for name in render.FILES)
ALERTS = [alert for group in render.evaluate("prometheusAlerts")["groups"] for alert in group["rules"]]
CASES = json.loads(_jsonnet.evaluate_file(str(HERE / "tests.libsonnet")))
#: By when every alert has had its time.
WHEN = "290m"


def promtool(*arguments: str, cwd: Path = HERE) -> str:
    if shutil.which("promtool") is None:
        pytest.skip("not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", [*RULES, "README.md"])
def test_what_is_made_from_the_mixin_is_up_to_date(name):
    assert (HERE / name).read_text() == render.rendered()[name], "run alert-rules/prometheus/render.py"


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
        shutil.copy(HERE / rules, tmp_path)
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
    runbook = alert["annotations"]["runbook_url"].rpartition("/")[2]
    text = (HERE.parent / "runbooks" / runbook).read_text()
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

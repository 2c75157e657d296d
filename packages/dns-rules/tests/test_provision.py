"""Dashboards into a Grafana: a stand-in made from its published API, and a real one where GRAFANA_URL is set."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from grafana_standin import TOKEN, Grafana


def run(grafana, *arguments, token=TOKEN, **environment):
    return subprocess.run(
        [sys.executable, "-m", "dns_rules", "grafana", arguments[0], "--url", grafana.url, *arguments[1:]],
        env={**os.environ, "GRAFANA_TOKEN": token, **environment}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip


def test_a_plan_first_then_all_of_it_and_then_nothing(server):
    planned = run(server, "plan", "--security-team", "5", "--json")
    assert planned.returncode == 3, planned.stderr
    steps = [json.loads(line) for line in planned.stdout.splitlines()]
    assert [(s["do"], s["kind"]) for s in steps[:3]] == [
        ("create", "folder"), ("update", "permissions"), ("create", "dashboard"),
    ]  # fmt: skip
    assert server.changes == []
    done = run(server, "apply", "--security-team", "5", "--yes")
    assert done.returncode == 0, done.stderr
    assert set(server.dashboards) == {
        "dnstower-executive", "dnstower-operator", "dnstower-forensic", "dnstower-pipeline",
    }  # fmt: skip
    seen = {
        uid: [(next(iter(i.items()))) for i in items if "userId" not in i] for uid, items in server.permissions.items()
    }
    assert seen == {
        "dnstower-for-everyone": [("role", "Viewer"), ("role", "Editor")],
        "dnstower-for-operators": [("role", "Editor")],
        "dnstower-for-security": [("teamId", 5)],
    }
    server.changes.clear()
    again = run(server, "apply", "--security-team", "5", "--yes")
    assert (again.returncode, again.stdout, server.changes) == (0, "", [])


def test_what_differs_is_told_and_mended(server):
    assert run(server, "apply", "--yes").returncode == 0
    old = server.dashboards["dnstower-operator"]["dashboard"]
    old["tags"] = ["dnstower-managed", "dnstower-managed-000000000000"]
    old["panels"] = [{"title": "Of last year"}]
    server.permissions["dnstower-for-security"].append({"role": "Viewer", "permission": 1})
    planned = run(server, "plan")
    assert planned.returncode == 3
    (first, second) = planned.stdout.splitlines()
    assert first.startswith("~ dashboard dnstower-operator (")
    assert "without Of last year" in first
    assert second == "~ permissions dnstower-for-security (DNS: forensic): administrators alone"
    assert run(server, "apply", "--yes").returncode == 0
    assert run(server, "plan").returncode == 0


def test_what_others_made_is_never_touched(server):
    server.folders["dnstower-for-operators"] = {"uid": "dnstower-for-operators", "title": "Somebody's"}
    server.permissions["dnstower-for-operators"] = []
    mine = {"uid": "dnstower-executive", "title": "Mine", "tags": ["dns"]}
    server.dashboards["dnstower-executive"] = {"dashboard": mine, "meta": {"folderUid": ""}}
    done = run(server, "apply", "--yes")
    assert done.returncode == 1
    assert "! folder dnstower-for-operators (DNS: operations): there is another folder of this uid" in done.stdout
    assert "! dashboard dnstower-executive" in done.stdout
    assert server.dashboards["dnstower-executive"]["dashboard"] == mine
    assert "dnstower-operator" not in server.dashboards
    gone = run(server, "destroy", "--yes")
    assert gone.returncode == 1
    assert set(server.dashboards) == {"dnstower-executive"}
    assert set(server.folders) == {"dnstower-for-operators"}


def test_destroy_leaves_a_folder_in_which_others_keep_things(server):
    assert run(server, "apply", "--yes").returncode == 0
    theirs = {"uid": "theirs", "title": "Theirs", "tags": []}
    server.dashboards["theirs"] = {"dashboard": theirs, "meta": {"folderUid": "dnstower-for-everyone"}}
    gone = run(server, "destroy", "--yes")
    assert "others keep things in it: Theirs" in gone.stdout
    assert (set(server.dashboards), set(server.folders)) == ({"theirs"}, {"dnstower-for-everyone"})


def test_nobody_is_asked_where_nobody_is(server):
    done = run(server, "apply")
    assert (done.returncode, server.changes) == (1, [])
    assert "nobody can be asked; write --yes" in done.stderr


def test_a_wrong_token_is_told_and_not_shown(server):
    done = run(server, "plan", token="glsa_an0ther")
    assert done.returncode == 1
    assert "answered 401; the service account lacks the right" in done.stderr
    assert "an0ther" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("ftp://grafana", "--url: not https://HOST[/PATH] without a login"),
        ("https://admin:admin@grafana", "--url: not https://HOST[/PATH] without a login"),
        ("http://127.0.0.1:1", "http://127.0.0.1 does not answer"),
    ],
)
def test_what_cannot_be_asked(url, text):
    grafana = Grafana()
    grafana.url = url
    done = run(grafana, "plan")
    assert done.returncode == 1
    assert text in done.stderr


@pytest.mark.skipif("GRAFANA_URL" not in os.environ, reason="no Grafana: set GRAFANA_URL and GRAFANA_TOKEN")
def test_a_real_grafana():
    grafana = Grafana()
    grafana.url = os.environ["GRAFANA_URL"]
    token = os.environ["GRAFANA_TOKEN"]
    try:
        assert run(grafana, "apply", "--yes", token=token).returncode == 0
        assert run(grafana, "plan", token=token).returncode == 0
    finally:
        assert run(grafana, "destroy", "--yes", token=token).returncode == 0

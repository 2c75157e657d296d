"""Alert rules, contact points, policies and mute timings: what they are, as files, and into a Grafana's stand-in."""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dns_rules.inventory import Change, Hours, load_inventory
from dns_rules.packs import load_rules
from dns_rules.provision import routing, rules_prometheus, rules_store, timings
from dns_rules.provision.files import files
from grafana_standin import TOKEN, Grafana

GOOD = Path(__file__).parent / "inventories" / "good.yaml"
SECRETS = {"DNSTOWER_SLACK_WEB_ONCALL": "https://hooks.slack.example/T0/s3cret"}
OVER = ("--store", "store", "--prometheus", "metrics", "--inventory", str(GOOD))
WANTED = (*OVER, "--alerts")
RUNBOOKS = "https://wiki.example.com/%s"
STORE = rules_store.rules(load_rules(), "store", RUNBOOKS, "tower")
METRICS = rules_prometheus.rules("metrics", RUNBOOKS, load_inventory(GOOD), heartbeat=True)


def run(server, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "dns_rules", "grafana", arguments[0], "--url", server.url, *arguments[1:]],
        env=os.environ | {"GRAFANA_TOKEN": TOKEN} | SECRETS | environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def render(place, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "dns_rules", "grafana", "render", str(place), *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("rule", [*STORE, *METRICS], ids=lambda rule: rule.uid)
def test_a_rule_says_what_it_must(rule):
    assert re.fullmatch(r"[A-Za-z0-9-]{1,40}", rule.uid)
    assert rule.labels["managed_by"] == "dnstower"
    assert set(rule.annotations) >= {"summary", "description", "runbook_url", "dashboard_url"}
    assert all(rule.annotations.values())
    assert rule.annotations["runbook_url"].startswith("https://wiki.example.com/")
    assert rule.annotations["dashboard_url"].startswith(f"{{{{ externalURL }}}}d/{rule.dashboard}")
    assert "$value " not in json.dumps(rule.annotations)
    asked = rule.data[0]["model"].get("rawSql", "")
    assert "severity" in rule.labels or "severity" in asked
    assert "owner" in rule.labels or "owner" in asked
    # A file has these filled in from Grafana's environment.
    assert "$" not in rule.title + rule.group + json.dumps(rule.labels)


def test_every_rule_of_the_pack_and_every_alert_of_the_mixin_is_there():
    assert len({rule.uid for rule in (*STORE, *METRICS)}) == len(STORE) + len(METRICS)
    assert {f"dnstower-s-{rule.id}" for rule in load_rules().rules} <= {rule.uid for rule in STORE}
    groups = yaml.safe_load(rules_prometheus.PACKAGED.read_text())["groups"]
    assert [rule.title for rule in METRICS] == [alert["alert"] for group in groups for alert in group["rules"]]
    without = rules_prometheus.rules("metrics", RUNBOOKS, None)
    assert "DnstowerHeartbeat" not in {rule.title for rule in without}
    assert len({rule.title for rule in (*STORE, *METRICS)}) == len(STORE) + len(METRICS), "titles share a folder"


def test_owners_of_zones_are_told_by_a_template():
    (down,) = [rule for rule in METRICS if rule.title == "DnsZoneDown"]
    zone = 'index .Labels "dnstower_zone"'
    assert down.labels["owner"] == (
        f'{{{{ if eq ({zone}) "example.com" }}}}web{{{{ else if eq ({zone}) "example.org" }}}}tower'
        "{{ else }}tower{{ end }}"
    )
    assert down.labels["zone"] == f"{{{{ {zone} }}}}"
    (blind,) = [rule for rule in METRICS if rule.title == "DnsProbeBlind"]
    assert blind.labels["owner"] == "tower"


HOURS = {
    "office": (Hours(timezone="Europe/Berlin"), [
        (["monday", "tuesday", "wednesday", "thursday", "friday"], [("00:00", "09:00"), ("17:00", "24:00")]),
        (["saturday", "sunday"], [("00:00", "24:00")]),
    ]),
    "over midnight": (Hours(from_="22:00", to="06:00", days=("fri",)), [
        (["monday", "tuesday", "wednesday", "thursday", "sunday"], [("00:00", "24:00")]),
        (["friday"], [("00:00", "22:00")]),
        (["saturday"], [("06:00", "24:00")]),
    ]),
    "from midnight": (Hours(from_="00:00", to="12:00", days=("mon", "tue", "wed", "thu", "fri", "sat", "sun")), [
        (["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], [("12:00", "24:00")]),
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("hours", "off"), HOURS.values(), ids=HOURS)
def test_hours_and_what_is_outside_of_them(hours, off):
    found = timings.hours(hours, off=True)
    shown = [(each["weekdays"], [(t["start_time"], t["end_time"]) for t in each["times"]]) for each in found]
    assert shown == off
    assert {each["location"] for each in found} == {hours.timezone}
    # Each minute of a week is in one of both and not in the other.
    covered = [_minutes(timings.hours(hours, off=which)) for which in (True, False)]
    assert covered[0] | covered[1] == set(range(7 * 1440))
    assert not covered[0] & covered[1]


def _minutes(intervals):
    names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

    def minute(text):
        return int(text[:2]) * 60 + int(text[3:])

    return {
        names.index(day) * 1440 + at
        for each in intervals
        for day in each["weekdays"]
        for time in each["times"]
        for at in range(minute(time["start_time"]), minute(time["end_time"]))
    }


def once(start, end):
    times = [dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC) for text in (start, end)]
    return Change(id="c", start=times[0], end=times[1], allow=("records",))


def recurring(schedule, duration):
    return Change(id="c", schedule=schedule, duration=duration, allow=("records",))


WINDOWS = {
    "an hour": (once("2026-11-23T10:00", "2026-11-23T11:00"), [("23", "10:00", "11:00")]),
    "over midnight": (
        once("2026-11-30T23:30:30", "2026-12-01T00:10:30"), [("30", "23:30", "24:00"), ("1", "00:00", "00:11")],
    ),
    "weekly": (recurring("FREQ=WEEKLY;BYDAY=TU,TH;BYHOUR=9;BYMINUTE=30", "90m"),
               [(["tuesday", "thursday"], "09:30", "11:00")]),
    "weekly over midnight": (recurring("FREQ=WEEKLY;BYDAY=SU;BYHOUR=23", "2h"),
                             [(["monday"], "00:00", "01:00"), (["sunday"], "23:00", "24:00")]),
    "every other week": (recurring("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "1h"), None),
    "the first Monday of a month": (recurring("FREQ=MONTHLY;BYDAY=1MO", "1h"), None),
    "a season": (once("2026-01-01T00:00", "2026-06-01T00:00"), None),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), WINDOWS.values(), ids=WINDOWS)
def test_a_change_window_is_a_mute_timing_or_is_left_out(change, expected):
    found = timings.window(change)
    if expected is None:
        assert found is None
        return
    assert [
        (each.get("weekdays") or each["days_of_month"][0], time["start_time"], time["end_time"])
        for each in found
        for time in each["times"]
    ] == expected


def routed(inventory, tmp_path, **labels):
    """Who is called: receiver, how long is waited, and when it is muted; as Alertmanager goes through the tree."""
    file = tmp_path / "inventory.yaml"
    file.write_text(inventory)
    found = []

    def walk(route, inherited):
        receiver = route.get("receiver", inherited)
        for name, how, value in route.get("object_matchers") or ():
            has = labels.get(name, "")
            if not (has == value if how == "=" else re.fullmatch(value, has)):
                return False
        inside = False
        for each in route.get("routes") or ():
            if walk(each, receiver):
                inside = True
                if not each.get("continue"):
                    break
        if not inside:
            found.append((receiver, route.get("group_wait"), tuple(route.get("mute_time_intervals") or ())))
        return True

    branch = routing.routing(load_inventory(file)).branch
    walk(branch, "theirs")
    return found


TEAMS = """
version: 1
observers: tower
teams:
  web:
    name: Web
    notify: [slack:web-oncall]
    hours: {timezone: Europe/Berlin}
    after_hours: night
    escalate: [{after: 15m, to: security, severity: critical}]
  night: {name: Night, notify: [pagerduty:night]}
  security: {name: Security, notify: [email:security@example.com]}
  tower: {name: Tower, notify: [tower-hook]}
  silent: {name: Silent}
zones:
  - zone: example.com
    owner: web
    changes: [{id: weekly, schedule: "FREQ=WEEKLY;BYDAY=TU;BYHOUR=9", duration: 2h, allow: [records]}]
  - {zone: example.net, owner: silent}
"""
OURS = {"managed_by": "dnstower"}
CALLS = {
    "critical: both teams of the clock, and who is called later": (
        {"owner": "web", "severity": "critical"},
        [("dnstower-web", "0s", ("dnstower-web-off-hours",)), ("dnstower-night", "0s", ("dnstower-web-hours",)),
         ("dnstower-security", "15m", ())],
    ),
    "a warning waits for the team's hours": (
        {"owner": "web", "severity": "warning"}, [("dnstower-web", "30s", ("dnstower-web-off-hours",))],
    ),
    "in a change window what changes bring about is muted": (
        {"owner": "web", "severity": "warning", "alertname": "DnsRegionsDisagree", "zone": "example.com"},
        [("dnstower-web", "30s", ("dnstower-example.com-weekly", "dnstower-web-off-hours"))],
    ),
    "and nothing else of the zone": (
        {"owner": "web", "severity": "critical", "alertname": "DnsZoneDown", "zone": "example.com"},
        [("dnstower-web", "0s", ("dnstower-web-off-hours",)), ("dnstower-night", "0s", ("dnstower-web-hours",)),
         ("dnstower-security", "15m", ())],
    ),
    "of a team that nobody can call the observers hear": (
        {"owner": "silent", "severity": "critical"}, [("dnstower-tower", None, ())],
    ),
    "so of nobody's": ({"severity": "critical"}, [("dnstower-tower", None, ())]),
}  # fmt: skip


@pytest.mark.parametrize(("labels", "calls"), CALLS.values(), ids=CALLS)
def test_whom_an_alert_calls(tmp_path, labels, calls):
    assert routed(TEAMS, tmp_path, **OURS, **labels) == calls


def test_other_alerts_are_not_ours(tmp_path):
    assert routed(TEAMS, tmp_path, owner="web", severity="critical") == []


def test_a_name_that_grafana_does_not_know_is_a_webhook(tmp_path):
    file = tmp_path / "inventory.yaml"
    file.write_text(TEAMS)
    points = {point.name: point.integrations for point in routing.routing(load_inventory(file), heartbeat=True).points}
    assert [(each.type, each.secrets) for each in points["dnstower-tower"]] == [
        ("webhook", {"url": "DNSTOWER_TOWER_HOOK"})
    ]
    assert [each.secrets for each in points["dnstower-heartbeat"]] == [{"url": "DNSTOWER_WEBHOOK_HEARTBEAT"}]


def test_files_have_the_form_that_grafana_reads(tmp_path):
    done = render(tmp_path, *OVER)
    assert done.returncode == 0, done.stderr
    assert sorted(Path(line).name for line in done.stdout.split()) == sorted(path.name for path in tmp_path.iterdir())
    read = {path.stem.removeprefix("dnstower-"): yaml.safe_load(path.read_text()) for path in tmp_path.iterdir()}
    assert {name: set(tree) - {"apiVersion"} for name, tree in read.items()} == {
        "rules": {"groups"}, "contact-points": {"contactPoints"}, "policies": {"policies"},
        "mute-timings": {"muteTimes"},
    }  # fmt: skip
    assert {tree["apiVersion"] for tree in read.values()} == {1}
    for group in read["rules"]["groups"]:
        assert set(group) == {"orgId", "name", "folder", "interval", "rules"}
        for rule in group["rules"]:
            assert set(rule) == {
                "uid", "title", "condition", "data", "dashboardUid", "panelId", "noDataState", "execErrState", "for",
                "annotations", "labels",
            }  # fmt: skip
            assert rule["condition"] == rule["data"][-1]["refId"]
    for point in read["contact-points"]["contactPoints"]:
        assert set(point) == {"orgId", "name", "receivers"}
        assert all(set(each) == {"uid", "type", "settings"} and each["settings"] for each in point["receivers"])
    text = "".join(path.read_text() for path in tmp_path.iterdir())
    assert "url: $DNSTOWER_SLACK_WEB_ONCALL" in text
    named = {point["name"] for point in read["contact-points"]["contactPoints"]} | {"grafana-default-email"}
    muted = {timing["name"] for timing in read["mute-timings"]["muteTimes"]}
    assert set(re.findall(r'"receiver": "([^"]*)"', json.dumps(read["policies"]))) <= named
    listed = re.findall(r'"mute_time_intervals": (\[[^]]*\])', json.dumps(read["policies"]))
    assert {name for text in listed for name in json.loads(text)} == muted


def as_alertmanager(place, tmp_path):
    """What is rendered, as Alertmanager's own configuration, which Grafana's has its words from."""

    def route(given):
        made = {key: value for key, value in given.items() if key not in ("orgId", "object_matchers", "routes")}
        if "object_matchers" in given:
            made["matchers"] = [f"{name}{how}{json.dumps(value)}" for name, how, value in given["object_matchers"]]
        return made | {"routes": [route(each) for each in given.get("routes") or ()]}

    def read(name):
        return yaml.safe_load((place / f"dnstower-{name}.yaml").read_text())

    names = ["grafana-default-email", *(point["name"] for point in read("contact-points")["contactPoints"])]
    timings = [{k: v for k, v in each.items() if k != "orgId"} for each in read("mute-timings")["muteTimes"]]
    tree = {
        "route": route(read("policies")["policies"][0]), "receivers": [{"name": name} for name in names],
        "time_intervals": timings,
    }  # fmt: skip
    file = tmp_path / "alertmanager.yml"
    file.write_text(yaml.safe_dump(tree))
    return file


def test_a_real_alertmanager_takes_the_tree_and_calls_the_same(tmp_path):
    if (amtool := shutil.which("amtool")) is None:
        pytest.skip("not installed: apt-get install prometheus-alertmanager")
    inventory, place = tmp_path / "inventory.yaml", tmp_path / "made"
    inventory.write_text(TEAMS)
    assert render(place, "--inventory", str(inventory)).returncode == 0
    file = as_alertmanager(place, tmp_path)
    done = subprocess.run([amtool, "check-config", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for labels, calls in CALLS.values():
        given = [f"{name}={value}" for name, value in {**OURS, **labels}.items()]
        done = subprocess.run(
            [amtool, "config", "routes", "test", f"--config.file={file}", *given],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip().split(",") == [receiver for receiver, _, _ in calls]


def test_nothing_is_written_where_nothing_was_asked_for(tmp_path):
    done = render(tmp_path / "none")
    assert done.returncode == 1
    assert "--store UID, --prometheus UID or --inventory FILE" in done.stderr
    assert not (tmp_path / "none").exists()


def test_what_is_committed_for_the_provisioning_directory_is_what_is_made():
    app = Path(__file__).parents[3] / "grafana-app"
    from dns_rules.provision.alerting import Alerting

    runbooks = "https://example.com/runbooks/%s.md"
    for folder, rules in (
        ("provisioning", rules_store.rules(load_rules(), "dnstower", runbooks, None)),
        ("provisioning-prometheus", rules_prometheus.rules("dnstower-prometheus", runbooks, None)),
    ):
        found = {path.name: path.read_text() for path in (app / folder / "alerting").iterdir()}
        assert found == files(Alerting(rules=rules)), f"run dns-rules grafana render (README of grafana-app): {folder}"


def test_a_plan_first_then_all_of_it_and_then_nothing(server):
    planned = run(server, "plan", *WANTED)
    assert planned.returncode == 3, planned.stderr
    assert server.changes == []
    kinds = [line.split()[1] for line in planned.stdout.splitlines()]
    assert kinds.index("rule") > kinds.index("folder")
    assert kinds.index("policy") > max(kinds.index("contact-point"), kinds.index("mute-timing"))
    done = run(server, "apply", *WANTED, "--yes")
    assert done.returncode == 0, done.stderr
    assert len(server.alerting.rules) == len(STORE) + len(METRICS) - 1  # no heartbeat
    server.changes.clear()
    again = run(server, "apply", *WANTED, "--yes")
    assert (again.returncode, again.stdout, server.changes) == (0, "", [])
    gone = run(server, "destroy", "--yes")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert (server.alerting.rules, server.alerting.timings, set(server.alerting.points)) == ({}, {}, {"default"})
    assert server.folders == {}


def test_of_the_policies_only_our_branch_is_changed(server):
    theirs = [
        {"receiver": "grafana-default-email", "object_matchers": [["team", "=", "db"]], "routes": [
            {"object_matchers": [["managed_by", "=", "dnstower"], ["x", "=", "y"]], "group_wait": "7s"}]},
        {"receiver": "grafana-default-email", "matchers": ['managed_by="dnstower-not"'], "continue": True},
    ]  # fmt: skip
    before = {**server.alerting.tree, "repeat_interval": "3h", "routes": copy.deepcopy(theirs)}
    server.alerting.tree = copy.deepcopy(before)
    assert run(server, "apply", *WANTED, "--yes").returncode == 0
    tree = server.alerting.tree
    assert tree["routes"][1:] == theirs
    assert tree["routes"][0]["object_matchers"] == [["managed_by", "=", "dnstower"]]
    assert {**tree, "routes": theirs} == before
    # Ours keeps its place among them.
    tree["routes"] = [*theirs, tree["routes"][0]]
    tree["routes"][2]["routes"] = []
    told = run(server, "apply", *WANTED, "--yes")
    assert told.stdout.startswith("~ policy dnstower-policy (our branch of the notification policies): 2 others stay")
    assert server.alerting.tree["routes"][:2] == theirs
    assert len(server.alerting.tree["routes"][2]["routes"]) == 3
    assert run(server, "destroy", "--yes").returncode == 0
    assert server.alerting.tree == before


@pytest.mark.parametrize(("before", "after"), [("", ""), ("api", "api")], ids=["of people", "of an API"])
def test_the_tree_stays_whose_it_is(server, before, after):
    server.alerting.provenance = before
    assert run(server, "apply", *WANTED, "--yes").returncode == 0
    assert server.alerting.provenance == after


def test_a_tree_from_a_file_is_left(server):
    server.alerting.provenance = "file"
    done = run(server, "apply", *WANTED, "--yes")
    assert done.returncode == 1
    assert "! policy dnstower-policy" in done.stdout
    assert "put the branch into that" in done.stdout
    assert "routes" not in server.alerting.tree


def test_what_others_made_is_never_touched(server):
    alerting = server.alerting
    alerting.rules["dnstower-s-zone-outage"] = {"uid": "dnstower-s-zone-outage", "title": "Mine", "provenance": ""}
    alerting.rules["theirs"] = {"uid": "theirs", "title": "Theirs", "labels": {"managed_by": "dnstower"},
                                "provenance": ""}  # fmt: skip
    alerting.timings["dnstower-example.com-weekly"] = {
        "name": "dnstower-example.com-weekly", "time_intervals": [{}], "provenance": "",
    }  # fmt: skip
    alerting.points["dnstower-hand"] = {"uid": "dnstower-hand", "name": "dnstower-x", "type": "email",
                                        "settings": {"addresses": "x"}, "provenance": ""}  # fmt: skip
    before = copy.deepcopy((alerting.rules, alerting.timings, alerting.points))
    done = run(server, "apply", *WANTED, "--yes")
    assert done.returncode == 1
    assert "! rule dnstower-s-zone-outage (Zone outage): there is another rule of this uid" in done.stdout
    assert "! mute-timing dnstower-example.com-weekly" in done.stdout
    assert run(server, "destroy", "--yes").returncode == 0
    assert (alerting.rules, alerting.timings, alerting.points) == before


def test_what_differs_is_told_and_mended_and_what_is_not_wanted_goes(server):
    assert run(server, "apply", *WANTED, "--yes").returncode == 0
    alerting = server.alerting
    alerting.rules["dnstower-p-DnsZoneDown"]["for"] = "120s"  # the same, in other words
    alerting.rules["dnstower-p-DnsLatencyHigh"]["for"] = "1h"
    alerting.rules["dnstower-p-DnsGone"] = {**alerting.rules["dnstower-p-DnsZoneDown"], "uid": "dnstower-p-DnsGone",
                                            "title": "DnsGone"}  # fmt: skip
    told = run(server, "plan", *WANTED).stdout.splitlines()
    assert told == ["~ rule dnstower-p-DnsLatencyHigh (DnsLatencyHigh): for", "- rule dnstower-p-DnsGone (DnsGone)"]
    fewer = run(server, "plan", "--prometheus", "metrics", "--alerts").stdout
    assert "- rule dnstower-s-zone-outage" in fewer
    assert not re.search("^. (policy|contact-point|mute-timing) ", fewer, re.MULTILINE), (
        "without an inventory it is left"
    )
    assert "rule" not in run(server, "plan").stdout


def test_dashboards_for_prometheus_alone_come_without_alerts_and_without_the_stores(server):
    assert run(server, "apply", "--prometheus", "metrics", "--yes").returncode == 0
    assert set(server.dashboards) == {f"dnstower-{name}-prometheus" for name in ("executive", "operator", "pipeline")}
    assert set(server.folders) == {"dnstower-for-everyone", "dnstower-for-operators"}
    assert server.alerting.rules == {}
    told = run(server, "plan", "--alerts")
    assert told.returncode == 1
    assert "--alerts: over what? write --store UID or --prometheus UID" in told.stderr
    assert run(server, "destroy", "--yes").returncode == 0
    assert server.folders == {}


def test_secrets_come_from_the_environment_and_are_not_told(server):
    missing = run(server, "plan", *WANTED, DNSTOWER_SLACK_WEB_ONCALL="")
    assert missing.returncode == 1
    assert "no DNSTOWER_SLACK_WEB_ONCALL in the environment; it is the url of a contact point" in missing.stderr
    applied = run(server, "apply", *WANTED, "--yes")
    (slack,) = [each for each in server.alerting.points.values() if each["type"] == "slack"]
    assert slack["settings"] == {"url": SECRETS["DNSTOWER_SLACK_WEB_ONCALL"]}
    another = {"DNSTOWER_SLACK_WEB_ONCALL": "https://hooks.slack.example/T0/an0ther"}
    assert run(server, "plan", *WANTED, **another).stdout == "", "Grafana does not show it"
    changed = run(server, "apply", *WANTED, "--secrets", "--yes", **another)
    assert changed.stdout.strip().endswith("(dnstower-web): url")
    assert server.alerting.points[slack["uid"]]["settings"] == {"url": another["DNSTOWER_SLACK_WEB_ONCALL"]}
    assert "s3cret" not in applied.stdout + applied.stderr
    assert "an0ther" not in changed.stdout + changed.stderr


def test_a_token_that_may_not_read_alerts_has_made_none(server):
    assert run(server, "apply", "--yes").returncode == 0
    server.alerting.answer = lambda *_: (403, {"message": "You'll need additional permissions"})
    gone = run(server, "destroy", "--yes")
    assert gone.returncode == 0
    assert "alerts are not looked at" in gone.stderr
    assert "answered 403" in gone.stderr
    assert server.folders == {}


@pytest.mark.skipif("GRAFANA_URL" not in os.environ, reason="no Grafana: set GRAFANA_URL and GRAFANA_TOKEN")
def test_a_real_grafana():
    grafana = Grafana()
    grafana.url, token = os.environ["GRAFANA_URL"], os.environ["GRAFANA_TOKEN"]
    try:
        done = run(grafana, "apply", *WANTED, "--yes", GRAFANA_TOKEN=token)
        assert done.returncode == 0, done.stderr
        again = run(grafana, "plan", *WANTED, GRAFANA_TOKEN=token)
        assert (again.returncode, again.stdout) == (0, "")
    finally:
        assert run(grafana, "destroy", "--yes", GRAFANA_TOKEN=token).returncode == 0

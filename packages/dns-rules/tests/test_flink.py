"""What the job on Apache Flink is made of, without Flink. With it: tests/stack/test_flink.py."""

from __future__ import annotations

import datetime as dt
import json
import pickle
from pathlib import Path

import pytest
import yaml
from dns_events import ndjson
from dns_rules import Engine, Inventory, RulesError, load_rules
from dns_rules.cli import app
from dns_rules.engine import Correlation
from dns_rules.flink import control
from dns_rules.flink.due import Dues
from dns_rules.flink.held import Cache, Held
from dns_rules.flink.settings import load_job
from dns_rules.flink.tables import sink, source
from dns_rules.flink.times import passed, timer
from dns_rules.flink.zones import heard, waited
from dns_rules.museum import recordings
from dns_rules.state import ZoneState, decode, encode, micros

EXAMPLE = Path(__file__).parents[3] / "examples" / "flink"
JOB = """\
brokers: [127.0.0.1:9092]
topics: {normalized: n, control: c, findings: f, incidents: i, deadletter: d}
checkpoints: {directory: file:///tmp/x}
"""


@pytest.mark.parametrize("only", ["ru-2024", "dyn-2016"])
def test_zones_by_timers_say_what_the_engine_says(only):
    """State goes through its bytes with every step, and time passes by watermarks in leaps of any size."""
    _, recording = recordings(only=(only,))[0]
    events, rules = recording.events(), load_rules()
    engine = Engine(recording.inventory, rules)
    expected = [*engine.step(events).incidents]
    end = engine.judgement.end()
    expected += engine.step((), end).incidents

    correlation = Correlation(recording.inventory, rules)
    states, due, said = {}, {}, []

    def pass_time(until):
        findings = []
        for zone in sorted(zone for zone, at in due.items() if at <= until):
            turn = waited(decode(encode(states[zone]), ZoneState), until, recording.inventory, rules)
            states[zone], due[zone] = turn.state, turn.due
            findings += turn.findings
        said.extend(correlation.step(findings, until // rules.pace[0] * rules.pace[0]))

    lateness = rules.pace[1]
    for number, event in enumerate(events):
        turn = heard(states.get(event.zone), ndjson.decode(ndjson.encode(event)), recording.inventory, rules)
        states[event.zone] = turn.state
        due[event.zone] = min(due.get(event.zone, turn.due), turn.due)
        if number % 37 == 0:
            pass_time(micros(event.time) - lateness)
    pass_time(micros(end) - lateness)
    assert expected
    assert sorted(said, key=_order) == sorted(expected, key=_order)


def _order(incident):
    return incident.id, incident.updated


def test_a_zone_that_leaves_the_inventory_takes_its_findings_along():
    _, recording = recordings(only=("ru-2024",))[0]
    rules, state = load_rules(), None
    events = recording.events()
    for event in events[: len(events) // 2]:
        state = heard(state, event, recording.inventory, rules).state
    state = waited(state, micros(events[len(events) // 2].time), recording.inventory, rules).state
    assert state.active
    turn = waited(state, state.sealed, Inventory(version=1, teams=recording.teams, zones=()), rules)
    assert turn.state is None
    assert {finding.state for finding in turn.findings} == {"cleared"}


def test_control_messages_say_the_same_at_the_other_end():
    _, recording = recordings(only=("ru-2024",))[0]
    rules, told = load_rules(), control.Told()
    deeds = control.Deeds(drills={"a.example": (dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None)})
    messages = (
        control.of_inventory(recording.inventory), control.of_rules(rules), control.of_deeds(deeds), control.of_clock()
    )  # fmt: skip
    assert [told.take(*message) for message in messages] == [True, True, True, False]
    assert told.inventory == recording.inventory
    assert told.rules.rules == rules.rules
    assert (told.rules.pace, told.rules.name, told.rules.version) == (rules.pace, rules.name, rules.version)
    assert told.deeds == deeds
    with pytest.raises(RulesError, match="control message `rules` cannot be read"):
        told.take("rules", b"{}")


def test_control_prints_messages_of_keys_and_json(capfdbinary):
    assert app(["flink", "control", str(EXAMPLE / "inventory.yaml")]) == 0
    told = control.Told()
    for line in capfdbinary.readouterr().out.splitlines():
        key, value = line.split(b"\t", 1)
        assert told.take(key.decode(), value)
    assert [zone.zone for zone in told.inventory.zones] == ["example.com"]
    assert told.rules.rules == load_rules().rules


def test_what_is_held_is_saved_as_plain_bytes():
    calls = []
    held = Held("state", lambda state: calls.append(state) or state.encode())
    assert not calls
    saved = pickle.dumps(held)
    assert pickle.loads(saved) == b"state"
    assert b"dns_rules" not in saved


def test_the_cache_keeps_what_was_asked_for_last():
    cache = Cache(2)
    for key in ("a", "b"):
        cache.put(key, Held(key, str.encode))
    assert cache.get("a").state == "a"
    cache.put("c", Held("c", str.encode))
    assert [cache.get(key) is not None for key in ("a", "b", "c")] == [True, False, True]


def test_zones_of_a_shard_are_woken_once_and_at_their_earliest():
    dues = Dues(("old", "older"))
    dues.ask("new", 50)
    dues.ask("new", 30)
    dues.ask("new", 40)
    dues.ask("old", 10)
    assert dues.next == 0
    assert dues.take(0) == ["old", "older"]
    assert dues.next == 30
    assert [dues.take(29), dues.take(30), dues.take(100)] == [[], ["new"], []]
    assert dues.next is None
    dues.ask("new", 60)
    assert (dues.next, dues.take(60)) == (60, ["new"])


@pytest.mark.parametrize("micros_", [5_000_000, 5_000_001, 1_795_428_000_000_000])
def test_a_timer_fires_once_its_time_has_passed_and_not_before(micros_):
    assert passed(timer(micros_)) >= micros_
    assert passed(timer(micros_) - 1) < micros_


def test_watermarks_that_are_no_times():
    assert passed(-(1 << 63)) is passed((1 << 63) - 1) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("idle: soon", r":4:\d+: .*soon"),
        ("group: x\nparallelism: 0", r":5:\d+: .*less than one slot"),
        ("broker: x", r":4:\d+: .*broker"),
        ("kafka: {isolation.level: read_uncommitted}", "isolation.level is set by the job itself"),
        ("kafka: {ssl.key.password: x}", "ssl.key.password does not belong into a file"),
        ("bundle: {events: 0}", "less than one"),
    ],
)
def test_errors_name_the_line(tmp_path, line, says):
    file = tmp_path / "job.yaml"
    file.write_text(JOB + line + "\n")
    with pytest.raises(RulesError, match=says):
        load_job(file)


def test_passwords_come_from_files_and_are_quoted(tmp_path):
    (tmp_path / "password").write_text("o'\"clock\n")
    file = tmp_path / "job.yaml"
    file.write_text(JOB + "sasl: {username: job, password_file: password}\ntls: {ca: /etc/ca.pem}\n")
    job = load_job(file)
    text = sink("incidents", "i", job)
    assert "'properties.security.protocol' = 'SASL_SSL'" in text
    assert 'password="o\'\'\\"clock";' in text
    (tmp_path / "password").unlink()
    with pytest.raises(RulesError, match="password_file: No such file"):
        source("normalized", "n", job, lateness=10.0)


def test_what_has_an_order_is_written_in_one_place_and_the_rest_by_all_slots():
    job = load_job(EXAMPLE / "job.yaml")
    findings, letters = sink("findings", "f", job), sink("deadletter", "d", job, headers=True, keyed=False)
    enriched = sink("enriched", job.topics.enriched, job, headers=True, ordered=False)
    one, keyed, headers = "'sink.parallelism' = '1'", "'key.fields' = 'key'", "`headers` MAP<STRING, BYTES> METADATA"
    assert [(one in text, keyed in text, headers in text) for text in (findings, letters, enriched)] == [
        (True, True, False), (True, False, True), (False, True, True),
    ]  # fmt: skip


def test_the_example(tmp_path):
    job = load_job(EXAMPLE / "job.yaml")
    assert "INTERVAL '10.000' SECOND" in source("normalized", job.topics.normalized, job, lateness=10.0)
    deployment = yaml.safe_load((EXAMPLE / "deployment.yaml").read_text())
    assert (deployment["apiVersion"], deployment["kind"]) == ("flink.apache.org/v1beta1", "FlinkDeployment")
    assert {"image", "flinkVersion", "serviceAccount", "flinkConfiguration", "jobManager", "taskManager", "job"} <= set(
        deployment["spec"]
    )
    assert "dns_rules.flink" in deployment["spec"]["job"]["args"]
    assert json.dumps(deployment)

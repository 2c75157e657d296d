"""Rules on events of which a condition holds."""

from __future__ import annotations

import random
import re
import sys

import msgspec
import pytest
from dns_events import Observation, ndjson
from dns_rules import Engine, Inventory, RulesError, Team, Zone, load_rules
from dns_rules.cli import app
from dns_rules.generate import Span, events
from dns_rules.matching import EvaluationError, compiled
from dns_rules.rules import Match

INVENTORY = Inventory(
    version=1, teams={"web": Team(name="Web")}, zones=(Zone(zone="example.com", owner="web", criticality="critical"),)
)
RULE = """\
id: odd
title: "{count} odd answers for {names} from {regions}"
class: security
severity: warning
on: observation
detect:
  detector: match
  window: 60s
  CONDITION
hold: 0s
check_first: [look]
runbook: odd
"""
EVENT = {
    "name": "www.example.com", "qtype": "TXT", "ttl": 30, "latency": None, "flags": ["aa", "rd"],
    "server": {"address": "192.0.2.1"},
    "answers": [{"type": "TXT", "ttl": 30, "data": '"run cmd.exe"'}, {"type": "A", "ttl": 60, "data": "10.1.2.3"}],
}  # fmt: skip


def pack(tmp_path, condition, **replaced):
    text = RULE.replace("CONDITION", condition.replace("\n", "\n  "))
    for old, new in replaced.items():
        text = text.replace(f"{old}: ", f"{old}: {new} #")
    (tmp_path / "odd.yaml").write_text(text)
    return load_rules(tmp_path)


def fired(rules, *spans):
    findings = [f for step in steps(rules, events("example.com", spans)) for f in step.findings]
    return list(dict.fromkeys((f.key, f.state) for f in findings))


def steps(rules, recording):
    engine = Engine(INVENTORY, rules)
    return [engine.step(recording), engine.finish()]


@pytest.mark.parametrize(
    ("fields", "so"),
    [
        ({"name": "WWW.example.com"}, True),
        ({"name": "example.com"}, False),
        ({"name|endswith": ".example.com", "qtype": ["A", "TXT"]}, True),
        ({"name|endswith": ".example.com", "qtype": ["A", "AAAA"]}, False),
        ({"name|startswith": "www."}, True),
        ({"answers.data|contains": ["IEX", "CMD.EXE"]}, True),
        ({"answers.data|contains|all": ["run", "10.1"]}, True),
        ({"answers.data|contains|all": ["run", "IEX"]}, False),
        ({"answers.data|re": "^10\\."}, True),
        ({"answers.data|re": "^CMD"}, False),
        ({"answers.data|cidr": ["10.0.0.0/8", "fc00::/7"]}, True),
        ({"answers.data|cidr|not": ["10.0.0.0/8"]}, False),
        ({"server.address|cidr|not": "198.51.100.0/24"}, True),
        ({"answers.ttl|lt": 60}, True),
        ({"answers.ttl|gt": 60}, False),
        ({"flags": "AA"}, True),
        ({"latency": None, "ttl": ["30", 31]}, True),
        ({"latency|not": None}, False),
        ({"latency|gt": 1}, False),
        ([{"qtype": "A"}, {"name|contains": "example", "qtype|not": ["A", "AAAA"]}], True),
        ([{"qtype": "A"}, {"qtype": "AAAA"}], False),
    ],
    ids=str,
)
def test_fields(fields, so):
    detect = msgspec.convert({"detector": "match", "fields": fields, "window": "60s"}, Match)
    assert compiled(detect, ("observation",))(EVENT, {}) is so


@pytest.mark.parametrize(
    ("when", "so"),
    [
        ("event.answers.exists(a, a.ttl < zone.ttl_minimum)", True),
        ("event.name.matches('^[a-z]{40}') || size(event.answers) > 2", False),
        ("event.latency > 1.0", "No matching overloads"),
        ("event.nmae == 'a'", 'Key not found in map : "nmae"'),
        ("event.name", "neither true nor false: 'www"),
    ],
)
def test_cel(when, so):
    test = compiled(Match(when=when, window="60s"), ("observation",))
    if isinstance(so, bool):
        assert test(EVENT, {"ttl_minimum": 300}) is so
    else:
        with pytest.raises(EvaluationError, match=re.escape(so)):
            test(EVENT, {"ttl_minimum": 300})


def test_cel_is_bounded():
    test = compiled(Match(when="event.flags.all(a, event.flags.all(b, a == b))", window="60s"), ("observation",))
    with pytest.raises(EvaluationError, match="budget"):
        test({"flags": ["aa"] * 1000}, {})


@pytest.mark.parametrize(
    ("condition", "place", "message"),
    [
        ("fields: {nmae: a}", "9:18", "no field 'nmae' in these events; did you mean 'name'?"),
        ("fields: {name|ends: a}", "9:23", "no modifier 'ends'; there are contains, startswith"),
        (
            "fields:\n  - {name: a}\n  - {name|re: '('}",
            "11:17",
            "re of '(': INVALID_ARGUMENT: invalid regular expression",
        ),
        ("fields: {answers.data|cidr: 10.0.0.1/8}", "9:31", "10.0.0.1/8 has host bits set"),
        ("fields: {name|contains: 5}", "9:27", "contains of 5"),
        ("fields: {name: []}", "9:18", "no value; write one, or a list"),
        ("when: 'event.name =='", "9:23", "Syntax error"),
        ("when: |\n    true &&\n\n      events.name", "12:15", "undeclared reference to 'events.name'"),
        ("when: >\n    true &&\n    !events.name", "11:14", "undeclared reference to 'events.name'"),
        ("when: true &&\n    events.name", "10:13", "undeclared reference to 'events.name'"),
        ("when: 'true && ''a'' == events.name'", "9:9", "undeclared reference to 'events.name'"),
        ("when: 'events.name == \"a\"'", "9:16", "undeclared reference to 'events.name'"),
        ("when: '1 + 1'", "9:9", "is of type int; write what is true or false"),
        ("least: 2", "6:1", "matches every event; write `fields`, `when` or both"),
        ("fields: {name: a}\nwindow: 2h", "", "'window' stands twice"),
    ],
)
def test_one_fault(tmp_path, condition, place, message):
    with pytest.raises(RulesError) as caught:
        pack(tmp_path, condition)
    if place:
        assert str(caught.value).startswith(f"{tmp_path / 'odd.yaml'}:{place}: ")
    assert message in str(caught.value)


def test_a_window_and_an_event_that_are_none(tmp_path):
    with pytest.raises(RulesError, match=r"odd\.yaml:8:11: longer than an hour"):
        pack(tmp_path, "fields: {name: a}", window="2h")
    with pytest.raises(RulesError, match=r"odd\.yaml:5:5: no event 'observations'; there are observation, "):
        pack(tmp_path, "fields: {name: a}", on="observations")


def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    with pytest.raises(RulesError, match=r"odd\.yaml:9:9: CEL is not installed; pip install 'dns-rules\[cel\]'"):
        pack(tmp_path, "when: event.ttl < 5")
    pack(tmp_path, "fields: {ttl|lt: 5}")


def test_it_fires_by_question_and_is_over_when_none_came_for_the_window(tmp_path):
    rules = pack(tmp_path, "fields: {answers.data|cidr: 10.0.0.0/8}\nleast: 3\nprobes: 2")
    bad = {"from_": "2m", "to": "4m", "data": ("10.1.1.1",), "names": ("a.example.com", "b.example.com")}
    assert fired(rules, Span(to="8m", regions=("eu-west",)), Span(**bad)) == [
        ("a.example.com/A", "active"), ("b.example.com/A", "active"),
        ("a.example.com/A", "cleared"), ("b.example.com/A", "cleared"),
    ]  # fmt: skip
    assert fired(rules, Span(to="8m"), Span(**{**bad, "regions": ("eu-west",)})) == []
    thrice = {**bad, "to": "150s", "every": "30s", "servers": ("192.0.2.1",)}
    assert fired(rules, Span(to="8m"), Span(**thrice)) != []
    assert fired(rules, Span(to="8m"), Span(**{**thrice, "regions": ("a", "b")})) == []


def test_it_fires_for_the_whole_zone(tmp_path):
    rules = pack(tmp_path, "fields: {answers.data|cidr: 10.0.0.0/8}\nby: zone\nleast: 3")
    spans = [
        Span(from_="60s", to="70s", data=("10.1.1.1",), names=(f"{x}.example.com",), regions=("eu",)) for x in "ab"
    ]
    assert fired(rules, Span(to="3m"), *spans) == [("", "active"), ("", "cleared")]


@pytest.mark.parametrize(
    ("on", "condition", "span"),
    [
        ("delegation", "fields: {parent_ns|endswith: .rogue.net}", {"parent_ns": ("ns1.rogue.net",)}),
        ("registration", "fields: {statuses: pending transfer}", {"statuses": ("pending transfer",)}),
        ("zone_change", "fields: {added.type: A, actor|not: alice}", {"actor": "mallory"}),
        ("traffic", "when: \"'nxdomain' in event.outcomes\"", {"queries": 300, "outcomes": {"nxdomain": 9}}),
    ],
)
def test_every_type_of_event(tmp_path, on, condition, span):
    rules = pack(tmp_path, condition, on=on)
    found = fired(rules, Span(to="4m"), Span(event=on, from_="60s", to="70s", regions=("eu",), **span))
    assert found == [("", "active"), ("", "cleared")]


def test_the_order_of_arrival_and_the_batches_change_nothing(tmp_path):
    rules = pack(tmp_path, "fields: {outcome: nxdomain}\nwhen: event.latency < 0.5\nleast: 4\nprobes: 3")
    spans = (
        Span(to="4m", every="5s"),
        Span(from_="40s", to="110s", every="7s", outcome="nxdomain"),
        Span(from_="50s", to="60s", every="2s", outcome="nxdomain", names=("x.example.com",)),
        Span(from_="80s", to="90s", outcome="nxdomain", latency=0.7),
    )
    recording = events("example.com", spans)
    dice = random.Random(1)
    shuffled = sorted(recording, key=lambda e: e.time.timestamp() + dice.uniform(0, 9))
    said = []
    for order, size in ((recording, 1), (recording, 1000), (shuffled, 1), (shuffled, 13)):
        engine = Engine(INVENTORY, rules)
        findings = []
        for start in range(0, len(order), size):
            findings += engine.step(order[start : start + size]).findings
            engine.judgement.load("example.com", engine.judgement.dump("example.com"))
        findings += engine.finish().findings
        assert findings
        said.append((msgspec.json.encode(findings), engine.judgement.state("example.com").failures))
    assert all(each == said[0] for each in said)


def test_what_cannot_be_evaluated_is_no_match_and_is_told(tmp_path, capsys):
    rules = pack(tmp_path, "when: event.latency > 1.0")
    recording = events("example.com", (Span(to="60s", outcome="timeout"), Span(from_="30s", to="90s", latency=2.0)))
    engine = Engine(INVENTORY, rules)
    done = [engine.step(recording), engine.finish()]
    assert {f.state for step in done for f in step.findings} == {"active"}
    silent = sum(isinstance(e, Observation) and e.latency is None for e in recording)
    (health,) = engine.judgement.health(["example.com"])
    (told,) = [text for text in health.reasons if text.startswith("rule odd")]
    assert f"rule odd could not be evaluated {silent} times: UNKNOWN: No matching overloads" in told
    file, inventory = tmp_path / "recording.ndjson", tmp_path / "inventory.txt"
    file.write_bytes(b"\n".join(map(ndjson.encode, recording)))
    inventory.write_text("{version: 1, teams: {web: {name: Web}}, zones: [{zone: example.com, owner: web}]}")
    app(["replay", str(file), "--inventory", str(inventory), "--rules", str(tmp_path)])
    assert f"rule odd could not be evaluated {silent} times" in capsys.readouterr().err


def test_nothing_is_asked_of_events_without_such_a_rule():
    engine = Engine(INVENTORY, load_rules())
    engine.step(events("example.com", (Span(to="60s"),)))
    assert vars(engine.judgement.state("example.com"))["memory"].routes.matches == {}


def test_it_is_explained(tmp_path, capsys):
    pack(
        tmp_path, "fields: {name|endswith: [.nip.io, .xip.io], qtype|not: A}\nwhen: event.ttl < 60\nleast: 3\nprobes: 2"
    )
    app(["explain", "odd", "--rules", str(tmp_path)])
    assert (
        "Fires on 3 or more observations of one question within 60s from 2 probes or more of which this is so: name "
        "ends with .nip.io or .xip.io; not: qtype is A and `event.ttl < 60`. It is over when none came for as long."
    ) in capsys.readouterr().out

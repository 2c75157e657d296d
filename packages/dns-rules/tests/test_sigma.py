"""Sigma rules as rules, and rules as Sigma rules."""

from __future__ import annotations

import json
import sys

import pytest
import yaml
from dns_rules import RulesError, load_rules
from dns_rules.cli import app
from dns_rules.sigma_reading import read
from dns_rules.sigma_writing import exported
from sigma.collection import SigmaCollection

SIGMA = """\
title: Odd {names}
id: 7b6d1c1c-41e4-4b63-8a4c-b7a3c9ab2f10
logsource: {category: dns}
detection:
  DETECTION
level: high
"""
RULE = """\
id: odd
title: odd
class: security
severity: {critical: critical, high: warning, normal: info}
on: observation
detect:
  detector: match
  window: 5m
  CONDITION
check_first: [look]
runbook: odd
"""


def sigma(tmp_path, detection, **replaced):
    text = SIGMA.replace("DETECTION", detection.replace("\n", "\n  "))
    for old, new in replaced.items():
        text = text.replace(f"{old}: ", f"{old}: {new} #")
    path = tmp_path / "Odd_rule.yml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("detection", "fields"),
    [
        ("s: {query|endswith: [.a., .b]}\ncondition: s", {"name|endswith": [".a", ".b"]}),
        ("s: {QueryName: x.example.com, record_type: 16}\ncondition: s", {"name": "x.example.com", "qtype": "TXT"}),
        ("s: {answer|endswith: .evil.com}\ncondition: s", {"answers.data|endswith": [".evil.com", ".evil.com."]}),
        ("s: {answer: 192.0.2.1}\ncondition: not s", {"answers.data|not": "192.0.2.1"}),
        ("s: {answer: '*cmd*'}\ncondition: s", {"answers.data|contains": "cmd"}),
        ("s: {answer: 'c*d?'}\ncondition: s", {"answers.data|re": "(?is)^c.*d.$"}),
        ("s: {answer: 'c\\*d'}\ncondition: s", {"answers.data": "c*d"}),
        ("s: {answer: '*'}\ncondition: s", {"answers.data|not": None}),
        ("s: {query|re|i: '^x'}\ncondition: s", {"name|re": "(?i)^x"}),
        ("s: {answer|cased: Ab}\ncondition: s", {"answers.data|re": "(?s)^Ab$"}),
        ("s: {query|contains|all: [a, b]}\ncondition: s", {"name|contains|all": ["a", "b"]}),
        ('s: {ttl|lt: 60, answer|cidr: "::1/128"}\ncondition: s', {"ttl|lt": 60, "answers.data|cidr": "::1/128"}),
        ("s: {latency: null, ede.code|exists: true}\ncondition: s", {"latency": None, "ede.code|not": None}),
        ("s: [{query: a}, {record_type: ANY}]\ncondition: s", [{"name": "a"}, {"qtype": "ANY"}]),
        ("s: {query|contains: a}\nt: {query|contains: b}\ncondition: s and t", {"name|contains|all": ["a", "b"]}),
        ("s1: {query: a}\ns2: {query: b}\ncondition: 1 of s*", {"name": ["a", "b"]}),
        ("s1: {query: a}\ns2: {rcode: 3}\ncondition: all of them", {"name": "a", "rcode": "NXDOMAIN"}),
        ("s: {record_type: A}\nf: {query: [a, b]}\ncondition: s and not f", {"qtype": "A", "name|not": ["a", "b"]}),
        (
            "s: {record_type: A}\nf: {query: a, rcode: REFUSED}\ncondition: s and not f",
            [{"qtype": "A", "name|not": "a"}, {"qtype": "A", "rcode|not": "REFUSED"}],
        ),
        ("f: {query: a}\ncondition: not (not f)", {"name": "a"}),
        (
            "s: {query|contains: [a, b]}\nt: {query|contains: c}\ncondition: s and t",
            [{"name|contains|all": ["a", "c"]}, {"name|contains|all": ["b", "c"]}],
        ),
        ("s: {answer|base64offset|contains: foo}\ncondition: s", {"answers.data|contains": ["Zm9v", "Zvb", "mb2"]}),
    ],
)  # fmt: skip
def test_a_condition_is_written_out(tmp_path, detection, fields):
    rule = read(sigma(tmp_path, detection))
    assert rule["detect"]["fields"] == fields
    (tmp_path / "odd-rule.yaml").write_text(yaml.safe_dump(rule))
    (loaded,) = load_rules(tmp_path).rules
    assert (loaded.id, loaded.severity) == ("odd-rule", "warning")
    assert loaded.title == "{names}: Odd {{names}}, seen in {regions}"


@pytest.mark.parametrize(
    ("detection", "place", "message"),
    [
        (
            "s: {query: a}\nt:\n  Image: b\ncondition: s and t",
            "7:12",
            "no field 'Image' in the observation; there are query",
        ),
        ("s: [{query: a}]\nk:\n  - cmd\ncondition: s or k", "7:7", "cmd: a word in no field; write which field"),
        ("s:\n  query|fieldref: answer\ncondition: s", "6:21", "FieldReference of query cannot be expressed"),
        ("s:\n  query|odd: a\ncondition: s", "6:16", "Unknown modifier 'odd'"),
        ("s:\n  query|re: '('\ncondition: s", "6:15", "Regular expression '(' is invalid"),
        ("s:\n  query|re: '(?=a)b'\ncondition: s", "6:15", "Regular expression '(?=a)b' is invalid"),
        ("s: {query: a}\ncondition: s and t", "6:14", "Detection 't' not defined"),
        ("s: {query: a}\ncondition: s | count() > 5", "6:14", "pipe syntax"),
        ("s: {query|contains|all: [a, b]}\ncondition: s and", "6:14", "Expected"),
    ],
)
def test_one_fault(tmp_path, detection, place, message):
    path = sigma(tmp_path, detection)
    with pytest.raises(RulesError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{place}: ")
    assert message in str(caught.value)


def test_what_is_no_rule_on_dns(tmp_path):
    with pytest.raises(RulesError, match=r"yml:3:12: category process_creation: no DNS query log; `category: dns` is"):
        read(sigma(tmp_path, "s: {query: a}\ncondition: s", logsource="{category: process_creation}"))
    (tmp_path / "many.yml").write_text("title: x\ncorrelation: {type: event_count}\n")
    with pytest.raises(RulesError, match=r"many\.yml:2:14: a Sigma correlation cannot be expressed"):
        read(tmp_path / "many.yml")
    (tmp_path / "none.yml").write_text("[1, 2]")
    with pytest.raises(RulesError, match="no Sigma rule"):
        read(tmp_path / "none.yml")


@pytest.mark.parametrize(
    "condition",
    [
        "fields: {name|endswith: .a, answers.data|contains: ['a*b', 'c\\d?']}",
        "fields: [{qtype: TXT, name|not: [a, b]}, {ttl|lt: 5, latency|not: null}, {rcode|not: NOERROR}]",
        "fields: {name|re: '^a.*\\.b', answers.data|contains|all: [a, b]}",
    ],
)
def test_what_is_written_is_read_again(tmp_path, condition):
    (tmp_path / "odd.yaml").write_text(RULE.replace("CONDITION", condition))
    (rule,) = load_rules(tmp_path).rules
    ((document,),) = exported([rule])[0].values()
    assert SigmaCollection.from_dicts([document]).rules[0].logsource.service == "observation"
    (tmp_path / "again.yml").write_text(yaml.safe_dump(document))
    wanted = yaml.safe_load(condition)["fields"]
    if isinstance(wanted, list):
        wanted[-1] = {"type": "observation", **wanted[-1]}  # a selection of nothing is none
    assert read(tmp_path / "again.yml")["detect"]["fields"] == wanted


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ("fields: {name: a}\n  least: 5", ("event_count", {"gte": 5}, ["zone", "name", "qtype"])),
        ("fields: {name: a}\n  probes: 2\n  by: zone", ("value_count", {"gte": 2, "field": "probe.id"}, ["zone"])),
        ("fields: {name: a}\n  probes: 2\n  least: 3", "counts events and probes; a Sigma correlation counts one"),
        ("when: event.ttl < 5", "its `when` is CEL"),
    ],
)
def test_counts_are_correlations(tmp_path, condition, said):
    (tmp_path / "odd.yaml").write_text(RULE.replace("CONDITION", condition))
    found, reasons = exported(load_rules(tmp_path).rules)
    if isinstance(said, str):
        assert (found, reasons) == ({}, {"odd": said})
        return
    base, correlation = found["odd"]
    counted = correlation["correlation"]
    assert (counted["type"], counted["condition"], counted["group-by"]) == said
    assert (counted["rules"], counted["timespan"]) == ([base["name"]], "5m")
    assert SigmaCollection.from_dicts([base, correlation]).errors == []


def test_the_commands(tmp_path, capsys, monkeypatch):
    path = sigma(tmp_path, "s: {query: a}\ncondition: s")
    bad = tmp_path / "bad.yml"
    bad.write_text("title: x\n")
    assert app(["sigma", "import", str(path), str(bad), "--json"]) == 1
    said = capsys.readouterr()
    assert [rule["id"] for rule in json.loads(said.out)] == ["odd-rule"]
    assert "bad.yml:1:1: no Sigma rule: it is without `detection`" in said.err
    assert app(["sigma", "import", str(path), "--into", str(tmp_path / "ours")]) == 0
    with pytest.raises(RulesError, match=r"odd-rule\.yaml is there already"):
        app(["sigma", "import", str(path), "--into", str(tmp_path / "ours")])
    capsys.readouterr()
    assert app(["sigma", "export", "registration-lock-lost", "--json"]) == 0
    said = capsys.readouterr()
    assert [each["logsource"] for each in json.loads(said.out)] == [{"product": "dnstower", "service": "registration"}]
    assert said.err == ""
    assert app(["sigma", "export", "zone-outage"]) == 1
    assert capsys.readouterr().err == (
        "zone-outage cannot be a Sigma rule: is `sustained`, which looks at more than single events\n"
    )
    monkeypatch.delitem(sys.modules, "dns_rules.sigma_reading")
    monkeypatch.setitem(sys.modules, "sigma", None)
    with pytest.raises(RulesError, match=r"pip install 'dns-rules\[sigma\]'"):
        app(["sigma", "import", str(path)])

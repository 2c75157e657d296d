"""Detectors of other packages."""

from __future__ import annotations

import jsonschema
import msgspec
import pytest
from dns_rules import Engine, Inventory, RulesError, Team, Zone, load_rules, plugins
from dns_rules.detectors.condition import Condition, Reading
from dns_rules.generate import Span, events
from dns_rules.model import Offender
from dns_rules.schema import schema

RULE = {
    "id": "few", "title": "few", "class": "observer", "severity": "info", "on": "observation",
    "detect": {"detector": "few_questions", "options": {"least": 2}}, "check_first": ["look"], "runbook": "few",
}  # fmt: skip


class Few(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fewer questions than `least` are asked."""

    least: int

    def __call__(self, state, rule, zone, now):
        if len(state.latest) >= self.least:
            return Reading({}, frozenset({""}))
        few = Condition(where=Offender(), what=f"{1 // len(state.latest)} is few", facts={})
        return Reading({"": few}, frozenset())


class Entry:
    """As of an installed package."""

    def __init__(self, loaded):
        self._loaded = loaded

    def load(self):
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


@pytest.fixture(autouse=True)
def packages(monkeypatch):
    found = {
        "few_questions": Entry(Few),
        "broken": Entry(ImportError("No module named 'numpy'")),
        "bare": Entry(Offender),
    }
    monkeypatch.setattr(plugins, "installed", lambda: found)
    plugins.kind.cache_clear()
    yield
    plugins.kind.cache_clear()


def pack(tmp_path, **detect):
    (tmp_path / "few.yaml").write_bytes(msgspec.yaml.encode({**RULE, "detect": {**RULE["detect"], **detect}}))
    return load_rules(tmp_path)


def engine(rules):
    zone = Zone(zone="example.com", owner="web")
    return Engine(Inventory(version=1, teams={"web": Team(name="Web")}, zones=(zone,)), rules)


def test_it_judges_beside_the_others(tmp_path):
    runner = engine(pack(tmp_path))
    step = runner.step(events("example.com", (Span(to="60s"), Span(from_="30s", to="60s", qtype="TXT"))))
    assert [(f.state, f.what) for f in step.findings] == [
        ("active", "1 is few"),
        ("cleared", "nothing of it is there any more"),
    ]


def test_what_it_raises_ends_nothing_and_is_told(tmp_path):
    runner = engine(pack(tmp_path))
    step = runner.step(events("example.com", (Span(event="delegation", to="60s", parent_ns=("ns1.example.com",)),)))
    assert step.findings == ()
    (health,) = runner.judgement.health(step.evaluated)
    (reason,) = [text for text in health.reasons if text.startswith("rule")]
    assert reason.startswith("rule few could not be evaluated ")
    assert reason.endswith(" times: ZeroDivisionError: integer division or modulo by zero")


@pytest.mark.parametrize(
    ("detect", "message"),
    [
        ({"detector": "few_question"}, "has a detector 'few_question'; did you mean 'few_questions'?"),
        ({"detector": "xyz"}, "no installed package has a detector 'xyz'; built in are sustained, "),
        ({"detector": "broken"}, "detector 'broken' cannot be used: No module named 'numpy'"),
        ({"detector": "bare"}, "<class 'dns_rules.model.Offender'> is no msgspec Struct that can be called"),
        ({"options": {"leest": 2}}, "unknown key 'leest'; did you mean 'least'?"),
        ({"options": {"least": "two"}}, "Expected `int`, got `str` (at $.detect.options.least)"),
        ({"least": 2}, "unknown key 'least'"),
    ],
)  # fmt: skip
def test_one_fault(tmp_path, detect, message):
    with pytest.raises(RulesError) as caught:
        pack(tmp_path, **detect)
    assert str(caught.value).startswith(f"{tmp_path / 'few.yaml'}:")
    assert message in str(caught.value)


def test_the_schema_allows_it_with_options():
    jsonschema.validate(RULE, schema("rule"))
    for detect in ({"detector": "few_questions"}, {"detector": "match", "options": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**RULE, "detect": detect}, schema("rule"))

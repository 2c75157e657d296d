"""Rules in sentences, and their pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from dns_rules import load_rules
from dns_rules.pages import write
from dns_rules.sentences import life, when

RULES = load_rules()
#: Of the repository; the distribution is without.
PAGES = Path(__file__).parents[3] / "docs" / "rules"


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_rule_says_when_it_fires(rule):
    text = when(rule)
    assert text.startswith("Fires when ")
    assert text.endswith(".")
    assert life(rule).startswith("Severity: ")


def test_thresholds_of_one_zone():
    rule = RULES.rule("zone-outage")
    assert "within 60s (critical), 3m (high), 5m (normal) are timeouts" in when(rule)
    assert "within 3m are timeouts" in when(rule, "high")
    assert "after 60s of quiet" in life(rule, "high")


def test_the_pages_in_the_repository_are_those_of_the_pack(tmp_path):
    if not PAGES.exists():
        pytest.skip("docs/rules is not here: not a checkout of the repository")
    write(RULES, tmp_path, "../../alert-rules/runbooks")
    made, there = ({path.name: path.read_text() for path in folder.glob("*.md")} for folder in (tmp_path, PAGES))
    assert made == there, "run `dns-rules pages docs/rules --runbooks ../../alert-rules/runbooks`"


def test_pages_of_rules_that_are_no_more_are_removed(tmp_path):
    (tmp_path / "former.md").write_text("")
    write(RULES, tmp_path, "runbooks")
    assert not (tmp_path / "former.md").exists()
    text = (tmp_path / "ds-changed.md").read_text()
    assert "Explained by, and then a part of: [delegation-takeover](delegation-takeover.md)" in text
    assert "- is silent: a rollover in its window" in text

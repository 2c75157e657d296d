"""Rule packs laid over each other."""

from __future__ import annotations

import shutil

import pytest
from dns_rules import RulesError, load_rules
from dns_rules.packs import MANIFEST
from dns_rules.rules import PACKAGED
from dns_rules.ruletest import run_tests

BASE = load_rules()


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / MANIFEST).write_text("{name: ours, version: '7', over: packaged}\n")
    return folder


def test_nothing_over_the_pack_is_the_pack(ours):
    pack = load_rules(ours)
    assert pack.rules == BASE.rules
    assert (pack.name, pack.version, pack.folders) == ("ours", "7", (ours, PACKAGED))


def test_a_rule_is_changed_by_the_keys_that_are_there(ours):
    (ours / "zone-outage.yaml").write_text("id: zone-outage\nhold: 60s\ndetect: {window: {high: 2m}}\n")
    below, above = BASE.named("zone-outage"), load_rules(ours).named("zone-outage")
    assert above.hold == "60s"
    assert above.detect.window == {**below.detect.window, "high": "2m"}
    assert (above.title, above.detect.ratio, above.runbook) == (below.title, below.detect.ratio, below.runbook)


def test_lists_are_replaced_and_another_detector_is_another_detector(ours):
    (ours / "zone-outage.yaml").write_text(
        "id: zone-outage\ncheck_first: [Call us]\ndetect: {detector: absence, silent: 5m}\n"
    )
    above = load_rules(ours).named("zone-outage")
    assert above.check_first == ("Call us",)
    assert (above.detect.silent, above.detect.forget) == ("5m", "24h")


def test_a_rule_that_is_taken_out_is_missed_by_no_other(ours):
    for rule in ("zone-not-resolving", "ttl-below-policy", "records-changed", "mail-policy-changed"):
        (ours / f"{rule}.yaml").write_text(f"id: {rule}\ndisabled: true\n")
    pack = load_rules(ours)
    assert pack.rule("zone-not-resolving") is None
    assert "zone-not-resolving" not in pack.named("zone-outage").explains
    assert all("ttl-below-policy" not in step for step in pack.named("hijack-sequence").detect.steps)


def test_a_rule_of_ones_own_and_its_tests(ours):
    text = (PACKAGED / "zone-outage.yaml").read_text().replace("id: zone-outage", "id: our-outage")
    (ours / "our-outage.yaml").write_text(text.replace("explains: [", "explains: [zone-outage, "))
    cases = (PACKAGED / "zone-outage.test.yaml").read_text().replace("rule: zone-outage", "rule: our-outage")
    (ours / "our-outage.test.yaml").write_text(cases)
    results = run_tests(ours, ["our-outage", "server-lagging"])
    assert {r.rule for r in results} == {"our-outage", "server-lagging"}
    assert all(r.file.startswith(str(ours)) for r in results if r.rule == "our-outage")
    assert not any(r.failures for r in results if r.rule == "server-lagging")


def test_a_pack_over_a_pack_over_the_pack(ours, tmp_path):
    (ours / "zone-outage.yaml").write_text("id: zone-outage\nhold: 60s\nresolve_after: 9m\n")
    team = tmp_path / "team"
    team.mkdir()
    (team / MANIFEST).write_text("{name: team, version: '1', over: ../ours}\n")
    (team / "zone-outage.yaml").write_text("id: zone-outage\nhold: 90s\n")
    rule = load_rules(team).named("zone-outage")
    assert (rule.hold, rule.resolve_after) == ("90s", "9m")


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("zone-outage.yaml", "id: zone-outage\nhodl: 60s\n", "zone-outage.yaml:2:1: unknown key 'hodl'"),
        ("zone-outage.yaml", "id: zone-outage\nhold: soon\n", "zone-outage.yaml:2:7: "),
        (
            "zone-outage.yaml",
            "id: zone-outage\ndisabled: maybe\n",
            "zone-outage.yaml:2:11: 'maybe'; write",
        ),
        ("news.yaml", "id: news\nhold: 60s\n", "news.yaml:1:1: "),
        (MANIFEST, "{name: ours, version: '7', over: ../nowhere}\n", "pack.yaml:1:34: no folder "),
        (MANIFEST, "{name: ours, version: '7', over: .}\n", "laid over itself"),
        (MANIFEST, "{name: ours, version: '7', ovre: packaged}\n", "did you mean 'over'?"),
    ],
    ids=[
        "unknown key",
        "no duration",
        "no boolean",
        "new and torn",
        "no such folder",
        "itself",
        "unknown manifest key",
    ],
)
def test_what_is_wrong_is_told_with_its_line(ours, file, text, said):
    (ours / file).write_text(text)
    with pytest.raises(RulesError) as error:
        load_rules(ours)
    assert said in str(error.value)


def test_a_plain_copy_stands_for_itself(tmp_path):
    shutil.copytree(PACKAGED, tmp_path / "copy")
    (tmp_path / "copy" / "zone-outage.yaml").unlink()
    with pytest.raises(RulesError, match="not in the pack"):
        load_rules(tmp_path / "copy")

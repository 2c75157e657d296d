"""The rule pack and its files."""

from __future__ import annotations

import shutil

import pytest
from dns_rules import Engine, Inventory, RulesError, Team, Zone, load_rules
from dns_rules.generate import Span, events
from dns_rules.rules import PACKAGED
from dns_rules.ruletest import judge_timeline, run_tests

RUNBOOKS = PACKAGED.parent / "runbooks"

INVENTORY = Inventory(version=1, teams={"web": Team(name="Web")}, zones=(Zone(zone="example.com", owner="web"),))


def test_every_rule_test_of_the_pack_passes():
    results = run_tests()
    assert len(results) >= 2 * len(load_rules().rules)
    assert [result for result in results if result.failures] == []


@pytest.mark.parametrize("rule", load_rules().rules, ids=lambda rule: rule.id)
def test_every_rule_has_a_runbook_with_its_four_parts(rule):
    text = (RUNBOOKS / f"{rule.runbook}.md").read_text()
    for heading in ("## First checks", "## Stop conditions", "## Escalation", "## Evidence to keep"):
        assert heading in text


def test_no_runbook_without_a_rule():
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == {rule.runbook for rule in load_rules().rules}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: zone-outage", "id: other", "1:5: id 'other' differs from the file's name; write 'zone-outage'"),
        ("{total}", "{sum}", "placeholder {sum}; known: after"),
        ("ratio: 0.9", "ratio: 9", "Expected `float` <= 1"),
        ("high: 3m, normal: 5m", "high: 3m", "nothing for normal; write one for each criticality"),
        ("critical: 60s", "critical: soon", "'soon' is not a duration"),
        ("hold: 15s", "hodl: 15s", "unknown key 'hodl'; did you mean 'hold'?"),
        ("detector: sustained", "detector: sustaned", "has a detector 'sustaned'; did you mean 'sustained'?"),
        ("regions-disagree,", "regions-disagre,", "rule 'regions-disagre' is not in"),
        ("class: availability", "class: outage", "Invalid enum value 'outage'"),
    ],
)
def test_one_fault(tmp_path, old, new, message):
    fault_of(tmp_path, "zone-outage", old, new, message)


def test_query_logs_have_no_shares_of_names(tmp_path):
    fault_of(tmp_path, "name-errors-elevated", "on: observation", "on: traffic", "write `on: observation`")


def fault_of(tmp_path, rule, old, new, message):
    folder = tmp_path / "stream"
    shutil.copytree(PACKAGED, folder)
    file = folder / f"{rule}.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    with pytest.raises(RulesError) as caught:
        load_rules(folder)
    assert str(caught.value).startswith(f"{file}:")
    assert message in str(caught.value)


def test_a_rule_that_fires_where_its_test_says_nothing_fails(tmp_path):
    folder = tmp_path / "stream"
    shutil.copytree(PACKAGED, folder)
    file = folder / "zone-outage.yaml"
    file.write_text(file.read_text().replace("ratio: 0.9", "ratio: 0.1").replace("critical: 60s", "critical: 10s"))
    failed = [result for result in run_tests(folder, ["zone-outage"]) if result.failures]
    assert any("fired: example.com is down" in text for result in failed for text in result.failures)


def test_a_rule_without_tests_fails(tmp_path):
    folder = tmp_path / "stream"
    shutil.copytree(PACKAGED, folder)
    (folder / "zone-outage.test.yaml").unlink()
    assert [r.failures for r in run_tests(folder, ["zone-outage"])] == [("no tests beside the rule",)]


def test_an_empty_folder_is_no_pack(tmp_path):
    with pytest.raises(RulesError, match="no rules"):
        load_rules(tmp_path)


def test_a_resolver_is_not_blamed_for_zones_that_are_ill():
    """Three zones fail validation, and one resolver's cache runs out before the other's."""
    zone = Zone(zone="example.com", owner="web", criticality="critical", dnssec="required")
    resolvers = {"eu-west": ("127.0.0.53", "8m"), "us-east": ("127.0.1.53", "4m")}
    timeline = (
        Span(to="3m", dnssec="secure"),
        Span(from_="3m", to="12m", dnssec="bogus", cause="rrsig_expired"),
        *(
            Span(from_=begin, to=end, role="recursive", servers=(server,), regions=(region,), outcome=outcome)
            for region, (server, until) in resolvers.items()
            for begin, end, outcome in (("0s", until, "answer"), (until, "12m", "servfail"))
        ),
    )
    incidents = judge_timeline(zone, timeline, load_rules(), ("example.net", "example.org"))
    assert {(i.rule, i.owner) for i in incidents if i.state == "firing"} == {("dnssec-validation-failing", "web")}


def titles(timeline, **zone):
    """The titles of the one incident that a timeline fires, one after the other."""
    incidents = judge_timeline(
        Zone(zone="example.com", owner="web", criticality="critical", **zone), timeline, load_rules()
    )
    (_,) = {incident.id for incident in incidents}
    said = [incident.title for incident in incidents if incident.state == "firing"]
    return list(dict.fromkeys(said))


def registered(begin, end, **what):
    return Span(event="registration", from_=f"{begin}h", to=f"{end}h", every="1h", regions=("eu-west",), **what)


def test_a_second_change_is_told_while_the_first_stands():
    names = ("Good Names", "Cheap Names", "Worse Names")
    timeline = tuple(registered(6 * n, 6 * n + 6, registrar=name) for n, name in enumerate(names))
    first, second = titles(timeline)
    assert "registrar is Cheap Names; expected Good Names" in first
    assert "registrar is Worse Names; expected Good Names" in second


def test_what_expires_is_told_again_as_the_time_that_is_left_halves():
    said = [title.partition(" expires ")[2] for title in titles((registered(0, 22, expires="20h"),))]
    assert [words.partition(" (")[0] for words in said] == [
        "in 20 h", "in 10 h", "in 5 h", "in 2 h", "in 75 min", "in 37 min", "0 s ago",
    ]  # fmt: skip


def test_of_few_names_is_remembered_how_they_fail():
    names = tuple(f"n{number}.example.com" for number in range(12))
    timeline = (
        Span(to="30h", every="2m", names=names),
        Span(from_="2h", to="3h", every="2m", names=names, outcome="servfail"),
    )
    engine = Engine(INVENTORY, load_rules())
    engine.run(events("example.com", timeline))
    usual = engine.judgement.state("example.com").usual
    known = sorted(key.partition("\t")[2] for key in usual if key.startswith("name-errors-elevated\t"))
    assert known == ["", *sorted(names)[:8]]
    assert all(max(map(max, usual[f"name-errors-elevated\t{name}"].hours.values())) == 5_000 for name in known[1:])

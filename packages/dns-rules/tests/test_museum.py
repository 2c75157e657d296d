"""The museum: every recording is judged as it says, and says so clearly where it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dns_rules import RulesError, load_rules
from dns_rules.guide import incidents, page
from dns_rules.museum import EXHIBITS, judge, recordings

RULES = load_rules()
MUSEUM = recordings()
#: Of the repository; the distribution is without.
GUIDE = Path(__file__).parents[3] / "docs" / "museum.md"


@pytest.fixture(scope="module")
def verdicts():
    return {recording.id: judge(document, recording, RULES) for document, recording in MUSEUM}


@pytest.mark.parametrize("id_", [recording.id for _, recording in MUSEUM])
def test_a_recording_is_judged_as_it_says(verdicts, id_):
    assert verdicts[id_].failures == ()


def test_there_are_a_dozen_of_each_kind_and_no_false_page(verdicts):
    kinds = [verdict.recording.kind for verdict in verdicts.values()]
    assert min(kinds.count("incident"), kinds.count("quiet")) >= 12
    assert sum(verdict.false_pages for verdict in verdicts.values()) == 0


def test_the_guide_in_the_repository_is_that_of_the_recordings(verdicts):
    if not GUIDE.exists():
        pytest.skip("docs/museum.md is not here: not a checkout of the repository")
    assert page(list(verdicts.values())) == GUIDE.read_text(), "run `dns-rules museum --page docs/museum.md`"


def test_the_table_in_the_readme_is_that_of_the_recordings(verdicts):
    if not GUIDE.exists():
        pytest.skip("README.md is not here: not a checkout of the repository")
    readme = GUIDE.parents[1].joinpath("README.md").read_text()
    assert incidents(list(verdicts.values()), "docs/museum.md") in readme, "copy it from docs/museum.md"


def run(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "dns_rules", "museum", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_the_command_prints_a_line_each_and_the_sums():
    code, out, _ = run("aws-2025", "geo-routing")
    assert code == 0
    first, *_, last = out.splitlines()
    assert first.split()[:3] == ["recording", "date", "told"]
    assert last == "1 incidents and 1 quiet days: 1 of 1 pages came, 0 false pages"
    code, out, _ = run("aws-2025", "--json")
    (verdict,) = [json.loads(line) for line in out.splitlines()]
    assert (verdict["recording"]["id"], verdict["failures"], len(verdict["pages"])) == ("aws-2025", [], 1)


@pytest.mark.parametrize(
    ("id_", "old", "new", "said"),
    [
        (
            "aws-2025",
            "within: 2m",
            "within: 30s",
            "line 21: expected-data-missing came 70 s after the fault, promised 30s",
        ),
        (
            "aws-2025",
            "owner: web\n    title",
            "owner: tower\n    title",
            "false page after 670 s to web: expected-data",
        ),
        ("aws-2025", "fault: 10m", "fault: 20m", "false page after 670 s to web: expected-data"),
        ("weekly-deployment", "allow: [records]", "allow: [ttl]", "false page"),
        (
            "aws-2025",
            "resolves: true",
            "resolves: true\n    verdict: contradicted",
            "the verdict is None, not contradicted",
        ),
        (
            "seaturtle-2019",
            "becomes: hijack-sequence",
            "becomes: ds-changed",
            "it becomes hijack-sequence, not ds-changed",
        ),
    ],
    ids=["a broken promise", "another team", "too soon", "a false page", "another verdict", "another end"],
)
def test_what_is_not_as_it_should_be_is_told(tmp_path, id_, old, new, said):
    text = (EXHIBITS / f"{id_}.yaml").read_text()
    changed = text.replace(old, new)
    assert changed != text
    (tmp_path / f"{id_}.yaml").write_text(changed)
    code, out, _ = run("--folder", tmp_path)
    assert code == 1
    assert said in out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id: aws-2025", "id: aws-2026", "aws-2025.yaml:1:5: id 'aws-2026' differs from the file's name"),
        ("kind: incident", "kind: quiet", "nothing is expected of a quiet day"),
        (
            "rule: expected-data-missing",
            "rule: data-missing",
            "aws-2025.yaml:21:11: rule 'data-missing' is not in the pack",
        ),
        ("within: 2m", "within: soon", "aws-2025.yaml:25:13: "),
        ("owner: web, criticality", "owner: wob, criticality", "owner 'wob' is not under `teams`"),
        ("timeline:", "timelines:", "unknown key 'timelines'; did you mean 'timeline'?"),
        (
            "  - {to: 10m, names",
            "  - {zone: other.example, to: 10m, names",
            "aws-2025.yaml:14:12: zone 'other.example' is not under `zones`",
        ),
        ("from: 10m, to: 25m", "from: 10m, to: late", "aws-2025.yaml:15:21: 'late' is not a duration"),
        ("from: 10m, to: 25m", "from: 25m, to: 10m", "aws-2025.yaml:15:5: every 10s from 25m to 10m is never"),
        (
            "from: 10m, to: 25m",
            "from: 10m, every: 0s, to: 25m",
            "aws-2025.yaml:15:5: every 0s from 10m to 25m is never",
        ),
        ("from: 10m, to: 25m", "from: 10m, to: 25m, expires: soon", "aws-2025.yaml:15:35: 'soon' is not a duration"),
        ("    owner: web\n", "    owner: wob\n", "aws-2025.yaml:22:12: owner 'wob' is not under `teams`"),
        ("    owner: web\n", "    owner: web\n    zone: other.example\n", "zone 'other.example' is not under `zones`"),
    ],
    ids=[
        "another id",
        "a quiet incident",
        "no such rule",
        "no duration",
        "no such team",
        "unknown key",
        "no such zone",
        "no such time",
        "an end before the beginning",
        "no pace",
        "no such date",
        "no such team to be told",
        "no such zone of a page",
    ],
)
def test_a_broken_recording_is_named_with_its_line(tmp_path, old, new, said):
    text = (EXHIBITS / "aws-2025.yaml").read_text()
    assert old in text
    (tmp_path / "aws-2025.yaml").write_text(text.replace(old, new, 1))
    code, _, err = run("--folder", tmp_path)
    assert code == 1
    assert said in err


def test_a_recording_that_is_not_there(tmp_path):
    with pytest.raises(RulesError, match="no recording nowhere"):
        recordings(None, ["nowhere"])
    with pytest.raises(RulesError, match="no recordings"):
        recordings(tmp_path)

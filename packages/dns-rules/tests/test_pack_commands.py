"""`dns-rules coverage|diff|new|vendor`, run as a user runs them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import pytest
from dns_events import ndjson
from dns_rules import load_rules
from dns_rules.generate import Span, events
from dns_rules.rules import PACKAGED


def run(*arguments, cwd):
    done = subprocess.run(
        [sys.executable, "-m", "dns_rules", *map(str, arguments)], cwd=cwd, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def ours(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "pack.yaml").write_text("{name: ours, version: '1', over: packaged}")
    return folder


@pytest.fixture
def recording(tmp_path):
    (tmp_path / "inventory.yaml").write_text(
        "{version: 1, teams: {web: {name: Web}}, zones: [{zone: example.com, owner: web, criticality: critical}]}"
    )
    spans = (Span(to="2m"), Span(from_="2m", to="5m", outcome="timeout"), Span(from_="5m", to="8m"))
    (tmp_path / "outage.ndjson").write_bytes(b"\n".join(map(ndjson.encode, events("example.com", spans))))
    return ("outage.ndjson", "--inventory", "inventory.yaml")


@pytest.mark.parametrize(
    ("text", "change", "fields"),
    [
        ("disabled: true", "changed", {"rule", "severity", "title"}),
        ("severity: warning", "changed", {"severity"}),
        ("detect: {window: 10m}", "removed", set()),
    ],
    ids=["another rule takes over", "a severity", "what is no more"],
)
def test_diff_says_what_would_have_been_paged(ours, recording, tmp_path, text, change, fields):
    (ours / "zone-outage.yaml").write_text(f"id: zone-outage\n{text}\n")
    if change == "changed" and "disabled" in text:
        # Without the outage, the servers one by one.
        (ours / "authoritative-server-failing.yaml").write_text(
            "id: authoritative-server-failing\ndetect: {scope: any}\n"
        )
    code, out, err = run("diff", *recording, "--rules", "ours", "--json", cwd=tmp_path)
    (difference,) = [json.loads(line) for line in out.splitlines()]
    assert (code, difference["change"], difference["zone"]) == (3, change, "example.com")
    assert fields <= set(difference["fields"])
    assert "1 differences" in err


def test_diff_of_the_same_is_nothing(ours, recording, tmp_path):
    assert run("diff", *recording, "--rules", "ours", cwd=tmp_path)[:2] == (0, "")


def test_diff_for_people_has_both_sides(ours, recording, tmp_path):
    (ours / "zone-outage.yaml").write_text("id: zone-outage\nseverity: warning\n")
    _, out, _ = run("diff", *recording, "--rules", "ours", cwd=tmp_path)
    before, after = out.splitlines()
    assert before.startswith("- 2026-11-23 10:")
    assert before.endswith("in all regions (ap-south, eu-west, us-east)")
    assert (" critical web: " in before, " warning  web: " in after) == (True, True)


def test_vendor_copies_all_and_the_copy_works(tmp_path):
    code, out, _ = run("vendor", "dns", "--json", cwd=tmp_path)
    assert code == 0
    assert {each["what"] for each in json.loads(out)} == {"added"}
    assert load_rules(tmp_path / "dns" / "stream").rules == load_rules().rules
    assert run("vendor", "dns", cwd=tmp_path)[:2] == (0, "")


def test_vendor_updates_what_nobody_touched_and_keeps_what_somebody_changed(tmp_path):
    """A copy of an older pack: as if the pack had changed since."""
    run("vendor", "dns", cwd=tmp_path)
    record = json.loads((tmp_path / "dns" / "vendored.json").read_text())
    older = ("stream/zone-outage.yaml", "stream/ds-changed.yaml", "runbooks/ds-changed.md", "stream/gone.yaml")
    for name in older:
        (tmp_path / "dns" / name).write_text("older\n")
    record["files"] |= dict.fromkeys(older, hashlib.sha256(b"older\n").hexdigest())
    (tmp_path / "dns" / "vendored.json").write_text(json.dumps(record))
    (tmp_path / "dns" / "stream" / "ds-changed.yaml").write_text("ours\n")
    (tmp_path / "dns" / "runbooks" / "ds-changed.md").unlink()
    code, out, _ = run("vendor", "dns", cwd=tmp_path)
    assert code == 3
    assert {tuple(line.split()) for line in out.splitlines()} == {
        ("updated", "stream/zone-outage.yaml"),
        ("kept", "stream/ds-changed.yaml"),
        ("kept", "runbooks/ds-changed.md"),
        ("removed", "stream/gone.yaml"),
    }
    assert (tmp_path / "dns" / "stream" / "zone-outage.yaml").read_bytes() == (
        PACKAGED / "zone-outage.yaml"
    ).read_bytes()
    assert (tmp_path / "dns" / "stream" / "ds-changed.yaml").read_text() == "ours\n"
    assert not (tmp_path / "dns" / "runbooks" / "ds-changed.md").exists()
    # It is told again until somebody takes the new one.
    assert run("vendor", "dns", cwd=tmp_path)[0] == 3


def test_vendor_writes_into_no_folder_of_others(tmp_path):
    shutil.copytree(PACKAGED, tmp_path / "dns" / "stream")
    code, _, err = run("vendor", "dns", cwd=tmp_path)
    assert code == 1
    assert "was not made by this command" in err


@pytest.mark.parametrize("like", ["zone-outage", "probe-blind", "level", "hijack-sequence"])
def test_a_new_rule_works_at_once(ours, tmp_path, like):
    like = "ttl-below-policy" if like == "level" else like
    code, out, _ = run("new", "our-own", "--like", like, "--folder", "ours", cwd=tmp_path)
    assert code == 0
    assert out.split() == ["ours/our-own.yaml", "ours/our-own.test.yaml", "ours/runbooks/our-own.md"]
    code, out, _ = run("test", "our-own", "--rules", "ours", cwd=tmp_path)
    assert code == 0, out
    assert load_rules(ours).named("our-own").runbook == "our-own"


@pytest.mark.parametrize(
    ("id_", "like", "said"),
    [
        ("Our Own", "zone-outage", "is no id"),
        ("zone-outage", "zone-outage", "is there already"),
        ("our-own", "zone-outrage", "did you mean zone-outage?"),
    ],
    ids=["no id", "taken", "like nothing"],
)
def test_a_new_rule_needs_an_id_and_a_model(tmp_path, id_, like, said):
    code, _, err = run("new", id_, "--like", like, "--folder", "ours", cwd=tmp_path)
    assert code == 1
    assert said in err
    assert not (tmp_path / "ours").exists()


def test_coverage_names_what_no_test_fires(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("zone-outage.yaml", "zone-outage.test.yaml", "records-changed.yaml"):
        shutil.copy(PACKAGED / name, folder)
    for name in ("zone-outage.yaml", "records-changed.yaml"):
        text = (folder / name).read_text()
        (folder / name).write_text(
            "".join(line + "\n" for line in text.splitlines() if not line.startswith("explains"))
        )
    code, out, err = run("coverage", "--rules", "rules", "--json", cwd=tmp_path)
    assert code == 3
    rows = {row["rule"]: row for row in json.loads(out)}
    assert rows["zone-outage"]["fires"] >= 2
    assert rows["records-changed"] == {"rule": "records-changed", "fires": 0, "silent": 0, "elsewhere": 0}
    assert err == ""

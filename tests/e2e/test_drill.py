"""``./dev drill`` as a user runs it, and what it leaves: the page, marked as a drill, and a lab that is well."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.e2e.tower import ROOT, Tower

pytestmark = pytest.mark.lab


def drill(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.lab.drill", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_drill_prints_the_page_and_mends_the_lab(tmp_path):
    tower = Tower(tmp_path)
    try:
        tower.wait("all zones healthy", tower.all_healthy, 120)
        done = drill("ns-replaced", "--dir", str(tmp_path), "--json")
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        # Led by the takeover where validation failed before the page went out.
        assert report["page"]["rule"] in {"nameservers-changed", "delegation-takeover"}
        assert report["page"]["drill"] is True
        assert report["fault_to_page"] > 0
        assert report["mend_to_resolved"] > 0
        assert [page["incident"]["drill"] for page in tower.pages()] == [True, True]
        assert tower.incidents("firing", "pending") == []
        tower.wait("all zones healthy again", tower.all_healthy, 120)
    finally:
        assert tower.stop() == 0


def test_without_a_name_the_scenarios_are_listed():
    done = drill()
    assert done.returncode == 0
    assert "ds-mismatch" in done.stdout


def test_without_a_lab_it_says_what_to_start(tmp_path):
    done = drill("ds-mismatch", "--dir", str(tmp_path))
    assert done.returncode == 1
    assert "start one with ./dev up" in done.stderr

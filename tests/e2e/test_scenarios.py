"""Each scenario of the lab, through real servers: the right incident, no other, one page, and its end."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from tests.e2e.tower import ROOT, Tower
from tests.lab.scenarios import SCENARIOS

REGIONS = ["ap-south", "eu-west", "us-east"]

#: What a responder must be told. `title` are parts of it, `servers` the names of offenders.
EXPECTED: dict[str, dict[str, Any]] = {
    "server-down": {
        "rule": "authoritative-server-failing",
        "severity": "warning",
        "owner": "edge",
        "servers": ["ns4.four.lab"],
        "title": ["ns4.four.lab", "four.lab failing (unreachable)", "the zone's other servers answer"],
        "findings": {"authoritative-server-failing"},
    },
    "all-servers-down": {
        "rule": "zone-outage",
        "severity": "critical",
        "owner": "web",
        "servers": ["ns1.plain.lab", "ns2.plain.lab"],
        "title": ["plain.lab is down: all 2 name servers failing"],
        # No two servers stop in the same instant: for a moment only one of them fails.
        "findings": {"zone-outage", "zone-not-resolving", "authoritative-server-failing"},
    },
    "ds-mismatch": {
        "rule": "dnssec-validation-failing",
        "severity": "critical",
        "owner": "payments",
        "servers": ["ns1.bank.lab", "ns2.bank.lab"],
        "title": ["DNSSEC validation failing on bank.lab", "likely DS mismatch", "after recent change of DS"],
        "findings": {"dnssec-validation-failing", "ds-changed", "zone-not-resolving"},
    },
    "expired-signatures": {
        "rule": "dnssec-validation-failing",
        "severity": "critical",
        "owner": "payments",
        "servers": ["ns1.shop.lab", "ns2.shop.lab"],
        "title": ["DNSSEC validation failing on shop.lab", "likely expired signatures"],
        "findings": {"dnssec-validation-failing", "signatures-expiring", "zone-not-resolving"},
    },
    "ns-replaced": {
        # Paged for as nameservers-changed; what follows makes it more than that.
        "rule": "delegation-takeover",
        "severity": "critical",
        "owner": "web",
        "servers": ["ns1.rogue.lab", "ns2.rogue.lab"],
        "title": ["brand.lab may be hijacked: nameservers changed to ns1.rogue.lab", "DNSSEC broke within minutes"],
        "verdict": "contradicted",
        "findings": {
            "delegation-takeover",
            "nameservers-changed",
            "dnssec-validation-failing",
            "zone-not-resolving",
            "records-changed",
            "server-lagging",
        },
    },
    "region-stale": {
        "rule": "regions-disagree",
        "severity": "warning",
        "owner": "web",
        "regions": ["ap-south"],
        "names": ["www.news.lab"],
        "title": ["www.news.lab A", "only 67 % of regions agree", "ap-south still gives"],
        "findings": {"regions-disagree"},
    },
    "emptied-record": {
        "rule": "expected-data-missing",
        "severity": "critical",
        "owner": "web",
        "names": ["www.mail.lab"],
        "servers": ["ns1.mail.lab", "ns2.mail.lab"],
        "title": ["www.mail.lab A has no data (NODATA)"],
        "findings": {"expected-data-missing"},
    },
}
#: Window, lateness, hold and TTL, with room for a busy machine.
TO_PAGE, TO_END = 240, 300


class Wave:
    """All scenarios at once, each on its own zone, broken and then mended."""

    def __init__(self, tower: Tower) -> None:
        tower.wait("all zones healthy", tower.all_healthy, 120)
        # Long enough that agreement between the regions has been learned.
        time.sleep(75)
        assert tower.incidents("pending", "firing", "resolved") == []
        self.zones = {name: scenario.zone for name, scenario in SCENARIOS.items()}
        for name in SCENARIOS:
            tower.lab("break", name)
        tower.wait("a page for each", lambda: {i["zone"] for i in tower.incidents("firing")} == self.broken, TO_PAGE)
        # Effects follow causes for as long as caches last; they must not become incidents of their own.
        time.sleep(60)
        self.firing = tower.incidents("firing", "pending")
        self.exit_code = subprocess.run(
            [sys.executable, "-m", "kafka_bridge", "incidents", "--json", "--dir", str(tower.directory)],
            cwd=ROOT, capture_output=True, check=False,
        ).returncode  # fmt: skip
        for name in SCENARIOS:
            tower.lab("mend", name)
        tower.wait("the end of each", lambda: not tower.incidents("firing", "pending"), TO_END)
        tower.wait("health of all", tower.all_healthy, 180)
        time.sleep(5)
        self.resolved = tower.incidents("resolved")
        self.pages = tower.pages()

    @property
    def broken(self) -> set[str]:
        return set(self.zones.values())

    def incident(self, name: str) -> dict[str, Any]:
        (incident,) = [i for i in self.firing if i["zone"] == self.zones[name]]
        return incident


@pytest.fixture(scope="module")
def wave(tmp_path_factory: pytest.TempPathFactory):
    tower = Tower(tmp_path_factory.mktemp("tower"))
    try:
        yield Wave(tower)
    finally:
        tower.stop()


def test_every_scenario_is_expected_here():
    assert set(EXPECTED) == set(SCENARIOS)


@pytest.mark.lab
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_right_incident(wave: Wave, name: str):
    expected, incident = EXPECTED[name], wave.incident(name)
    assert incident["rule"] == expected["rule"]
    assert incident["severity"] == expected["severity"]
    assert incident["owner"] == expected["owner"]
    assert incident["state"] == "firing"
    assert incident["runbook"] == expected["rule"]
    assert incident["check_first"]
    assert incident["evidence"]
    assert incident["where"]["regions"] == expected.get("regions", REGIONS)
    for server in expected.get("servers", []):
        assert any(server in place for place in incident["where"]["servers"]), incident["where"]
    for listed in expected.get("names", []):
        assert listed in incident["where"]["names"]
    for part in expected["title"]:
        assert part in incident["title"]
    assert incident["verdict"] == expected.get("verdict")
    assert set(incident["findings"]) <= expected["findings"]


@pytest.mark.lab
def test_no_other_incident(wave: Wave):
    assert sorted(incident["zone"] for incident in wave.firing) == sorted(wave.broken)
    assert len(wave.resolved) == len(SCENARIOS)


@pytest.mark.lab
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_it_resolves_when_mended(wave: Wave, name: str):
    (incident,) = [i for i in wave.resolved if i["zone"] == wave.zones[name]]
    assert incident["id"] == wave.incident(name)["id"]


@pytest.mark.lab
def test_one_page_each_and_one_for_its_end(wave: Wave):
    told = sorted((page["incident"]["zone"], page["page"]) for page in wave.pages)
    assert told == sorted((zone, word) for zone in wave.broken for word in ("firing", "resolved"))


@pytest.mark.lab
def test_a_firing_incident_is_exit_code_3(wave: Wave):
    assert wave.exit_code == 3

"""Who is told, and where a page would reach nobody."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from dns_rules import Inventory, Team, Zone
from dns_rules.inventory import Escalation
from dns_rules.owners import owners
from msgspec import structs

WEB = Team(name="Web", notify=("slack:web",), escalate=(Escalation(after="15m", to="sec"),))
INVENTORY = Inventory(
    version=1,
    teams={"web": WEB, "sec": Team(name="Security", notify=("mail:sec@example.com",))},
    observers="sec",
    zones=(
        Zone(zone="b.example", owner="web"),
        Zone(zone="a.example", owner="web", criticality="critical", approvers=("alice@example.com",)),
    ),
)


def test_the_map_has_teams_with_their_zones_the_critical_ones_first():
    web, security = owners(INVENTORY).holdings
    assert web.zones == ("a.example (critical)", "b.example (normal)")
    assert (web.escalate, web.observes) == (("after 15m to sec",), False)
    assert (security.zones, security.observes) == ((), True)


def test_nothing_is_missing_where_nothing_is():
    assert owners(INVENTORY).gaps == ()


@pytest.mark.parametrize(
    ("changed", "gap"),
    [
        ({"observers": None}, "no `observers`"),
        ({"teams": {**INVENTORY.teams, "web": structs.replace(WEB, notify=())}}, "team web has no `notify`"),
        ({"teams": {**INVENTORY.teams, "ops": Team(name="Ops")}}, "team ops owns nothing, and nobody escalates to it"),
        (
            {"teams": {**INVENTORY.teams, "web": structs.replace(WEB, escalate=())}},
            "team web has critical zones and no `escalate`",
        ),
        (
            {"zones": (Zone(zone="a.example", owner="web", criticality="high"),)},
            "zone a.example is high and has no `approvers`",
        ),
    ],
    ids=["no observers", "no way to be told", "a team without anything", "nobody is woken", "nobody approves"],
)
def test_each_gap_is_a_sentence(changed, gap):
    gaps = owners(structs.replace(INVENTORY, **changed)).gaps
    assert any(sentence.startswith(gap) for sentence in gaps), gaps


def test_the_command(tmp_path):
    file = tmp_path / "inventory.yaml"
    file.write_text("{version: 1, teams: {web: {name: Web}}, zones: [{zone: example.com, owner: web}]}")
    command = [sys.executable, "-m", "dns_rules", "owners", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stdout.splitlines() == [
        "web: Web", "    told by nothing of its own; then nobody", "    example.com (normal)",
    ]  # fmt: skip
    assert "no `observers`" in done.stderr
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["holdings"][0]["zones"] == ["example.com (normal)"]

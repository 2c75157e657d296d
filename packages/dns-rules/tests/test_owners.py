"""Who is told, and where a page would reach nobody."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from dns_rules import Inventory, Team, Zone
from dns_rules.inventory import Escalation, Hours, Subdomain
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
    assert [(held.name, held.criticality) for held in web.zones] == [("a.example", "critical"), ("b.example", "normal")]
    assert web.zones[0].approvers == ("alice@example.com",)
    assert (web.escalate, web.observes) == (("after 15m to sec",), False)
    assert (security.zones, security.observes) == ((), True)


def test_a_part_of_a_zone_stands_with_its_own_team():
    zone = structs.replace(INVENTORY.zones[1], subdomains=(Subdomain(name="pay.a.example", owner="sec"),))
    web, security = owners(structs.replace(INVENTORY, zones=(zone,))).holdings
    assert [held.name for held in web.zones] == ["a.example"]
    assert [(held.name, held.zone) for held in security.zones] == [("pay.a.example", "a.example")]


def test_who_is_called_after_hours_is_said():
    teams = {**INVENTORY.teams, "web": structs.replace(WEB, hours=Hours(timezone="Europe/Berlin"), after_hours="sec")}
    web, security = owners(structs.replace(INVENTORY, teams=teams)).holdings
    assert web.hours == "09:00 to 17:00 Europe/Berlin, mon, tue, wed, thu and fri"
    assert web.after_hours == "sec, for what is critical"
    assert (security.hours, security.after_hours) == ("", "")


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
            {
                "teams": {
                    "web": structs.replace(WEB, hours=Hours(), after_hours="sec"),
                    "sec": structs.replace(INVENTORY.teams["sec"], hours=Hours()),
                }
            },
            "team web is relieved after hours by sec, which has hours of its own",
        ),
        (
            {"zones": (Zone(zone="a.example", owner="web", criticality="high"),)},
            "zone a.example is high and has no `approvers`",
        ),
    ],
    ids=[
        "no observers",
        "no way to be told",
        "a team without anything",
        "nobody is woken",
        "nobody after hours",
        "nobody approves",
    ],
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
    assert json.loads(done.stdout)["holdings"][0]["zones"] == [
        {"name": "example.com", "zone": "example.com", "criticality": "normal", "approvers": []}
    ]

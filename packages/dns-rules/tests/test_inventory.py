"""The inventory: what is fine, and one file for each thing that is not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from dns_rules import RulesError, Zone, load_inventory
from dns_rules.inventory import Subdomain

FILES = Path(__file__).parent / "inventories"

BAD = {
    "zone-without-owner": "5:5: zone example.com has no owner; write `owner:` and a team of `teams` (web)",
    "owner-unknown": "6:12: owner 'wob' is not under `teams` (web)",
    "unknown-key": "7:5: unknown key 'criticalty'; did you mean 'criticality'?",
    "criticality-unknown": "7:18: Invalid enum value 'urgent'",
    "zone-twice": "6:12: zone example.com stands twice, first at line 5; keep one",
    "record-outside-zone": "8:16: www.example.org is not in zone example.com; list it under its own zone",
    "zone-not-a-name": "5:11: 'exa..mple' is not a domain name",
    "key-twice": "7:5: 'owner' stands twice; keep one",
    "change-without-end": "8:9: change C1: `start` and `end` go together",
    "change-backwards": "8:52: change C1 ends before it starts",
    "change-without-zone": "8:25: change C1: start has no time zone; write for instance 2026-11-23 10:00:00Z",
    "schedule-not-a-rule": "8:28: change C1: ",
    "duration-not-one": "8:52: 'soon' is not a duration; write for instance 30s",
    "observers-unknown": "3:12: team 'towre' is not under `teams` (web)",
    "no-zones": "3:8: no zone; write at least one",
    "version-unknown": "1:10: Invalid enum value 2",
    "not-yaml": "not YAML",
    "plan-on-a-schedule": "7:66: change C1: a plan happens once; write `start` and `end`",
    "plan-outside-zone": "10:26: example.org is not in zone example.com; list it under its own zone",
    "plan-twice": "12:13: change C1: example.com A stands twice; write all its data in one",
    "subdomain-outside-zone": "8:16: shop.example.org is not in zone example.com; list it under its own zone",
    "subdomain-owner-unknown": "8:41: owner 'shp' is not under `teams` (web)",
    "after-hours-unknown": "5:18: team 'ngiht' is not under `teams` (web)",
    "after-hours-without-hours": "5:18: `after_hours` without `hours` is never; write `hours: {}`",
    "hours-without-days": "5:19: no days; write at least one of mon, tue",
    "hours-zone-unknown": "5:23: no time zone 'Europe/Berln'; write one of the IANA database, for instance Europe",
    "hours-not-a-time": "5:19: '9 am' is no time of day; write for instance '09:00'",
}


def test_every_bad_file_has_its_message():
    assert {path.stem for path in FILES.glob("*.yaml")} == {*BAD, "good"}


@pytest.mark.parametrize("name", sorted(BAD))
def test_one_fault(name):
    path = FILES / f"{name}.yaml"
    with pytest.raises(RulesError) as caught:
        load_inventory(path)
    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert BAD[name] in message


def test_the_example_of_the_design():
    inventory = load_inventory(FILES / "good.yaml")
    zone = inventory.zone("example.com")
    assert zone is not None
    assert zone.nameservers == ("ns1.example.net", "ns2.example.net")
    assert zone.expectation("www.example.com", "A").expect == ("192.0.2.1",)
    assert zone.expectation("cdn.example.com", "A").split
    assert zone.expectation("cdn.example.com", "AAAA") is None
    assert inventory.zone("example.org").dnssec == "off"
    assert inventory.zone("example.net") is None


@pytest.mark.parametrize(
    ("names", "owner"),
    [
        ((), "web"),
        (("example.com",), "web"),
        (("shop.example.com",), "shop"),
        (("a.shop.example.com", "shop.example.com"), "shop"),
        (("pay.shop.example.com",), "pay"),
        (("shop.example.com", "www.example.com"), "web"),
        (("eshop.example.com",), "web"),
    ],
)
def test_a_subdomain_has_the_owner_of_the_longest_entry(names, owner):
    subdomains = (Subdomain(name="shop.example.com", owner="shop"), Subdomain(name="pay.shop.example.com", owner="pay"))
    assert Zone(zone="example.com", owner="web", subdomains=subdomains).owner_of(names) == owner


def at(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("time", "what", "change"),
    [
        ("2026-11-23T10:00:00", "ns", "CHG-1041"),
        ("2026-11-23T10:59:59", "ds", "CHG-1041"),
        ("2026-11-23T11:00:00", "ns", None),
        ("2026-11-23T09:59:59", "ns", None),
        ("2026-11-23T10:30:00", "registration", None),
        ("2026-11-24T09:00:00", "records", "weekly"),
        ("2026-11-24T10:59:59", "records", "weekly"),
        ("2026-11-24T11:00:00", "records", None),
        ("2026-11-25T09:30:00", "records", None),
        ("2026-11-24T09:30:00", "ns", None),
    ],
)
def test_change_windows(time, what, change):
    window = load_inventory(FILES / "good.yaml").zone("example.com").window(at(time), what)
    assert (window.id if window else None) == change


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RulesError, match="No such file"):
        load_inventory(tmp_path / "none.yaml")

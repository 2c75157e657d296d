"""A changed inventory takes effect and is recorded; a broken one does neither."""

from __future__ import annotations

import shutil
import threading

import pytest
from dns_rules import load_inventory, load_rules
from dns_rules.rules import PACKAGED
from kafka_bridge.reloading import Reloading, Watched, record
from wire import INVENTORY_YAML

MORE = INVENTORY_YAML + "  - {zone: example.org, owner: web}\n"


class Taken:
    def __init__(self):
        self.event = threading.Event()
        self.last = None

    def __call__(self, watched):
        self.last = watched
        self.event.set()


@pytest.fixture
def place(tmp_path):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    shutil.copytree(PACKAGED, tmp_path / "rules")
    return tmp_path


@pytest.fixture
def running(place, pool):
    taken = Taken()
    inventory, rules = str(place / "inventory.yaml"), str(place / "rules")
    watched = Watched(load_inventory(inventory), load_rules(rules))
    reloading = Reloading(inventory, rules, pool, watched, taken)
    reloading.taken = taken
    reloading.start()
    yield reloading
    reloading.stop()


def entries(pool, action="inventory.change"):
    with pool.connection() as connection:
        rows = connection.execute("select actor, detail from audit_log where action = %s order by seq", (action,))
        return rows.fetchall()


def test_a_change_is_taken_and_recorded(place, pool, running):
    assert [detail["count"] for _, detail in entries(pool)] == [2]
    (place / "inventory.yaml").write_text(MORE)
    assert running.taken.event.wait(20)
    assert [zone.zone for zone in running.taken.last.inventory.zones] == ["example.com", "example.net", "example.org"]
    actor, detail = entries(pool)[-1]
    assert "@" in actor
    assert {key: detail[key] for key in ("added", "removed", "changed", "count")} == {
        "added": ["example.org"], "removed": [], "changed": [], "count": 3,
    }  # fmt: skip


def test_a_changed_rule_is_recorded_by_name(place, pool, running):
    (place / "rules" / "hijack-sequence.yaml").unlink()
    running.ask()
    assert running.taken.event.wait(20)
    assert entries(pool, "rules.change")[-1][1]["removed"] == ["hijack-sequence"]
    assert len(entries(pool)) == 1


def test_a_change_of_the_pack_below_is_taken(place, pool):
    ours = place / "ours"
    ours.mkdir()
    (ours / "pack.yaml").write_text("{name: ours, version: '1', over: ../rules}")
    (ours / "zone-outage.yaml").write_text("{id: zone-outage, hold: 60s}")
    inventory, taken = str(place / "inventory.yaml"), Taken()
    reloading = Reloading(inventory, str(ours), pool, Watched(load_inventory(inventory), load_rules(ours)), taken)
    reloading.start()
    try:
        file = place / "rules" / "zone-outage.yaml"
        file.write_text(file.read_text().replace("ratio: 0.9", "ratio: 0.8"))
        assert taken.event.wait(20)
        rule = taken.last.rules.named("zone-outage")
        assert (rule.hold, rule.detect.ratio) == ("60s", 0.8)
    finally:
        reloading.stop()


def test_a_broken_file_is_named_and_the_old_one_stays(place, pool, running, caplog):
    (place / "inventory.yaml").write_text(MORE.replace("owner: web}\n", "owner: wob}\n", 1))
    running.ask()
    while running.refused is None:
        assert not running.taken.event.wait(0.05)
    assert f"{place / 'inventory.yaml'}:6:32: owner 'wob'" in running.refused
    assert "inventory and rules stay as they were" in caplog.text
    (place / "inventory.yaml").write_text(MORE)
    assert running.taken.event.wait(20)
    assert running.refused is None
    assert len(entries(pool)) == 2


def test_two_processes_record_one_change_once(place, pool):
    watched = Watched(load_inventory(place / "inventory.yaml"), load_rules(place / "rules"))
    for _ in range(3):
        record(pool, None, watched)
    assert len(entries(pool)) == 1

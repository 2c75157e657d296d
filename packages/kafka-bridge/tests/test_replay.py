"""History judged again: by the same rules it is the same, by others the difference is told; it never pages."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys

import psycopg
import pytest
from dns_rules import Engine
from dns_rules.rules import PACKAGED
from kafka_bridge.archive.archiver import Archiver
from kafka_bridge.archive.settings import Archive
from kafka_bridge.intake.journal import Journal
from kafka_bridge.pipeline.worker import Worker
from kafka_bridge.replay.compare import compare
from msgspec import structs
from wire import INVENTORY, INVENTORY_YAML, RULES, correlate, outage, request


def incident(**changes):
    engine = Engine(INVENTORY, RULES)
    found = [*engine.step(EVENTS).incidents, *engine.finish().incidents]
    return structs.replace(next(i for i in found if i.state == "firing"), **changes)


EVENTS = outage()
SINCE = incident().since
MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("then", "now", "verdicts"),
    [
        pytest.param([{}], [{}], ["same"], id="same"),
        pytest.param([{}], [{"since": SINCE + MINUTE}], ["later"], id="later"),
        pytest.param([{}], [{"since": SINCE - MINUTE}], ["earlier"], id="earlier"),
        pytest.param([{}], [], ["gone"], id="gone"),
        pytest.param([], [{}], ["new"], id="new"),
        pytest.param([{}], [{"zone": "example.net"}], ["gone", "new"], id="another zone's"),
        pytest.param([{}], [{"since": SINCE + 20 * MINUTE}], ["gone", "new"], id="too far apart"),
        pytest.param([{"rule": "other"}], [{}], ["same"], id="led by another rule"),
        pytest.param(
            [{"id": "a"}, {"id": "b", "since": SINCE + 10 * MINUTE}],
            [{"id": "c", "since": SINCE + 9 * MINUTE}],
            ["gone", "earlier"],
            id="the nearest one",
        ),
    ],
)
def test_pairs(then, now, verdicts):
    found = compare([incident(**changes) for changes in then], [incident(**changes) for changes in now])
    assert sorted(c.verdict for c in found) == sorted(verdicts)


@pytest.fixture
def place(tmp_path, pool):
    """A bridge's configuration, store and archive, after an outage that was paged."""
    events = outage()
    journal = Journal(pool)
    for n in range(0, len(events), 100):
        journal.append(request(events[n : n + 100]), "test")
    journal.close()
    worker = Worker(pool, INVENTORY, RULES, archive=True)
    while worker.turn(dt.datetime.now(dt.UTC)):
        pass
    correlate(pool)
    archiver = Archiver(pool.conninfo, Archive(url=str(tmp_path / "archive")))
    assert archiver.turn(now=True) == len(events)
    archiver._leader.drop()
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    shutil.copytree(PACKAGED, tmp_path / "rules")
    (tmp_path / "bridge.yaml").write_text(
        json.dumps({"version": 1, "inventory": "inventory.yaml", "archive": {"url": "archive"},
                    "store": {"url": pool.conninfo}})
    )  # fmt: skip
    return tmp_path


def replay(place, *words):
    done = subprocess.run(
        [sys.executable, "-m", "kafka_bridge", "replay", "--config", str(place / "bridge.yaml"), "--from", "1h",
         "--json", *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def pages(pool):
    with pool.connection() as connection:
        return connection.execute("select count(*) from outbox").fetchone()[0]


def test_the_same_rules_say_the_same(place, pool):
    code, (found,), err = replay(place)
    assert (code, found["verdict"], found["shift"], found["zone"]) == (0, "same", 0.0, "example.com"), err
    assert "1 same, 0 earlier, 0 later, 0 new, 0 gone" in err
    assert "100%" in err
    assert f"{len(EVENTS)} events" in err


def test_other_rules_are_compared_and_nobody_is_paged(place, pool):
    before = pages(pool)
    slow = place / "rules" / "zone-outage.yaml"
    slow.write_text(slow.read_text().replace("window:", "window: {critical: 2h, high: 2h, normal: 2h}  #", 1))
    code, found, err = replay(place, "--rules", str(place / "rules"), "--into", "shadow")
    assert code == 3, err
    assert found[0]["rule_then"] == "zone-outage" or {c["verdict"] for c in found} >= {"gone"}
    assert pages(pool) == before
    with pool.connection() as connection:
        run, comparison = connection.execute("select run, comparison from shadow_run").fetchone()
        kept = connection.execute("select count(*) from shadow_incident where run = %s", (run,)).fetchone()[0]
    assert len(comparison) == len(found)
    assert kept == sum(c["verdict"] != "gone" for c in found)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "yesterday"], "--to 'yesterday' is neither a time"),
        (["--to", "2h"], "--from 1h is not before --to 2h"),
        (["--zone", "example.org"], "the inventory has no zone example.org"),
        (["--source", "kafka"], "needs `kafka` in bridge.yaml"),
    ],
)
def test_a_wrong_word_is_named(place, words, message):
    code, found, err = replay(place, *words)
    assert (code, found) == (1, [])
    assert message in err
    assert "Traceback" not in err


def test_a_zone_alone(place):
    assert replay(place, "--zone", "example.net")[:2] == (0, [])


def test_without_an_archive(place, pool):
    (place / "bridge.yaml").write_text(
        json.dumps({"version": 1, "inventory": "inventory.yaml", "store": {"url": pool.conninfo}})
    )
    code, _, err = replay(place)
    assert (code, "there is no `archive` in bridge.yaml" in err) == (1, True)
    assert psycopg.conninfo.conninfo_to_dict(pool.conninfo)["password"] not in err

"""People and incidents: who has taken one on, and of what nobody is called; by the commands they type."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys

import pytest
from dns_rules import Team
from dns_rules.inventory import Escalation
from kafka_bridge.intake.journal import Journal
from kafka_bridge.notify.routing import Routing
from kafka_bridge.pipeline.correlator import Correlator
from kafka_bridge.pipeline.worker import Worker
from msgspec import structs
from wire import INVENTORY, INVENTORY_YAML, RULES, outage, request

ESCALATING = structs.replace(
    INVENTORY,
    teams={
        "web": Team(name="Web", escalate=(Escalation(after="10m", to="lead"),)),
        "lead": Team(name="Lead"),
    },
)
SECOND = dt.timedelta(seconds=1)


class Tower:
    """A store in which a zone is down, the correlation of it at a time of the test's own, and the commands."""

    def __init__(self, pool, config):
        self.pool = pool
        self.config = config
        self.correlator = Correlator(pool.conninfo, ESCALATING, RULES, Routing(("file",)))
        with pool.connection() as connection:
            connection.execute("insert into zone_owner values ('example.com', 'web', 'Web platform', 'critical')")

    def outage(self):
        journal = Journal(self.pool)
        journal.append(request(outage()), "test")
        working = Worker(self.pool, INVENTORY, RULES)
        while working.turn(dt.datetime.now(dt.UTC), tick=True):
            pass
        journal.close()

    def pass_time(self, *, seconds=0):
        """Correlate as if all partitions had come so much further."""
        with self.pool.connection() as connection:
            connection.execute("update bus_offset set sealed = sealed + %s", (seconds * SECOND,))
        assert self.correlator.turn()

    def pages(self):
        with self.pool.connection() as connection:
            return connection.execute("select transition, body from outbox order by id").fetchall()

    def run(self, *arguments, code=0):
        done = subprocess.run(
            [sys.executable, "-m", "kafka_bridge", *arguments, "--config", str(self.config)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return done

    def json(self, *arguments, code=0):
        return [json.loads(line) for line in self.run(*arguments, "--json", code=code).stdout.splitlines()]


@pytest.fixture
def tower(pool, server, tmp_path):
    config = tmp_path / "bridge.yaml"
    config.write_text(json.dumps({"store": {"url": server.conninfo}, "inventory": "inventory.yaml"}))
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    made = Tower(pool, config)
    yield made
    made.correlator.stop()


def test_an_incident_that_is_taken_on_escalates_no_more(tower):
    tower.outage()
    tower.pass_time()
    (incident,) = tower.json("incidents", code=3)
    assert [call["team"] for call in incident["calls"]] == ["web"]
    (done,) = tower.json("acknowledge", incident["id"][:6], "--by", "ann@example.com", "--note", "rolling back")
    assert done == {"incident": incident["id"], "by": "ann@example.com", "note": "rolling back"}
    tower.pass_time(seconds=5)
    tower.pass_time(seconds=3600)
    (incident,) = tower.json("incidents", code=3)
    assert [call["team"] for call in incident["calls"]] == ["web"]
    assert incident["acknowledged"]["by"] == "ann@example.com"
    assert [transition for transition, _ in tower.pages()] == ["firing", "acknowledged"]
    assert "taken on by ann@example.com (rolling back)" in tower.run("incidents", code=3).stdout
    with tower.pool.connection() as connection:
        deeds = connection.execute("select actor, action, detail ->> 'incident' from v_audit").fetchall()
    assert deeds == [("ann@example.com", "incident.acknowledge", incident["id"])]


def test_an_incident_that_nobody_takes_on_calls_the_next_team(tower):
    tower.outage()
    tower.pass_time()
    tower.pass_time(seconds=3600)
    assert [(transition, body["calls"][-1]["team"]) for transition, body in tower.pages()] == [
        ("firing", "web"),
        ("escalated", "lead"),
    ]
    with tower.pool.connection() as connection:
        assert connection.execute("select number, team, why from v_call order by number").fetchall() == [
            (1, "web", "firing"),
            (2, "lead", "escalated"),
        ]


def test_what_is_silenced_is_judged_and_calls_when_the_silence_ends(tower):
    (silence,) = tower.json("silence", "add", "--zone", "Example.COM.", "--for", "2h", "--reason", "moving racks")
    assert (silence["zone"], silence["reason"]) == ("example.com", "moving racks")
    with tower.pool.connection() as connection:
        # The outage of the test began before the test did.
        connection.execute("update silence set started = started - interval '1 hour'")
    tower.outage()
    tower.pass_time()
    (incident,) = tower.json("incidents", code=3)
    assert (incident["state"], incident["calls"], incident["silenced"]["reason"]) == ("firing", [], "moving racks")
    assert tower.pages() == []
    assert tower.run("silence", "end", silence["id"][:8]).stdout == f"silence {silence['id']} is over\n"
    assert tower.json("silence", "list") == []
    assert [entry["id"] for entry in tower.json("silence", "list", "--all")] == [silence["id"]]
    tower.pass_time(seconds=600)
    assert [transition for transition, _ in tower.pages()] == ["firing"]
    with tower.pool.connection() as connection:
        deeds = connection.execute("select action from v_audit order by seq").fetchall()
    assert deeds == [("silence.add",), ("silence.end",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("silence", "add", "--for", "2h", "--reason", "x"), "everything is too much; give --zone, --rule or --owner"),
        (("silence", "add", "--zone", "example.com", "--reason", "x"), "a silence ends: give --for"),
        (("silence", "add", "--zone", "example.com", "--for", "soon", "--reason", "x"), "--for: 'soon' is not"),
        (
            ("silence", "add", "--zone", "example.com", "--until", "2020-01-01T00:00:00", "--reason", "x"),
            "--until 2020-01-01 00:00:00Z has passed",
        ),
        (("silence", "add", "--zone", "a..b", "--for", "2h", "--reason", "x"), "--zone: 'a..b' is not a domain name"),
        (("silence", "add", "--zone", "b", "--for", "2h", "--reason", "x\ny"), "--reason: one line"),
        (("silence", "end", "nope"), "no silence in force begins with 'nope'"),
        (("acknowledge", "nope"), "no incident begins with 'nope'"),
    ],
)
def test_what_is_meant_otherwise_is_said(tower, arguments, said):
    assert said in tower.run(*arguments, code=1).stderr


def test_a_zone_that_nobody_watches_is_pointed_out(tower):
    done = tower.run("silence", "add", "--zone", "example.cmo", "--for", "2h", "--reason", "x")
    assert "the inventory has no zone of which zone is example.cmo" in done.stderr


def test_what_is_over_cannot_be_taken_on(tower):
    with tower.pool.connection() as connection:
        connection.execute(
            "insert into incident values ('abc', 'example.com', 'zone-outage', 'availability', 'critical', 'resolved', "
            "now(), now(), 'web', 'x', false, '{}')"
        )
    assert "incident abc is resolved: there is nothing to take on" in tower.run("acknowledge", "a", code=1).stderr


def test_pages_go_to_the_receivers_of_the_teams_that_are_called(tower):
    teams = ESCALATING.teams
    tower.correlator.inventory = structs.replace(
        ESCALATING,
        teams={
            "web": structs.replace(teams["web"], notify=("slack:oncall",)),
            "lead": structs.replace(teams["lead"], notify=("mail", "slack:gone")),
        },
    )
    tower.correlator._routing = Routing(("file",), {"oncall": "slack", "mail": "email"})
    tower.outage()
    tower.pass_time()
    tower.pass_time(seconds=3600)
    tower.run("acknowledge", tower.json("incidents", code=3)[0]["id"], "--by", "ann")
    tower.pass_time(seconds=5)
    with tower.pool.connection() as connection:
        sent = connection.execute(
            "select transition, array_agg(notifier order by notifier) from outbox join delivery on page = id "
            "group by id order by id"
        ).fetchall()
    assert sent == [
        ("firing", ["file", "oncall"]),
        ("escalated", ["file", "mail"]),
        ("acknowledged", ["file", "mail", "oncall"]),
    ]

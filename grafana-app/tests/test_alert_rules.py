"""Grafana-managed rules over the store, each query on a real PostgreSQL: it fires, and it does not."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from dns_rules.packs import load_rules
from dns_rules.provision import rules_store

RULES = rules_store.rules(load_rules(), "store", "https://wiki.example.com/%s", "tower")
INCIDENTS = [rule for rule in RULES if rule.group == "dnstower.incidents"]
PIPELINE = {rule.uid.removeprefix("dnstower-s-"): rule for rule in RULES if rule.group == "dnstower.pipeline"}
NUMBERS = (int, float, Decimal)

INCIDENT = """
    insert into incident (id, zone, rule, class, severity, state, since, updated, owner, title, drill, body)
    values ('i-{rule}', 'example.com', '{rule}', 'availability', 'critical', '{state}', now(), now(), 'web', 'x',
            {drill}, '{{}}')"""
SILENCE = "insert into silence (ends, reason, actor, {column}) values (now() + interval '1 hour', 'x', 'x', '{value}')"
LABELS = {"zone": "example.com", "owner": "web", "severity": "critical", "class": "availability"}
#: What is there, and whom it calls.
LIVES = {
    "firing": ({}, None, [LABELS]),
    "pending": ({"state": "pending"}, None, []),
    "resolved": ({"state": "resolved"}, None, []),
    "a drill": ({"drill": "true"}, None, []),
    "silenced by zone": ({}, ("zone", "example.com"), []),
    "silenced by owner": ({}, ("owner", "web"), []),
    "another zone is silenced": ({}, ("zone", "example.net"), [LABELS]),
}

PROBE = "insert into probe_seen values ('{0}', 'eu-west', now(), now() - interval '{1}', 0, 1)"
OFFSET = "insert into bus_offset (consumer, partition, sealed) values ('judge', 0, now() - interval '{}')"
PAGE = """
    with page as (insert into outbox (incident, transition, created, body)
                  values ('i', 'firing', now() - interval '{}', '{{}}') returning id)
    insert into delivery (page, notifier, delivered) select id, 'file', {} from page"""
LETTER = """insert into deadletter (partition, "offset", topic, reason, payload, received, retried)
    values (0, {0}, 'dns.raw', 'no OTLP', 'x', now() - interval '{0} min', {1})"""
#: Rule, what makes it fire, with which labels, and what does not.
WATCHED = {
    "monitoring-down": ([PROBE.format("a", "6 min"), PROBE.format("b", "7 min")], [{}],
                        [PROBE.format("a", "6 min"), PROBE.format("b", "1 min")]),
    "probe-gone": ([PROBE.format("a", "6 min"), PROBE.format("b", "1 min")], [{"probe": "a", "region": "eu-west"}],
                   [PROBE.format("a", "7 hours"), PROBE.format("b", "1 min")]),
    "pipeline-behind": ([OFFSET.format("3 min")], [{"part": "judge"}], [OFFSET.format("1 min"),
                                                                        PAGE.format("3 min", "null")]),
    "pages-undelivered": ([PAGE.format("3 min", "null")], [{"part": "deliver"}],
                          [PAGE.format("3 min", "now()"), OFFSET.format("3 min")]),
    "dead-letters": ([LETTER.format(5, "null")], [{}], [LETTER.format(120, "null"), LETTER.format(5, "now()")]),
}  # fmt: skip


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    from kafka_bridge.postgres.server import Server
    from kafka_bridge.store.pool import open_pool

    with Server(tmp_path_factory.mktemp("pg") / "postgres") as server, open_pool(server.conninfo, size=6):
        yield server.conninfo


@pytest.fixture
def connection(database):
    """What is written in a test is gone after it."""
    with psycopg.connect(database, options="-c search_path=dnstower") as opened:
        yield opened
        opened.rollback()


def firing(connection, rule):
    """What Grafana makes of it: texts are labels, and of one number each, those above the limit."""
    text = rule.data[0]["model"]["rawSql"]
    assert "$" not in text, "no macros: nothing is to be expanded"
    cursor = connection.execute(text)
    columns = [column.name for column in cursor.description]
    ((limit,),) = [condition["evaluator"]["params"] for condition in rule.data[1]["model"]["conditions"]]
    found = []
    for row in cursor.fetchall():
        labels = {name: value for name, value in zip(columns, row, strict=True) if isinstance(value, str)}
        (number,) = (value for value in row if not isinstance(value, str))
        assert number is None or isinstance(number, NUMBERS)
        if number is not None and number > limit:
            found.append(labels)
    return found


@pytest.mark.parametrize("rule", INCIDENTS, ids=lambda rule: rule.uid)
def test_an_incident_of_the_rule_fires_and_no_other_does(connection, rule):
    of = rule.uid.removeprefix("dnstower-s-")
    connection.execute(INCIDENT.format(rule="another", state="firing", drill="false"))
    assert firing(connection, rule) == []
    connection.execute(INCIDENT.format(rule=of, state="firing", drill="false"))
    assert firing(connection, rule) == [LABELS]


@pytest.mark.parametrize(("changes", "silenced", "expected"), LIVES.values(), ids=LIVES)
def test_what_calls_and_what_does_not(connection, changes, silenced, expected):
    (rule,) = [rule for rule in INCIDENTS if rule.uid == "dnstower-s-zone-outage"]
    connection.execute(INCIDENT.format(**{"rule": "zone-outage", "state": "firing", "drill": "false"} | changes))
    if silenced is not None:
        connection.execute(SILENCE.format(column=silenced[0], value=silenced[1]))
    assert firing(connection, rule) == expected


@pytest.mark.parametrize("name", PIPELINE)
def test_the_pipelines_own(connection, name):
    trouble, labels, quiet = WATCHED[name]
    for statement in quiet:
        connection.execute(statement)
    assert firing(connection, PIPELINE[name]) == []
    connection.rollback()
    for statement in trouble:
        connection.execute(statement)
    assert firing(connection, PIPELINE[name]) == labels


def test_a_role_that_reads_the_views_may_ask_all_of_it(store):
    """Of an estate that the bridge's own pipeline wrote."""
    with psycopg.connect(store, autocommit=True) as reader:
        fired = {rule.uid: found for rule in RULES if (found := firing(reader, rule))}
    assert {"dnstower-s-dead-letters"} <= set(fired)

"""Grafana-managed rules over the store, each query on a real PostgreSQL, as the role that reads the views."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest
from dns_rules.packs import load_rules
from dns_rules.provision import rules_store
from grafana import expand

RULES = rules_store.rules(load_rules(), "store", "https://wiki.example.com/%s", "tower")
NUMBERS = (int, float, Decimal)
#: Of an estate whose bridge stopped half an hour ago, with an outage of one zone.
FIRES = {"dnstower-s-zone-outage"}


@pytest.fixture
def reader(store):
    with psycopg.connect(store, autocommit=True) as connection:
        yield connection


def firing(reader, rule):
    """What Grafana makes of it: texts are labels, and of one number each, those above the limit."""
    text = rule.data[0]["model"]["rawSql"]
    assert expand(text, None, None) == text if "$" not in text else True
    cursor = reader.execute(text)
    columns = [column.name for column in cursor.description]
    found = []
    for row in cursor.fetchall():
        labels = {name: value for name, value in zip(columns, row, strict=True) if isinstance(value, str)}
        numbers = [value for value in row if not isinstance(value, str)]
        assert len(numbers) == 1, "one number"
        assert isinstance(numbers[0], NUMBERS) or numbers[0] is None
        ((limit,),) = [condition["evaluator"]["params"] for condition in rule.data[1]["model"]["conditions"]]
        if numbers[0] is not None and numbers[0] > limit:
            found.append(labels)
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.uid)
def test_a_query_gives_labels_and_one_number(reader, rule):
    found = firing(reader, rule)
    if rule.group == "dnstower.incidents":
        assert bool(found) == (rule.uid in FIRES)
        assert all(set(labels) == {"zone", "owner", "severity", "class"} for labels in found)

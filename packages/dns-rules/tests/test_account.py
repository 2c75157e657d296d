"""Why an incident was there."""

from __future__ import annotations

from functools import lru_cache

import pytest
from dns_rules import Engine, RulesError, load_rules
from dns_rules.account import account, in_words, prevented
from dns_rules.museum import recordings

RULES = load_rules()


@lru_cache
def judged(id_):
    """A recording's changes of incidents, and its events."""
    ((_, recording),) = recordings(None, [id_])
    happened = recording.events()
    changes = Engine(recording.inventory, RULES).run(happened)
    return changes, {event.id: event for event in happened}, recording.zones[0]


def told(id_, rule):
    changes, happened, zone = judged(id_)
    incident = next(i for i in changes if i.rule == rule)
    return account(incident.id, changes, happened, zone, RULES)


def test_an_outage_has_its_life_its_thresholds_and_its_events():
    found = told("facebook-2021", "zone-outage")
    assert [turn.state for turn in found.life] == ["pending", "firing", "resolved"]
    # What came first, in a single rule's words, is part of the life.
    assert all("social.example" in turn.title for turn in found.life)
    assert found.rules[0].startswith("zone-outage: Fires when 90 % or more of at least 6 answers of every one of")
    assert "within 60s are timeouts" in found.rules[0]
    assert len(found.rules) == len(found.incident.findings)
    assert any(line.endswith("social.example A at 192.0.2.1: timeouts") for line in found.events)
    assert found.events == tuple(sorted(found.events))
    assert found.prevented == "Fewer than 90 % of failures in any 60s, or a mend before that."


@pytest.mark.parametrize(
    ("recording", "rule", "said"),
    [
        (
            "nytimes-2013",
            "nameservers-changed",
            "A change window that allows `ns` at 2026-11-23 10:10Z or the new value",
        ),
        ("fox-it-2017", "records-changed", "an edit by one of the zone's `approvers`"),
        ("c-root-2024", "server-lagging", "A transfer to the server that lags"),
        ("myetherwallet-2018", "answers-rogue", "Nothing of yours"),
        ("dnsops-gov-2018", "signatures-expiring", "New signatures before"),
        ("marketo-2017", "registration-expiring", "A renewal before"),
        ("seaturtle-2019", "ttl-below-policy", "A TTL of the inventory's `ttl_minimum` or more"),
        ("seaturtle-2019", "hijack-sequence", "declared in a change window, so that fewer than 3 were left"),
    ],
)
def test_what_would_have_prevented_it(recording, rule, said):
    changes, happened, zone = judged(recording)
    incident = [i for i in changes if i.rule == rule][-1]
    assert said in prevented(RULES.named(rule), incident, zone.criticality)
    found = account(incident.id, changes, happened, zone, RULES)
    assert found.events


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_rule_knows_what_would_have_prevented_it(rule):
    changes, _, _ = judged("facebook-2021")
    assert prevented(rule, changes[0], None).endswith(".")


def test_events_in_words():
    changes, happened, _ = judged("seaturtle-2019")
    lines = {in_words(event).split(": ", 1)[1] for event in happened.values()}
    assert "registration: statuses client transfer prohibited" in lines
    assert "delegation: NS at the parent ns1.rogue.example" in lines
    assert "ministry.example MX at 192.0.2.1: 5 mail.rogue.example." in lines
    assert changes


def test_an_incident_that_is_not_there():
    changes, happened, zone = judged("facebook-2021")
    with pytest.raises(RulesError, match="0 incidents begin with 'nope'"):
        account("nope", changes, happened, zone, RULES)

"""What is known beside an event: from the inventory, from what was seen before, and from the judgement."""

from __future__ import annotations

import datetime as dt
import json
import pickle

import pytest
from dns_events import DecodeError, Delegation, Probe, Registration, ZoneChange, ndjson, new_id
from dns_rules import Inventory, Judgement, Team, Zone, load_rules
from dns_rules.enrichment import Enriched, Known, as_json, decode, join, learn, minute_of, question_of
from dns_rules.flink.enriching import Enriching
from dns_rules.generate import EPOCH, Span, events
from dns_rules.inventory import Change, Expectation
from msgspec import structs

PROBE = Probe(id="eu-1", region="eu-west")
RULES = load_rules()
HOUR = dt.timedelta(hours=1)
INVENTORY = Inventory(
    version=1,
    teams={"web": Team(name="Web platform")},
    zones=(
        Zone(
            zone="example.com", owner="web", criticality="critical", dnssec="required",
            records=(Expectation(name="example.com", type="A", expect=("198.51.100.1",)),),
            changes=(Change(id="CHG-7", start=EPOCH - HOUR, end=EPOCH + HOUR, allow=("records",)),),
        ),
    ),
)  # fmt: skip
ASKED, *_ = events("example.com", (Span(to="10s", every="5s"),), EPOCH)


def seen(kind, time=EPOCH, zone="example.com", **fields):
    return kind(id=new_id(), time=time, probe=PROBE, zone=zone, **fields)


def enriched(*listed, inventory=INVENTORY):
    """The last event's enrichment, after all of them were judged."""
    judgement, known = Judgement(inventory, RULES), Known()
    judgement.step(list(listed))
    last = listed[-1]
    for event in listed:
        known = learn(known, event)
    zone, state = inventory.zone(last.zone), judgement.state(last.zone)
    return json.loads(join(known, question_of(last), minute_of(last), zone, state, inventory))


def test_the_inventory_is_joined():
    joined = enriched(ASKED)
    assert (joined["owner"], joined["owner_name"], joined["criticality"]) == ("web", "Web platform", "critical")
    assert joined["expect"] == ["198.51.100.1"]
    assert joined["window"] == "CHG-7"
    assert joined["dnssec"] == {"wanted": "required", "was_secure": False, "signed": None}
    assert joined["delegation"] is None


def test_a_zone_that_nobody_owns_has_nulls():
    joined = enriched(*events("elsewhere.example", (Span(to="5s", every="5s"),), EPOCH))
    assert set(joined.values()) == {None}


LEARNT = {
    "a delegation": (
        [seen(Delegation, parent_ns=("a.example.net",), ds=("1 13 2 ab",))],
        {"delegation.parent_ns": ["a.example.net"], "dnssec.signed": True},
    ),
    "an unsigned delegation": ([seen(Delegation, ds=())], {"dnssec.signed": False}),
    "an older delegation after a newer one": (
        [seen(Delegation, parent_ns=("new.example.net",)), seen(Delegation, EPOCH - HOUR, parent_ns=("old",))],
        {"delegation.parent_ns": ["new.example.net"]},
    ),
    "a registration that could not be read after one that could": (
        [seen(Registration, registrar="Example Inc"), seen(Registration, EPOCH + HOUR, error="429 Too Many Requests")],
        {"registration.registrar": "Example Inc"},
    ),
    "a change": (
        [seen(ZoneChange, actor="alice", serial_from=1, serial_to=2)],
        {"zone_change.actor": "alice", "zone_change.serial_to": 2},
    ),
}


@pytest.mark.parametrize(("before", "expected"), LEARNT.values(), ids=LEARNT)
def test_what_was_seen_before_is_joined(before, expected):
    joined = enriched(*before, ASKED)
    for path, value in expected.items():
        member, field = path.split(".")
        assert joined[member][field] == value


def test_propagation_is_what_the_judgement_knows():
    """Regions that agreed."""
    both = (Span(to="3m", every="5s", servers=("192.0.2.53",), role="recursive"), Span(to="3m", every="5s"))
    joined = enriched(*events("example.com", both, EPOCH))["propagation"]
    assert joined["share"] == 1.0
    assert joined["agreed"] is not None
    assert joined["diverged"] is None
    assert joined["old_ttl"] == 30


def test_a_region_that_may_still_give_the_old_answer_is_told_with_the_time_until_when():
    """The authority changes the answer; of two resolvers one asks anew."""
    new = {"from_": "3m", "to": "4m", "every": "5s", "data": ("203.0.113.9",), "ttl": 300}
    spans = (
        Span(to="3m", every="5s", ttl=300),
        Span(to="4m", every="5s", servers=("192.0.2.53",), role="recursive", regions=("eu-west",)),
        Span(to="3m", every="5s", servers=("192.0.2.53",), role="recursive", regions=("us-east",)),
        Span(**new),
        Span(**new, servers=("192.0.2.53",), role="recursive", regions=("us-east",)),
    )
    joined = enriched(*events("example.com", spans, EPOCH))["propagation"]
    assert joined["verdicts"] == {"eu-west": "in_window", "us-east": "current"}
    # Five minutes, and a little, from when the old answer was seen last.
    left = dt.datetime.fromisoformat(joined["converges"]) - (EPOCH + dt.timedelta(minutes=3))
    assert dt.timedelta(minutes=5) <= left <= dt.timedelta(minutes=6)


@pytest.mark.parametrize("value", [b'{"enrichment":{}}', ndjson.encode(ASKED), b"{", b"\xff", b"[]"])
def test_what_is_no_enriched_event_is_refused(value):
    with pytest.raises(DecodeError):
        decode(value)


def test_an_enriched_event_is_read_as_it_was_written():
    line = ndjson.encode(ASKED)
    written = Enriched(ASKED, as_json(ASKED, line + b"\n"), b'{"owner":"web"}')
    assert ndjson.decode(written.encode()) == ASKED
    assert decode(written.encode()) == (ASKED, line, b'{"owner":"web"}')
    # Whatever another tool makes of it.
    members = json.loads(written.encode())
    anew = json.dumps({"enrichment": members.pop("enrichment"), **members}).encode()
    assert decode(anew) == (ASKED, line, b'{"owner": "web"}')
    assert as_json(ASKED, b" " + line) == as_json(ASKED) == line


class Saved(dict):
    """A map state of Flink's: what is put into it is read again as what it pickles as."""

    def put(self, key, value):
        self[key] = pickle.loads(pickle.dumps(value))


@pytest.mark.parametrize("restarted", [False, True], ids=["in memory", "after a restart"])
def test_a_job_joins_what_the_pure_functions_join(restarted):
    saved = Saved()
    enriching = Enriching(10, saved)
    judgement = Judgement(INVENTORY, RULES)
    happened = events("example.com", (Span(to="1m", every="5s"),), EPOCH)
    happened[3:3] = [seen(Delegation, parent_ns=("a.example.net",))]
    known = Known()
    for event in happened:
        judgement.step([event])
        known = learn(known, event)
        if restarted:
            enriching = Enriching(10, saved)
        enriching.passed(event.zone)
        state = judgement.state("example.com")
        message = enriching.enrich(event, ndjson.encode(event), state, INVENTORY)
        joined = join(known, question_of(event), minute_of(event), INVENTORY.zones[0], state, INVENTORY)
        assert message[:4] == (
            "example.com", Enriched(event, ndjson.encode(event), joined).encode(), event.id,
            json.loads(message[1])["time"],
        )  # fmt: skip
    assert isinstance(saved["example.com"], bytes)


def test_a_job_joins_anew_once_something_may_be_known_otherwise():
    enriching = Enriching(10, Saved())
    judgement = Judgement(INVENTORY, RULES)
    other = structs.replace(INVENTORY, zones=(structs.replace(INVENTORY.zones[0], criticality="low"),))

    def joined(event, inventory=INVENTORY):
        message = enriching.enrich(event, ndjson.encode(event), judgement.state(event.zone), inventory)
        return json.loads(decode(message[1]).enrichment)

    assert joined(ASKED)["criticality"] == "critical"
    assert joined(ASKED, other)["criticality"] == "low"
    assert joined(structs.replace(ASKED, time=EPOCH + 2 * HOUR))["window"] is None
    assert joined(seen(Delegation, parent_ns=("a",)))["delegation"]["parent_ns"] == ["a"]
    assert joined(ASKED)["delegation"]["parent_ns"] == ["a"]
    judgement.step(events("example.com", (Span(to="1m", every="5s"),), EPOCH))
    assert joined(ASKED)["propagation"] is None  # a step is judged where time passes, and there alone
    enriching.passed("example.com")
    assert joined(ASKED)["propagation"] is not None

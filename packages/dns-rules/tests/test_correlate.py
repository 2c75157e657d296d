"""The life of an incident."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest
from dns_rules import (
    Correlation,
    CorrelationState,
    Finding,
    Inventory,
    Offender,
    Team,
    Tick,
    Zone,
    correlate,
    load_rules,
)
from dns_rules.inventory import Escalation, Subdomain
from dns_rules.state import decode, encode, micros
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

RULES = load_rules()
START = dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC)
INVENTORY = Inventory(
    version=1,
    teams={"web": Team(name="Web", escalate=(Escalation(after="15m", to="sec"),)), "sec": Team(name="Sec")},
    zones=(Zone(zone="example.com", owner="web", criticality="critical"),),
)


def at(seconds):
    return START + dt.timedelta(seconds=seconds)


def finding(rule, seconds, state="active", key="", **fields):
    facts = dict.fromkeys(("regions", "servers", "names", "count", "total", "why", "before", "after"), "x")
    return Finding(
        id=f"{rule}-{key}",
        rule=rule,
        zone="example.com",
        key=key,
        state=state,
        time=at(seconds),
        since=at(fields.pop("since", seconds)),
        where=fields.pop("where", Offender(regions=("eu",), servers=(key,) if key else ())),
        what=f"{rule} is so",
        facts=facts | {"share": "x", "change": ""},
        **fields,
    )


def run(*inputs, inventory=INVENTORY, state=None):
    state, out = state or CorrelationState(), []
    for item in inputs:
        state, changed = correlate(state, item, inventory, RULES)
        out += changed
    return state, out


def states(incidents):
    return [(i.state, round((i.updated - START).total_seconds())) for i in incidents]


def test_pending_firing_resolved_at_the_times_when_they_were_due():
    _, incidents = run(finding("zone-outage", 0), Tick(at(100)), finding("zone-outage", 130, "cleared"), Tick(at(1000)))
    assert states(incidents) == [("pending", 0), ("firing", 15), ("firing", 130), ("resolved", 160)]
    assert len({i.id for i in incidents}) == 1


def test_what_is_over_before_it_is_due_never_fires():
    state, incidents = run(finding("zone-outage", 0), finding("zone-outage", 10, "cleared"), Tick(at(60)))
    assert "firing" not in [i.state for i in incidents]
    assert state.open == {}


def test_a_return_within_the_quiet_time_is_the_same_incident():
    _, incidents = run(
        finding("zone-outage", 0),
        Tick(at(20)),
        finding("zone-outage", 40, "cleared"),
        finding("zone-outage", 60),
        Tick(at(80)),
        finding("zone-outage", 100, "cleared"),
        Tick(at(200)),
    )
    assert len({i.id for i in incidents}) == 1
    assert [s for s, _ in states(incidents)].count("resolved") == 1
    assert incidents[-1].updated == at(130)


def test_cause_and_effects_are_one_incident_led_by_the_cause():
    _, incidents = run(
        finding("zone-not-resolving", 0),
        finding("dnssec-validation-failing", 5),
        Tick(at(30)),
        finding("nameservers-changed", 40, verdict="contradicted"),
    )
    last = incidents[-1]
    assert len({i.id for i in incidents}) == 1
    assert last.rule == "nameservers-changed"
    assert last.class_ == "security"
    assert last.verdict == "contradicted"
    assert last.findings == ("nameservers-changed", "dnssec-validation-failing", "zone-not-resolving")
    assert [i.state for i in incidents].count("firing") == 2  # fired, then told of more; one page


def test_the_cause_keeps_its_words_while_effects_last():
    _, incidents = run(
        finding("nameservers-changed", 0),
        finding("dnssec-validation-failing", 5),
        Tick(at(30)),
        finding("nameservers-changed", 60, "cleared"),
        finding("dnssec-validation-failing", 70, where=Offender(regions=("eu", "us"))),
        finding("dnssec-validation-failing", 90, "cleared"),
        Tick(at(500)),
    )
    assert {i.rule for i in incidents[1:]} == {"nameservers-changed"}
    assert incidents[-1].state == "resolved"
    assert incidents[-1].updated == at(120)


def test_unrelated_findings_are_two_incidents():
    _, incidents = run(finding("authoritative-server-failing", 0, key="a"), finding("regions-disagree", 0, key="q/A"))
    assert len({i.id for i in incidents}) == 2


def test_two_servers_are_one_incident_that_names_both():
    _, incidents = run(
        finding("authoritative-server-failing", 0, key="a"),
        finding("authoritative-server-failing", 5, key="b"),
    )
    assert incidents[-1].where.servers == ("a", "b")
    assert "a and b of example.com failing" in incidents[-1].title


@pytest.mark.parametrize(("address", "incidents"), [("2001:db8::1", 1), ("192.0.2.1", 2)])
@pytest.mark.parametrize("effect", ["authoritative-server-failing", "tcp-failing"])
@pytest.mark.parametrize("first", ["cause", "effect"])
def test_another_servers_trouble_is_no_effect_of_the_cause(address, incidents, effect, first):
    cause = finding("ipv6-failing", 0, where=Offender(regions=("eu",), servers=("2001:db8::1", "2001:db8::2")))
    later = finding(effect, 0, key=address)
    _, out = run(*((cause, later) if first == "cause" else (later, cause)), Tick(at(100)))
    firing = [i for i in out if i.state == "firing"]
    assert len({i.id for i in firing}) == incidents
    assert {i.rule for i in firing} == ({"ipv6-failing"} if incidents == 1 else {"ipv6-failing", effect})
    assert sum(len(i.calls) for i in {i.id: i for i in firing}.values()) == incidents


def test_owner_and_escalation_come_from_the_inventory():
    _, incidents = run(finding("zone-outage", 0))
    assert incidents[0].owner == "web"
    assert incidents[0].escalate == ("after 15m to sec",)
    assert incidents[0].severity == "critical"
    assert incidents[0].check_first


@pytest.mark.parametrize(
    ("drill", "since", "marked"),
    [((0, None), 10, True), ((0, 5), 10, False), ((20, None), 10, False), (None, 10, False)],
)
def test_what_begins_in_a_drill_is_marked(drill, since, marked):
    state = CorrelationState()
    if drill is not None:
        begin = int(at(drill[0]).timestamp() * 1e6)
        end = None if drill[1] is None else int(at(drill[1]).timestamp() * 1e6)
        state.drills["example.com"] = (begin, end)
    _, (incident,) = correlate(state, finding("zone-outage", since), INVENTORY, RULES)
    assert incident.drill is marked


def test_a_cleared_finding_that_was_never_active_is_nothing():
    assert run(finding("zone-outage", 0, "cleared"))[1] == []


def last(incidents):
    """The last state of each incident, by its rule."""
    return {i.rule: i for i in {i.id: i for i in incidents}.values()}


def test_what_can_wait_makes_nothing_wait_that_cannot():
    _, incidents = run(finding("signatures-expiring", 0), finding("dnssec-validation-failing", 50), Tick(at(70)))
    assert states(incidents)[-1] == ("firing", 65)
    assert len({i.id for i in incidents}) == 1


def test_a_graver_cause_is_told_anew_and_takes_in_what_it_explains():
    _, incidents = run(
        finding("ttl-below-policy", 0),
        finding("records-changed", 10),
        Tick(at(100)),
        finding("hijack-sequence", 110, since=0),
        Tick(at(200)),
    )
    found = last(incidents)
    assert {rule: i.state for rule, i in found.items()} == {
        "ttl-below-policy": "resolved", "records-changed": "resolved", "hijack-sequence": "firing",
    }  # fmt: skip
    whole = found["hijack-sequence"]
    assert whole.severity == "critical"
    assert set(whole.findings) == {"hijack-sequence", "ttl-below-policy", "records-changed"}
    for rule in ("ttl-below-policy", "records-changed"):
        assert found[rule].part_of == whole.id
        assert found[rule].what == f"Part of: {whole.title}"


def test_it_is_over_once_all_that_it_took_in_is():
    everything = ("ttl-below-policy", "records-changed", "hijack-sequence")
    state, incidents = run(
        finding("ttl-below-policy", 0),
        finding("records-changed", 10),
        Tick(at(100)),
        finding("hijack-sequence", 110),
        *(finding(rule, 200 + 100 * n, "cleared") for n, rule in enumerate(everything)),
        Tick(at(450)),
        Tick(at(500)),
    )
    assert [i.state for i in incidents if i.rule == "hijack-sequence"][-1] == "resolved"
    assert incidents[-1].updated == at(460)
    assert state.open == {}


def test_a_cause_no_graver_than_what_was_told_joins_it():
    _, incidents = run(
        finding("nameservers-changed", 0), Tick(at(30)), finding("delegation-takeover", 60), Tick(at(100))
    )
    assert len({i.id for i in incidents}) == 1
    assert incidents[-1].rule == "delegation-takeover"
    assert incidents[-1].state == "firing"


def test_two_incidents_become_one_when_their_cause_is_found():
    _, incidents = run(
        finding("records-changed", 0), finding("mail-policy-changed", 5), Tick(at(200)),
        finding("nameservers-changed", 210), Tick(at(300)),
    )  # fmt: skip
    found = last(incidents)
    assert found["nameservers-changed"].state == "firing"
    assert found["records-changed"].part_of == found["nameservers-changed"].id


def of_provider(zone, seconds, state="active", *, why="timeouts", servers=("ns1.p.example (192.0.2.1)",), **more):
    made = finding("zone-outage", seconds, state, where=Offender(regions=("eu",), servers=servers), **more)
    return structs.replace(made, id=f"{zone}-outage", zone=zone, facts={**made.facts, "why": why})


ESTATE = Inventory(
    version=1,
    teams={"web": Team(name="Web"), "shop": Team(name="Shop")},
    zones=(
        *(Zone(zone=f"z{number:03}.example", owner="web", criticality="critical") for number in range(500)),
        Zone(zone="shop.example", owner="shop", criticality="critical"),
    ),
)


def pages(incidents):
    return [i for i in incidents if i.state == "firing" and i.id not in {p.id for p in incidents if p.part_of}]


def test_500_zones_of_one_dead_provider_are_one_page_with_500_names_in_it():
    state, incidents = run(
        *(of_provider(f"z{number:03}.example", number / 10) for number in range(500)), Tick(at(90)), inventory=ESTATE
    )
    assert len({i.id for i in incidents}) == 1
    last = incidents[-1]
    assert last.state == "firing"
    assert last.zones == tuple(f"z{number:03}.example" for number in range(500))
    assert last.title == (
        "500 zones are down (z000.example, z001.example and 498 more): ns1.p.example (192.0.2.1) failing "
        "(timeouts) in x"
    )
    # Each zone is in it at last, and yet it was not passed on with each of them.
    assert len(incidents) < 10
    cleared = [of_provider(f"z{number:03}.example", 100 + number / 100, "cleared") for number in range(500)]
    state, more = run(*cleared, Tick(at(300)), inventory=ESTATE, state=state)
    assert [i.state for i in more][-1] == "resolved"
    assert (state.open, state.joined) == ({}, {})


@pytest.mark.parametrize(
    "other",
    [
        of_provider("z001.example", 1, why="REFUSED"),
        of_provider("z001.example", 1, servers=("192.0.2.9",)),
        of_provider("shop.example", 1),
    ],
    ids=["another reason", "other servers", "another owner"],
)
def test_what_is_not_one_cause_for_one_team_is_two_pages(other):
    _, incidents = run(of_provider("z000.example", 0), other, Tick(at(60)), inventory=ESTATE)
    assert len({i.id for i in incidents if i.state == "firing"}) == 2
    assert all(i.zones == () for i in incidents)


SHARED_ZONE = structs.replace(
    INVENTORY,
    teams={**INVENTORY.teams, "shop": Team(name="Shop")},
    zones=(
        Zone(
            zone="example.com",
            owner="web",
            criticality="critical",
            subdomains=(Subdomain(name="shop.example.com", owner="shop"),),
        ),
    ),
)


def of_name(rule, seconds, name):
    return finding(rule, seconds, key=f"{name}/A", where=Offender(regions=("eu",), names=(name,)))


def test_a_subdomain_of_another_team_is_told_to_that_team():
    names = ("shop.example.com", "www.example.com")
    missing = [of_name("expected-data-missing", 0, name) for name in names]
    _, out = run(*missing, Tick(at(100)), inventory=SHARED_ZONE)
    firing = {i.owner: i for i in out if i.state == "firing"}
    assert {owner: i.where.names for owner, i in firing.items()} == {"shop": names[:1], "web": names[1:]}
    assert {owner: [call.team for call in i.calls] for owner, i in firing.items()} == {"shop": ["shop"], "web": ["web"]}


def test_what_takes_the_whole_zone_along_is_one_incident_of_the_zones_owner():
    outage, missing = finding("zone-outage", 0), of_name("expected-data-missing", 1, "shop.example.com")
    _, out = run(outage, missing, Tick(at(100)), inventory=SHARED_ZONE)
    assert {(i.id, i.owner, i.findings) for i in out if i.state == "firing"} == {
        (out[0].id, "web", ("zone-outage", "expected-data-missing"))
    }


def test_a_cause_at_another_teams_name_is_not_this_ones():
    missing, differing = (
        of_name("expected-data-missing", 0, "www.example.com"),
        of_name("regions-disagree", 1, "shop.example.com"),
    )
    _, out = run(missing, differing, Tick(at(300)), inventory=SHARED_ZONE)
    assert {(i.rule, i.owner) for i in out if i.state == "firing"} == {
        ("expected-data-missing", "web"),
        ("regions-disagree", "shop"),
    }


def test_a_drill_of_one_zone_takes_no_other_zone_along():
    state = CorrelationState(drills={"z000.example": (0, None)})
    _, incidents = run(
        of_provider("z000.example", 0), of_provider("z001.example", 1), Tick(at(60)), inventory=ESTATE, state=state
    )
    assert {(i.zone, i.drill) for i in incidents if i.state == "firing"} == {
        ("z000.example", True),
        ("z001.example", False),
    }


def test_a_zone_that_fails_later_joins_without_a_page_and_keeps_it_open():
    _, incidents = run(
        of_provider("z000.example", 0),
        Tick(at(20)),
        of_provider("z001.example", 40),
        of_provider("z000.example", 60, "cleared"),
        Tick(at(600)),
        of_provider("z001.example", 700, "cleared"),
        Tick(at(800)),
        inventory=ESTATE,
    )
    assert [i.state for i in incidents].count("resolved") == 1
    assert len({i.id for i in incidents}) == 1
    assert incidents[-1].updated == at(730)
    assert incidents[-1].zones == ("z000.example", "z001.example")


def test_an_effect_that_was_pending_in_another_zone_goes_along():
    effect = structs.replace(finding("zone-not-resolving", 1), id="effect", zone="z001.example")
    _, incidents = run(
        of_provider("z000.example", 0), effect, of_provider("z001.example", 5), Tick(at(90)), inventory=ESTATE
    )
    assert {i.id for i in incidents if i.state == "firing"} == {incidents[0].id}
    (part,) = (i for i in incidents if i.part_of)
    assert (part.zone, part.state, part.part_of) == ("z001.example", "resolved", incidents[0].id)


def test_the_same_however_time_passes_in_between():
    findings = [of_provider(f"z{number:03}.example", number) for number in range(60)]
    ticks = [Tick(at(seconds + 0.5)) for seconds in range(60)]
    _, plain = run(*findings, Tick(at(90)), inventory=ESTATE)
    _, ticked = run(
        *[item for pair in zip(findings, ticks, strict=True) for item in pair], Tick(at(90)), inventory=ESTATE
    )
    assert ticked == plain


def test_a_saved_state_goes_on():
    findings = [of_provider(f"z{number:03}.example", number) for number in range(30)]
    _, plain = run(*findings, Tick(at(90)), inventory=ESTATE)
    state, out = CorrelationState(), []
    for item in [*findings, Tick(at(90))]:
        state, changed = correlate(decode(encode(state), CorrelationState), item, ESTATE, RULES)
        out += changed
    assert out == plain


def test_the_cause_of_one_zones_trouble_leaves_the_others_as_they_are():
    partly = [
        structs.replace(finding("authoritative-server-failing", seconds, key="192.0.2.1"), id=f"part-{zone}", zone=zone)
        for seconds, zone in enumerate(("z000.example", "z001.example", "z002.example"))
    ]
    _, incidents = run(*partly, Tick(at(60)), of_provider("z001.example", 70), Tick(at(120)), inventory=ESTATE)
    firing = {i.zone: i for i in incidents if i.state == "firing"}
    assert set(firing) == {"z000.example", "z001.example"}
    assert firing["z001.example"].rule == "zone-outage"
    assert firing["z001.example"].findings == ("zone-outage", "authoritative-server-failing")
    assert firing["z000.example"].rule == "authoritative-server-failing"
    assert firing["z000.example"].zones == ("z000.example", "z001.example", "z002.example")


def of_resolver(zone, rule, seconds, state="active"):
    where = Offender(regions=("eu",), servers=("192.0.2.53",))
    made = finding(rule, seconds, state, key="192.0.2.53" if rule == "resolver-failing" else "", where=where)
    return structs.replace(made, id=f"{rule}-{zone}", zone=zone)


OBSERVED = structs.replace(ESTATE, teams={**ESTATE.teams, "tower": Team(name="Tower")}, observers="tower")
FIRST_THREE = ("z000.example", "z001.example", "shop.example")


@pytest.mark.parametrize("ticks", [(), (31, 33, 36, 45, 50, 55)], ids=["in one go", "bit by bit"])
def test_what_a_resolver_explains_pages_the_observers_alone(ticks):
    blamed = [of_resolver(zone, "zone-not-resolving", 30) for zone in FIRST_THREE]
    found = [of_resolver(zone, "resolver-failing", 35) for zone in FIRST_THREE]
    turns = sorted([*blamed, *found, *(Tick(at(seconds)) for seconds in ticks)], key=lambda turn: turn.time)
    _, incidents = run(*turns, Tick(at(100)), inventory=OBSERVED)
    assert [(i.owner, i.rule, i.updated) for i in incidents if i.state == "firing"] == [
        ("tower", "resolver-failing", at(50))
    ]
    (told,) = (i for i in incidents if i.state == "firing")
    assert told.findings == ("resolver-failing", "zone-not-resolving")
    assert told.zones == tuple(sorted(FIRST_THREE))
    parts = [i for i in incidents if i.part_of == told.id]
    assert {i.state for i in parts} == {"resolved"}
    # Those of one owner and one parent were one already.
    assert {(i.zone, i.zones) for i in parts} == {("z000.example", FIRST_THREE[:2]), ("shop.example", ())}


def test_two_zones_are_too_few_to_blame_a_resolver():
    zones = FIRST_THREE[:2]
    _, incidents = run(
        *(of_resolver(zone, "resolver-failing", 10) for zone in zones),
        *(of_resolver(zone, "zone-not-resolving", 30) for zone in zones),
        Tick(at(100)),
        *(of_resolver(zone, "resolver-failing", 110, "cleared") for zone in zones),
        Tick(at(300)),
        inventory=OBSERVED,
    )
    assert {(i.owner, i.rule) for i in incidents} == {("web", "zone-not-resolving")}


def of_server(zone, server, seconds, state="active"):
    where = Offender(regions=("eu",), servers=(server,))
    made = finding("authoritative-server-failing", seconds, state, key=server, where=where)
    return structs.replace(made, id=f"{zone}-{server}", zone=zone, facts={**made.facts, "why": f"why of {server}"})


def test_two_servers_that_the_same_zones_share_are_one_incident_until_both_are_well():
    zones = ("z000.example", "z001.example")
    begun = [of_server(zone, server, 10) for server in ("192.0.2.1", "192.0.2.2") for zone in zones]
    first_over = [of_server(zone, "192.0.2.1", 100, "cleared") for zone in zones]
    second_over = [of_server(zone, "192.0.2.2", 400, "cleared") for zone in zones]
    state, incidents = run(*begun, *first_over, Tick(at(300)), *second_over, Tick(at(600)), inventory=ESTATE)
    resolved = [i for i in incidents if i.state == "resolved"]
    assert [i.updated for i in resolved] == [at(430)]
    assert (state.open, state.joined) == ({}, {})


def test_two_groups_that_turn_out_to_be_one_are_one_and_end_together():
    left = [of_provider(f"z{n:03}.example", n, servers=("192.0.2.1",)) for n in range(3)]
    right = [of_provider(f"z{n:03}.example", n, servers=("192.0.2.9",)) for n in range(10, 13)]
    both = of_provider("z011.example", 13, servers=("192.0.2.1", "192.0.2.9"))
    began = [*left, *right, both]
    state, incidents = run(*began, Tick(at(60)), inventory=ESTATE)
    (told,) = {i.id: i for i in incidents if i.state == "firing"}.values()
    assert told.zones == tuple(f"z{n:03}.example" for n in (0, 1, 2, 10, 11, 12))
    over = [structs.replace(f, state="cleared", time=at(100)) for f in {f.zone: f for f in began}.values()]
    state, more = run(*over, Tick(at(300)), inventory=ESTATE, state=state)
    assert [i.state for i in more][-1] == "resolved"
    assert (state.open, state.joined) == ({}, {})


@pytest.mark.parametrize(
    ("why", "change", "first"),
    [
        ("timeouts", "", "Are the servers up"),
        ("SERVFAIL", "", "Does the zone still load?"),
        ("REFUSED and timeouts", "", "Are the servers up"),
        ("error responses", " after recent change of nameservers", "What changed in the last hour"),
        ("error responses", "", "Are the servers up"),
    ],
)
def test_what_the_evidence_makes_likely_is_checked_first(why, change, first):
    found = finding("zone-outage", 0)
    _, incidents = run(structs.replace(found, facts=found.facts | {"why": why, "change": change}), Tick(at(60)))
    assert incidents[-1].check_first[0].startswith(first)
    assert len(incidents[-1].check_first) == 4


def test_what_another_finding_makes_likely_is_checked_first():
    _, incidents = run(finding("ds-changed", 0), finding("zone-not-resolving", 5), Tick(at(100)))
    assert incidents[-1].check_first[0].startswith("A DS without its key")


@pytest.mark.parametrize("number", [1, 3, 40])
def test_a_title_is_shorter_than_120_characters(number):
    zones = [f"a-rather-long-name-of-a-zone-{n}.example" for n in range(number)]
    inventory = structs.replace(ESTATE, zones=tuple(Zone(zone=z, owner="web", criticality="critical") for z in zones))
    servers = tuple(f"ns{n}.a-provider-with-a-long-name.example (192.0.2.{n})" for n in range(6))
    regions = "all regions (ap-south, ap-south-east, eu-west, eu-central, us-east, us-west)"
    listed = [
        structs.replace(made, facts=made.facts | {"regions": regions, "servers": ", ".join(servers)})
        for made in (of_provider(zone, n, servers=servers) for n, zone in enumerate(zones))
    ]
    _, incidents = run(*listed, Tick(at(90)), inventory=inventory)
    assert all(len(i.title) < 120 for i in incidents)
    assert all("in all regions" in i.title or i.title.endswith("…") for i in incidents)


def under_a_parent(zone, seconds, state="active", *, why="DS mismatch", **more):
    made = finding("dnssec-validation-failing", seconds, state, key="192.0.2.1", **more)
    return structs.replace(made, id=f"{zone}-dnssec", zone=zone, facts={**made.facts, "why": why})


def test_what_happens_to_zones_of_one_parent_is_one_incident_that_asks_for_the_parent():
    zones = [f"z{number:03}.example" for number in range(20)]
    state, incidents = run(
        *(under_a_parent(zone, 20 * number) for number, zone in enumerate(zones)), Tick(at(500)), inventory=ESTATE
    )
    assert len({i.id for i in pages(incidents)}) == 1
    last = [i for i in incidents if i.state == "firing"][-1]
    assert last.zones == tuple(zones)
    assert last.title == (
        "DNSSEC validation failing on 20 zones under example (z000.example, z001.example and 18 more) in x, likely DS "
        "mismatch"
    )
    assert last.check_first[0].startswith("Several zones under example at once: is it the parent")
    _, more = run(
        *(under_a_parent(zone, 600, "cleared") for zone in zones), Tick(at(900)), inventory=ESTATE, state=state
    )
    assert [i.state for i in more][-1] == "resolved"


@pytest.mark.parametrize(
    "other",
    [
        under_a_parent("z001.example", 100, why="expired signatures"),
        under_a_parent("shop.example", 100),
        under_a_parent("z001.example", 1900),
    ],
    ids=["another reason", "another owner", "half an hour later"],
)
def test_what_happens_to_zones_of_one_parent_for_other_reasons_is_told_apart(other):
    _, incidents = run(under_a_parent("z000.example", 0), other, Tick(at(2000)), inventory=ESTATE)
    assert len(pages(incidents)) == 2
    assert all(i.zones == () for i in incidents)


def test_top_level_domains_have_no_parent_in_common():
    tlds = structs.replace(ESTATE, zones=tuple(Zone(zone=name, owner="web") for name in ("aa", "bb")))
    _, incidents = run(*(under_a_parent(name, 0) for name in ("aa", "bb")), Tick(at(60)), inventory=tlds)
    assert len(pages(incidents)) == 2


@pytest.mark.parametrize("hold", ["0s", "15s"])
@given(st.data())
def test_time_that_has_passed_need_not_pass_again(hold, data):
    zones = [f"z{number:03}.example" for number in range(6)]
    kinds = {
        "down": of_provider,
        "bogus": under_a_parent,
        "not resolving": partial(of_resolver, rule="zone-not-resolving"),
        "resolver": partial(of_resolver, rule="resolver-failing"),
    }
    one = st.tuples(
        st.sampled_from(sorted(kinds)),
        st.sampled_from(zones),
        st.integers(0, 24),
        st.sampled_from(("active", "cleared")),
    )
    drawn = data.draw(st.lists(one, max_size=40))
    findings = [kinds[kind](zone, seconds=5 * step, state=state) for kind, zone, step, state in drawn]
    findings.sort(key=lambda f: (f.time, f.zone, f.rule, f.key))
    rules = structs.replace(RULES, rules=tuple(structs.replace(rule, hold=hold) for rule in RULES.rules))
    correlation = Correlation(OBSERVED, rules)
    together = correlation.step(findings, micros(at(600)))
    state, alone = CorrelationState(), []
    for turn in (*findings, Tick(at(600))):
        state, changed = correlate(state, turn, OBSERVED, rules)
        alone += changed
    assert list(together) == alone
    assert correlation.dump() == encode(state)

"""Our verdict, Unbound's and delv's on every zone of the catalogue."""

from __future__ import annotations

import asyncio
import subprocess

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import pytest
from dns_events import Probe
from dns_events.names import parse
from otel_dns_receiver import Question, Target, ask
from otel_dns_receiver.dnssec.trust import Trust
from otel_dns_receiver.reach import Reach
from otel_dns_receiver.resolve.roots import load_anchors, load_hints
from otel_dns_receiver.resolve.walk import Walker
from otel_dns_receiver.resolve.zone import look

from tests.lab import missing
from tests.lab.catalogue import CASES, Tree
from tests.lab.programs import path_of

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(p for p, _ in missing())}"),
]
PROBE = Probe(id="t", region="test", clock_age=1.0)
EVERY = [
    pytest.param(case, owner, rdtype, id=f"{owner}.{case.zone} {rdtype}".replace("@.", ""))
    for case in CASES
    for owner, rdtype in case.questions
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    with Tree(tmp_path_factory.mktemp("c"), CASES) as running:
        yield running


def walker(tree):
    return Walker(load_hints(str(tree.root_hints)), load_anchors(str(tree.trust_anchor)), 2.0, Reach(), 60.0)


async def verdict(tree, case, name, rdtype, server, role):
    """Our own verdict on what one server answers, keys of other zones fetched as the prober does it."""
    walk = walker(tree)
    chain = (await walk.find(parse(case.zone))).chain
    trust = Trust(chain)
    question = Question(case.zone, name, rdtype, Target(server), role)
    event = await ask(question, PROBE, 3.0, trust)
    for _ in range(3):
        if not trust.wanted:
            break
        others = dict(trust.others)
        for wanted in trust.wanted:
            others[wanted] = (await walk.enclosing(wanted)).chain
        trust = Trust(chain, others)
        event = await ask(question, PROBE, 3.0, trust)
    return event


def unbound(tree, name, rdtype):
    """What the resolver makes of it: secure, insecure or bogus."""
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    for _ in range(20):
        response = dns.query.udp_with_fallback(query, tree.resolver, timeout=5)[0]
        if response.rcode() != dns.rcode.SERVFAIL:
            return "secure" if response.flags & dns.flags.AD else "insecure"
        unchecked = dns.message.make_query(name, rdtype, want_dnssec=True)
        unchecked.flags |= dns.flags.CD
        if dns.query.udp_with_fallback(unchecked, tree.resolver, timeout=5)[0].rcode() != dns.rcode.SERVFAIL:
            return "bogus"
    return "failed"


def delv(tree, name, rdtype):
    fields = tree.trust_anchor.read_text().split()[3:]
    anchors = tree.trust_anchor.with_name("anchors.conf")
    anchors.write_text(f'trust-anchors {{ . static-ds {" ".join(fields[:3])} "{"".join(fields[3:])}"; }};\n')
    done = subprocess.run(
        [path_of("delv"), f"@{tree.resolver}", "-a", str(anchors), "+root=.", f"{name}.", rdtype],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = done.stdout + done.stderr
    if "unsigned answer" in said:
        return "insecure"
    if "fully validated" in said:
        return "secure"
    return "bogus" if "resolution failed" in said else f"delv said: {said}"


def full(case, owner):
    return case.zone if owner == "@" else f"{owner}.{case.zone}"


@pytest.mark.parametrize(("case", "owner", "rdtype"), EVERY)
def test_our_verdict(tree, case, owner, rdtype):
    event = asyncio.run(verdict(tree, case, full(case, owner), rdtype, tree.servers[0], "authoritative"))
    if case.zone.startswith("alias-"):
        # The server says nothing of where the alias leads; whether that is sound shows behind a resolver.
        assert event.dnssec.status == "secure"
        return
    assert (event.dnssec.status, event.dnssec.cause) == (case.status, case.cause)


@pytest.mark.parametrize(("case", "owner", "rdtype"), [p for p in EVERY if p.values[0].second is None])
def test_unbound_agrees_and_so_do_we_on_what_it_answers(tree, case, owner, rdtype):
    name = full(case, owner)
    assert unbound(tree, name, rdtype) == case.status
    event = asyncio.run(verdict(tree, case, name, rdtype, tree.resolver, "recursive"))
    if case.status == "bogus":
        assert event.outcome == "servfail"  # nothing to validate: the resolver keeps it to itself
        assert event.dnssec is None
    else:
        assert event.dnssec.status == case.status


#: delv calls a denial that spans unsigned delegations validated; RFC 5155 §9.2 and Unbound do not.
DELV = [p for p in EVERY if p.values[0].second is None and p.values[0].zone != "opt-out.cat"]


@pytest.mark.parametrize(("case", "owner", "rdtype"), DELV)
def test_delv_agrees(tree, case, owner, rdtype):
    assert delv(tree, full(case, owner), rdtype) == case.status


def test_the_one_server_with_stale_signatures_is_named(tree):
    zone = dns.name.from_text("one-stale.cat")
    view = asyncio.run(look(zone, walker(tree), PROBE, 2.0, Reach()))
    said = {server.address: server.dnssec.status for server in view.event.servers}
    assert sorted(said.values()) == ["bogus", "secure"]
    assert said[tree.servers[1]] == "bogus"
    case = next(case for case in CASES if case.zone == "one-stale.cat")
    event = asyncio.run(verdict(tree, case, "www.one-stale.cat", "A", tree.servers[1], "authoritative"))
    assert event.dnssec.status == "bogus"


def seen(tree, zone):
    return asyncio.run(look(dns.name.from_text(zone), walker(tree), PROBE, 1.0, Reach())).event


def test_a_server_that_is_delegated_to_and_knows_nothing_is_lame(tree):
    event = seen(tree, "lame.cat")
    assert event.lame == (tree.servers[1],)
    assert {view.address: view.lame for view in event.servers} == dict(zip(tree.servers, (False, True), strict=True))


def test_a_server_whose_name_does_not_exist_is_unresolved(tree):
    event = seen(tree, "dangling.cat")
    assert event.unresolved == ("ns.left.cat",)
    assert "ns.left.cat" in event.parent_ns
    assert seen(tree, "lame.cat").unresolved == ()


def test_old_glue_shows_beside_the_address_that_the_zone_gives(tree):
    event = seen(tree, "old-glue.cat")
    assert event.glue["ns2.old-glue.cat"] != event.child_addresses["ns2.old-glue.cat"]
    assert event.glue["ns1.old-glue.cat"] == event.child_addresses["ns1.old-glue.cat"]


def test_other_names_at_the_parent_show_beside_the_childs(tree):
    event = seen(tree, "other-names.cat")
    assert event.parent_ns == ("ns1.other-names.cat", "ns9.other-names.cat")
    assert event.child_ns == ("ns1.other-names.cat", "ns2.other-names.cat")


def test_what_a_rollover_needs_to_know_is_recorded(tree):
    event = seen(tree, "zsk-published.cat")
    assert event.ttls == {"parent_ns": 30, "child_ns": 30, "ds": 30, "dnskey": 30, "soa": 30}
    assert len(event.dnskey) == 3
    assert event.soa_expire == 86400
    assert event.signatures_expire is not None
    assert {view.edns for view in event.servers} == {"supported"}
    assert {view.tcp for view in event.servers} == {True}
    assert all(view.nsid for view in event.servers)

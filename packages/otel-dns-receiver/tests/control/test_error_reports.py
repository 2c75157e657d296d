"""Error reports (RFC 9567) as resolvers send them, from kdig and dnspython, and as attackers do."""

from __future__ import annotations

import asyncio
import subprocess

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import msgspec
import peers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver.sources import Context
from otel_dns_receiver.sources.errorreports import ErrorReports
from otel_dns_receiver.sources.errorreports.limits import Limits
from otel_dns_receiver.sources.errorreports.report import Agent, Report, read

AGENT = dns.name.from_text("er.agent.test")
REPORT = "_er.1.broken.tower.test.7._er.er.agent.test"


def agent(*, require_tcp=True):
    return Agent(AGENT, dns.name.from_text("ns.agent.test"), require_tcp=require_tcp)


@pytest.mark.parametrize(
    ("name", "report"),
    [
        (REPORT, Report("broken.tower.test", "A", 7)),
        ("_ER.65.Broken.tower.test.22._Er.er.agent.test", Report("broken.tower.test", "HTTPS", 22)),
        ("_er.1-28.broken.tower.test.6._er.er.agent.test", Report("broken.tower.test", "A", 6)),
        ("_er.1.test.7._er.er.agent.test", Report("test", "A", 7)),
        ("_er.1.7._er.er.agent.test", None),
        ("_er.x.broken.tower.test.7._er.er.agent.test", None),
        ("_er.1.broken.tower.test.70000._er.er.agent.test", None),
        ("_er.99999.broken.tower.test.7._er.er.agent.test", None),
        ("_er.1.broken.tower.test.7.er.agent.test", None),
        ("1.broken.tower.test.7._er.er.agent.test", None),
        ("er.agent.test", None),
    ],
)
def test_the_report_in_a_name(name, report):
    assert read(dns.name.from_text(name), AGENT) == report


def asked(name, rdtype="TXT", **more):
    return dns.message.make_query(name, rdtype, **more).to_wire()


@pytest.mark.parametrize(
    ("wire", "tcp", "verdict", "rcode"),
    [
        (asked(REPORT), True, "report", dns.rcode.NOERROR),
        (asked(REPORT), False, "asked_again_over_tcp", dns.rcode.NOERROR),
        (asked(REPORT, options=[dns.edns.CookieOption(b"12345678", b"")]), False, "report", dns.rcode.NOERROR),
        (asked(REPORT, "A"), True, "no_report", dns.rcode.NOERROR),
        (asked("_er.er.agent.test", "A"), False, "no_report", dns.rcode.NOERROR),
        (asked("er.agent.test", "SOA"), False, "no_report", dns.rcode.NOERROR),
        (asked("er.agent.test", "NS"), False, "no_report", dns.rcode.NOERROR),
        (asked("www.tower.test"), False, "outside", dns.rcode.REFUSED),
        (asked(REPORT)[:20], False, "unparsable", dns.rcode.FORMERR),
    ],
    ids=["tcp", "udp", "cookie", "address", "no report", "soa", "ns", "elsewhere", "cut off"],
)
def test_what_is_answered(wire, tcp, verdict, rcode):
    answered = agent().answer(wire, tcp=tcp)
    assert answered.verdict == verdict
    assert answered.reply[3] & 0x0F == rcode
    if verdict == "asked_again_over_tcp":
        assert answered.reply[2] & 0x02
        assert answered.report is None


def test_an_answer_is_never_answered():
    reply = agent().answer(asked(REPORT), tcp=True).reply
    assert agent().answer(reply, tcp=True).reply is None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120), st.booleans(), st.booleans())
def test_no_bytes_break_the_agent(noise, after_header, tcp):
    wire = asked(REPORT)[:12] + noise if after_header else noise
    answered = agent().answer(wire, tcp=tcp)
    assert answered.reply is None or len(answered.reply) <= 1024


class TestLimits:
    def test_each_all_and_again(self):
        limits = Limits(each=2, all_=5, again=60)
        assert [limits.take("a", n, 0.0) for n in range(3)] == ["taken", "taken", "over_limit"]
        assert limits.take("a", 0, 1.0) == "repeated"
        assert limits.take("b", 0, 0.0) == "taken"
        assert [limits.take(f"c{n}", 0, 0.0) for n in range(3)] == ["taken", "taken", "over_limit"]
        assert limits.take("a", 0, 61.0) == "taken"

    def test_memory_is_bounded(self):
        limits = Limits(each=1e9, all_=1e9, again=1e9)
        for n in range(60_000):
            limits.take(str(n), 0, 0.0)
        assert len(limits._reporters) <= 10_000
        assert len(limits._seen) <= 50_000


def test_reports_from_a_resolver():
    port = peers.free_port()
    keys = {"agent": "er.agent.test", "nameserver": "ns.agent.test", "listen": f"127.0.0.1:{port}"}
    config = msgspec.convert(keys, ErrorReports)

    def work():
        kdig = [peers.program("kdig"), "@127.0.0.1", "-p", str(port), "+timeout=2"]
        for name in (REPORT, REPORT, "_er.1.www.elsewhere.test.7._er.er.agent.test"):
            done = subprocess.run([*kdig, name, "TXT"], capture_output=True, text=True, timeout=20, check=True)
            assert "report received" in done.stdout  # it came truncated first, and kdig asked again over TCP
        soa = dns.query.udp(dns.message.make_query("er.agent.test", "SOA"), "127.0.0.1", port=port, timeout=2)
        assert soa.flags & dns.flags.AA

    async def go():
        context, events, counts = Context.collecting(("tower.test",))
        task = asyncio.create_task(config.run(context))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(work)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return events, counts

    events, counts = asyncio.run(go())
    (event,) = events
    assert (event.source, event.name, event.qtype, event.outcome) == (
        "error_report", "broken.tower.test", "A", "servfail",
    )  # fmt: skip
    assert [item.code for item in event.ede] == [7]
    assert (event.server.address, event.server.role, event.zone) == ("127.0.0.1", "recursive", "tower.test")
    assert (counts["taken"], counts["repeated"], counts["other_zone"]) == (1, 1, 1)
    verdicts = ("report", "asked_again_over_tcp", "no_report", "outside", "unparsable")
    assert counts["received"] == sum(counts[verdict] for verdict in verdicts)


def test_a_connection_that_ends_in_the_middle_of_a_message():
    port = peers.free_port()
    keys = {"agent": "er.agent.test", "nameserver": "ns.agent.test", "listen": f"127.0.0.1:{port}"}
    config = msgspec.convert(keys, ErrorReports)
    wire = dns.message.make_query("er.agent.test", "SOA").to_wire()

    async def go():
        context, _, counts = Context.collecting(("tower.test",))
        task = asyncio.create_task(config.run(context))
        await asyncio.sleep(0.2)
        for rest in (b"", b"\x00\xff half"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(len(wire).to_bytes(2, "big") + wire + rest)
            writer.write_eof()
            assert len(await asyncio.wait_for(reader.read(), 5)) > 2  # what came whole is answered
            writer.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return counts

    counts = asyncio.run(go())
    assert (counts["received"], counts["connections_broken_off"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "part"),
    [({"listen": "53"}, "write for instance"), ({"agent": "a..b"}, "not a domain name"), ({"each": 0}, "> 0")],
)
def test_keys_that_cannot_be_meant(change, part):
    keys = {"agent": "er.agent.test", "nameserver": "ns.agent.test", "listen": "127.0.0.1:0"} | change
    with pytest.raises(msgspec.ValidationError, match=part):
        msgspec.convert(keys, ErrorReports)

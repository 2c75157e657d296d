"""What a response means, and what is read from it; and bytes that mean nothing."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from dns_events import Probe
from hypothesis import given
from hypothesis import strategies as st
from otel_dns_receiver import read
from otel_dns_receiver.ask import observe
from otel_dns_receiver.exchange import ZONEVERSION, Reply, query, reply_in
from otel_dns_receiver.question import Question, Target
from signed import NOW

TEXT = """\
id 1
opcode QUERY
rcode {rcode}
flags QR {flags}
;QUESTION
www.example.com. IN {qtype}
;ANSWER
{answer}
;AUTHORITY
{authority}
;ADDITIONAL
"""
SOA = "example.com. 60 IN SOA ns1.example.com. h.example.com. 7 1 1 1 60"
NS = "example.com. 60 IN NS ns1.example.net."
ALIAS = "www.example.com. 60 IN CNAME web.example.com."


def message(rcode="NOERROR", flags="AA", answer="", authority="", qtype="A"):
    text = TEXT.format(rcode=rcode, flags=flags, answer=answer, authority=authority, qtype=qtype)
    # A blank line would end the message for dnspython.
    return dns.message.from_text("\n".join(line for line in text.splitlines() if line) + "\n")


@pytest.mark.parametrize(
    ("response", "role", "outcome"),
    [
        (message(answer="www.example.com. 60 IN A 192.0.2.1"), "authoritative", "answer"),
        (message(answer=f"{ALIAS}\nweb.example.com. 60 IN A 192.0.2.1"), "recursive", "answer"),
        (message(answer=ALIAS, authority=SOA), "recursive", "nodata"),
        (message(answer=ALIAS, authority=SOA), "authoritative", "nodata"),
        (message(answer="www.example.com. 60 IN CNAME web.cdn.net."), "authoritative", "answer"),
        (message(answer=ALIAS, qtype="CNAME"), "authoritative", "answer"),
        (message(authority=SOA), "authoritative", "nodata"),
        (message(flags="", authority=NS), "authoritative", "referral"),
        (message(flags="", authority=""), "authoritative", "referral"),
        (message(flags="RA"), "recursive", "nodata"),
        (message("NXDOMAIN", authority=SOA), "authoritative", "nxdomain"),
        (message("SERVFAIL"), "recursive", "servfail"),
        (message("REFUSED"), "authoritative", "refused"),
        (message("FORMERR"), "authoritative", "error"),
        (message("NOTIMP"), "authoritative", "error"),
    ],
)
def test_outcome(response, role, outcome):
    question = response.question[0]
    assert read.outcome(response, question.name, question.rdtype, role) == outcome


def test_a_circle_of_aliases_ends():
    circle = message(answer=f"{ALIAS}\nweb.example.com. 60 IN CNAME www.example.com.")
    assert read.outcome(circle, circle.question[0].name, dns.rdatatype.A, "recursive") == "nodata"


def test_fields():
    response = message(
        answer="WWW.example.com. 60 IN A 192.0.2.1\nwww.example.com. 60 IN A 192.0.2.2", flags="AA RD AD"
    )
    response.use_edns(
        options=[
            dns.edns.EDEOption(6, "bogus"),
            dns.edns.EDEOption(9),
            dns.edns.GenericOption(dns.edns.OptionType.NSID, b"ams3"),
        ]
    )
    response = dns.message.from_wire(response.to_wire())
    assert read.flags(response) == ("aa", "rd", "ad")
    assert [(e.code, e.text) for e in read.edes(response)] == [(6, "bogus"), (9, "")]
    assert read.nsid(response) == "ams3"
    # dnspython's own writer shuffles an RRset.
    assert sorted((r.name, r.data, r.ttl) for r in read.records(response)) == [
        ("www.example.com", "192.0.2.1", 60),
        ("www.example.com", "192.0.2.2", 60),
    ]
    assert read.serial(message(authority=SOA)) == 7
    assert read.apex(message(authority=SOA)) == "example.com"


def test_an_identifier_of_bytes_is_hex():
    response = message()
    response.use_edns(options=[dns.edns.GenericOption(dns.edns.OptionType.NSID, b"\x00\xff")])
    assert read.nsid(dns.message.from_wire(response.to_wire())) == "00ff"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("02 00 00 00 00 07", 7),
        ("02 00 ff ff ff ff", 2**32 - 1),
        ("", None),  # the zone is not among the server's (RFC 9660 §3.2)
        ("02 01 00 00 00 07", None),  # a type other than SOA-SERIAL
        ("02 00 00 07", None),
        ("02 00 00 00 00 07 00", None),
    ],
)
def test_the_version_of_a_zone_is_its_serial(octets: str, expected: int | None):
    response = message(answer="example.com. 60 IN SOA ns.example.com. host.example.com. 6 1 1 1 1")
    response.use_edns(options=[dns.edns.GenericOption(ZONEVERSION, bytes.fromhex(octets))])
    response = dns.message.from_wire(response.to_wire())
    assert read.zoneversion(response) == expected
    assert read.serial(response) == (6 if expected is None else expected)


ASKED = query(dns.name.from_text("www.example.com"), dns.rdatatype.A, recursive=True)
QUESTION = ASKED.question[0].name, ASKED.question[0].rdtype


def as_answer(**changes) -> bytes:
    response = dns.message.make_response(ASKED)
    for key, value in changes.items():
        setattr(response, key, value)
    return response.to_wire()


def test_only_the_answer_to_the_question_counts():
    assert reply_in(QUESTION, as_answer(), "udp", 0.1).status == "answered"
    other = query(dns.name.from_text("other.example.com"), dns.rdatatype.A, recursive=True)
    other.id = ASKED.id
    assert reply_in(QUESTION, dns.message.make_response(other).to_wire(), "udp", 0.1) is None
    assert reply_in(QUESTION, ASKED.to_wire(), "udp", 0.1) is None  # a question, not a response
    assert reply_in(QUESTION, as_answer()[:15], "udp", 0.1).status == "malformed"


def test_records_of_another_class_are_no_answer():
    response = dns.message.make_response(ASKED)
    response.answer.append(dns.rrset.from_text("www.example.com.", 60, "CH", "TXT", "x"))
    assert reply_in(QUESTION, response.to_wire(), "udp", 0.1).status == "malformed"


@given(st.binary(max_size=600))
def test_no_bytes_break_the_reader(noise):
    for wire in (noise, ASKED.id.to_bytes(2, "big") + noise, as_answer()[: len(noise) % 40] + noise):
        reply = reply_in(QUESTION, wire, "udp", 0.1)
        if reply is not None:
            event = observe(
                Question("example.com", "www.example.com", "A", Target("192.0.2.1"), "recursive"),
                reply, Probe(id="p"), NOW,
            )  # fmt: skip
            assert event.outcome


@pytest.mark.parametrize("status", ["timeout", "unreachable"])
def test_silence_has_no_latency_and_no_rcode(status):
    question = Question("example.com", "www.example.com", "A", Target("192.0.2.1"), "recursive")
    event = observe(question, Reply(status, "udp"), Probe(id="p"), NOW)
    assert (event.outcome, event.latency, event.rcode, event.wire) == (status, None, None, None)


def test_failures_keep_their_bytes():
    response = message("SERVFAIL")
    reply = Reply("answered", "udp", response, response.to_wire(), 0.01)
    question = Question("example.com", "www.example.com", "A", Target("192.0.2.1"), "recursive")
    event = observe(question, reply, Probe(id="p"), NOW)
    assert event.wire is not None
    assert response.rcode() == dns.rcode.SERVFAIL

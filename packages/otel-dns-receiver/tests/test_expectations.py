"""What an answer must be like, and each way in which it is not."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from otel_dns_receiver.config import load_config
from otel_dns_receiver.errors import ConfigError
from otel_dns_receiver.expectations import Expectation, TtlBounds, violations
from otel_dns_receiver.facts import facts_of, silence
from otel_dns_receiver.question import Question, Target
from udp_server import says

A = ("A", "192.0.2.1")
B = ("A", "192.0.2.2")


def found(expected, answer, role="recursive", qtype="A"):
    query = dns.message.make_query("www.tower.test", qtype)
    message = dns.message.from_wire(answer(query).to_wire())
    question = Question("tower.test", "www.tower.test", qtype, Target("192.0.2.53"), role)
    said = violations(expected, facts_of(message, question, dns.rdatatype.from_text(qtype)), qtype, role)
    return [violation.expectation for violation in said]


def refusing(query):
    response = says()(query)
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response


@pytest.mark.parametrize(
    ("expected", "answer", "which"),
    [
        (Expectation(data=("192.0.2.1",)), says(A), []),
        (Expectation(data=("192.0.2.2", "192.0.2.1")), says(A, B), []),
        (Expectation(data=("192.0.2.1",)), says(B), ["data", "data"]),
        (Expectation(data=("192.0.2.1",)), says(A, B), ["data"]),
        (Expectation(data=("192.0.2.1",)), says(), ["minimum"]),
        (Expectation(minimum=2), says(A), ["minimum"]),
        (Expectation(minimum=0), says(), []),
        (Expectation(), says(), []),
        (Expectation(), refusing, ["rcode"]),
        (Expectation(rcodes=("NXDOMAIN",)), refusing, []),
        (Expectation(rcodes=("NXDOMAIN",)), says(A), ["rcode"]),
        (Expectation(ttl=TtlBounds(max=59)), says(A), ["ttl"]),
        (Expectation(ttl=TtlBounds(max=60)), says(A), []),
        (Expectation(ttl=TtlBounds(min=61)), says(A), []),  # a cache counts down
        (Expectation(flags=("ad",)), says(A), ["flag"]),
        (Expectation(flags=("ad",)), says(A, flags=dns.flags.AD), []),
        (Expectation(flags=("aa",)), says(A), []),  # not a cache's to set
        (Expectation(no_flags=("ra",)), says(A), ["flag"]),
        (Expectation(match=(r"^192\.0\.2\.",)), says(A), []),
        (Expectation(match=(r"^203\.",)), says(A), ["match"]),
        (Expectation(match=(r"^203\.",)), says(), ["minimum"]),
        (Expectation(not_match=(r"^192\.0\.2\.2$",)), says(A, B), ["not_match"]),
    ],
)
def test_recursive(expected, answer, which):
    assert found(expected, answer) == which


@pytest.mark.parametrize(
    ("expected", "which"),
    [
        (Expectation(ttl=TtlBounds(min=61)), ["ttl"]),
        (Expectation(flags=("aa",)), ["flag"]),
        (Expectation(flags=("ad", "ra")), []),
    ],
)
def test_authoritative(expected, which):
    assert found(expected, says(A, flags=dns.flags.QR), role="authoritative") == which


def test_an_alias_is_no_data():
    assert found(Expectation(minimum=1), says(("CNAME", "other.test."))) == ["minimum"]


def test_data_is_compared_as_dns_compares_it():
    assert found(Expectation(data=("10 MAIL.tower.test.",)), says(("MX", "10 mail.Tower.test.")), qtype="MX") == []


def test_silence_is_an_outcome_not_a_violation():
    question = Question("tower.test", "www.tower.test", "A", Target("192.0.2.53"), "recursive")
    assert violations(Expectation(minimum=1), silence(question), "A", "recursive") == ()


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ("match: ['(']", "is not a pattern"),
        ("rcodes: [FINE]", "write for instance NOERROR"),
        ("ttl: {min: 5, max: 1}", "ttl.min 5 is over ttl.max 1"),
        ("minimum: -1", ">= 0"),
        ("flags: [zz]", "zz"),
        ("colour: red", "unknown key 'colour'"),
    ],
)
def test_an_expectation_that_cannot_be_meant(tmp_path, keys, part):
    file = tmp_path / "receiver.yaml"
    file.write_text(
        "version: 1\nprobe: {id: t}\nzones:\n  - zone: tower.test\n    names:\n"
        f"      - name: www.tower.test\n        expect:\n          A:\n            {keys}\n"
    )
    with pytest.raises(ConfigError, match=r"receiver.yaml:[789]") as caught:
        load_config(file)
    assert part in str(caught.value)

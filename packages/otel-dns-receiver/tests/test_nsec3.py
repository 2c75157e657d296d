"""Denial by hashed names, against a zone that Knot signed itself would give; here made by hand."""

from __future__ import annotations

import base64

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
import pytest
from otel_dns_receiver.dnssec.denial import proves_expansion, proves_no_data, proves_no_name

ZONE = dns.name.from_text("example.test.")
SALT, ITERATIONS = "AB", 2


def hashed(name: str) -> str:
    return dns.dnssec.nsec3_hash(name, SALT, ITERATIONS, 1).lower()


def chain(*names_and_types: tuple[str, str], flags: int = 0) -> list[dns.rrset.RRset]:
    """The NSEC3 chain of a zone with these names."""
    owners = sorted((hashed(name), types) for name, types in names_and_types)
    rrsets = []
    for index, (owner, types) in enumerate(owners):
        following = owners[(index + 1) % len(owners)][0]
        text = f"1 {flags} {ITERATIONS} {SALT} {following} {types}"
        rrsets.append(dns.rrset.from_text(f"{owner}.{ZONE}", 60, "IN", "NSEC3", text))
    return rrsets


FULL = chain(
    ("example.test.", "NS SOA DNSKEY"),
    ("www.example.test.", "A AAAA"),
    ("*.wild.example.test.", "A"),
    ("wild.example.test.", ""),
    ("ent.example.test.", ""),
    ("sub.example.test.", "NS"),
)


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def rdtype(text: str) -> dns.rdatatype.RdataType:
    return dns.rdatatype.from_text(text)


@pytest.mark.parametrize(
    ("asked", "qtype", "proven"),
    [
        ("www.example.test.", "MX", True),
        ("www.example.test.", "A", False),
        ("ent.example.test.", "A", True),
        ("sub.example.test.", "DS", True),
        ("x.wild.example.test.", "MX", True),
        ("x.wild.example.test.", "A", False),
    ],
)
def test_no_data(asked, qtype, proven):
    assert proves_no_data(FULL, name(asked), rdtype(qtype), ZONE) is proven


def test_no_name():
    assert proves_no_name(FULL, name("nope.example.test."), ZONE)
    assert proves_no_name(FULL, name("a.b.nope.example.test."), ZONE)
    assert not proves_no_name(FULL, name("www.example.test."), ZONE)
    # The wildcard would have answered.
    assert not proves_no_name(FULL, name("x.wild.example.test."), ZONE)


def test_an_expanded_wildcard():
    assert proves_expansion(FULL, name("x.wild.example.test."), 3, ZONE)


def test_opt_out_says_that_a_delegation_may_be_unsigned():
    assert proves_no_data(chain(("example.test.", "NS SOA"), flags=1), name("new.example.test."), rdtype("DS"), ZONE)
    assert not proves_no_data(chain(("example.test.", "NS SOA")), name("new.example.test."), rdtype("DS"), ZONE)


def test_too_many_iterations_are_not_computed():
    text = f"1 0 5000 {SALT} {base64.b32hexencode(bytes(20)).decode()} A"
    costly = [dns.rrset.from_text(f"{'0' * 32}.{ZONE}", 60, "IN", "NSEC3", text)]
    assert not proves_no_data(costly, name("www.example.test."), rdtype("A"), ZONE)


def test_hashes_of_another_zone_prove_nothing():
    foreign = [dns.rrset.from_rdata_list(name(f"{r.name.labels[0].decode()}.other.test."), 60, list(r)) for r in FULL]
    assert not proves_no_name(foreign, name("nope.example.test."), ZONE)

"""Recorded responses are validated again at their own time, with keys of their own bundle, whatever the bytes."""

from __future__ import annotations

import base64
import datetime as dt

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import dns.zone
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from dns_events import Dnssec, Observation, Probe, Record, Server, ndjson, new_id
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka_bridge.evidence.chain import GENESIS
from kafka_bridge.evidence.chain import Record as Link
from kafka_bridge.evidence.dnssec import Keys, Revalidation, revalidate
from kafka_bridge.evidence.responses import Response, responses

DAY = dt.timedelta(days=1)
SEEN = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)  # long ago: every signature here has expired since
ZONE = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.2\nd DNAME other\n"


class Zone:
    """A zone signed with one key."""

    def __init__(self, *, inception=SEEN - DAY, expiration=SEEN + DAY, algorithm="ECDSAP256SHA256"):
        key = ec.generate_private_key(ec.SECP256R1()) if algorithm.startswith("EC") else None
        key = key or ed25519.Ed25519PrivateKey.generate()
        self.name = dns.name.from_text("example.com.")
        self.key = key
        self.dnskey = dnskey = dns.dnssec.make_dnskey(key.public_key(), algorithm, flags=257)
        self.zone = dns.zone.from_text(ZONE, origin=self.name, relativize=False)
        dns.dnssec.sign_zone(
            self.zone, keys=[(key, dnskey)], inception=inception, expiration=expiration, add_dnskey=True, dnskey_ttl=300
        )

    def answer(self, name, rdtype, *, signed=True):
        qname = dns.name.from_text(name)
        message = dns.message.make_response(dns.message.make_query(qname, rdtype, want_dnssec=True))
        for covered in ("NONE", rdtype) if signed else ("NONE",):
            kind = rdtype if covered == "NONE" else "RRSIG"
            found = self.zone.get_rdataset(qname, kind, covered)
            message.answer.append(dns.rrset.from_rdata_list(qname, found.ttl, list(found)))
        return message


def response(message, seq=1, *, time=SEEN, status=None, cause=None):
    wire = message if isinstance(message, bytes) else message.to_wire()
    return Response(seq, time, "example.com", "www.example.com", "A", wire, status, cause)


def judged(zone, *, keys=None, key_status="secure", message=None, **options):
    """The verdict on an answer, with a response that told the keys of `keys` beside it."""
    told = [] if keys is None else [response(keys.answer("example.com.", "DNSKEY"), status=key_status)]
    listed = [*told, response(message or zone.answer("www.example.com.", "A"), 2, **options)]
    return list(revalidate(listed))[-1]


MINE = Zone()
CASES = {
    # A signature that has run out since is as good as it was: what counts is when it was seen.
    "valid then, expired since": (MINE, {"keys": MINE, "status": "secure"}, "valid", None),
    "valid with Ed25519": ((z := Zone(algorithm="ED25519")), {"keys": z}, "valid", None),
    "expired when it was seen": (
        MINE, {"keys": MINE, "time": SEEN + 2 * DAY, "status": "bogus", "cause": "rrsig_expired"},
        "expired at that time", None,
    ),
    "not yet valid when it was seen": (
        MINE, {"keys": MINE, "time": SEEN - 2 * DAY, "status": "bogus", "cause": "rrsig_not_yet_valid"},
        "not yet valid", None,
    ),
    "another zone's key": (MINE, {"keys": Zone()}, "no key in the bundle", None),
    "no key at all": (MINE, {"status": "secure"}, "no key in the bundle", None),
    "no signature": (
        MINE, {"keys": MINE, "message": MINE.answer("www.example.com.", "A", signed=False)}, "not signed", None
    ),
    "no signature, recorded as secure": (
        MINE, {"keys": MINE, "message": MINE.answer("www.example.com.", "A", signed=False), "status": "secure"},
        "not signed", "recorded as secure, but: not signed",
    ),
    "recorded as secure, but expired": (
        MINE, {"keys": MINE, "time": SEEN + 2 * DAY, "status": "secure"},
        "expired at that time", "recorded as secure, but: expired at that time",
    ),
    "recorded as expired, but valid": (
        MINE, {"keys": MINE, "status": "bogus", "cause": "rrsig_expired"},
        "valid", "recorded as bogus (rrsig_expired), but: valid at that time",
    ),
    # Both verdicts are right around the last second: a verdict is looked at again once a minute.
    "expired a moment ago, recorded as secure": (
        MINE, {"keys": MINE, "time": SEEN + DAY + dt.timedelta(seconds=30), "status": "secure"},
        "expired at that time", None,
    ),
    # A wrong DS shows in no signature.
    "the fault lies in the chain": (
        MINE, {"keys": MINE, "status": "bogus", "cause": "ds_mismatch"}, "valid", None
    ),
    # Keys out of a response that was bogus itself prove nothing against the verdict.
    "keys that were bogus themselves": (
        MINE, {"keys": MINE, "key_status": "bogus", "status": "bogus", "cause": "signature_invalid"}, "valid", None
    ),
    "what cannot be read": (MINE, {"keys": MINE, "message": b"\x00" * 11}, "cannot be read", None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_signature_is_judged_at_the_time_it_was_seen(case):
    zone, options, result, contradiction = CASES[case]
    found = judged(zone, **options)
    assert (found.result, found.contradiction) == (result, contradiction)
    assert found.secure_keys == (result == "valid" and options.get("key_status", "secure") == "secure")


def test_another_address_under_the_same_signature_does_not_verify():
    message = MINE.answer("www.example.com.", "A")
    message.answer[0] = dns.rrset.from_text("www.example.com.", 300, "IN", "A", "203.0.113.66")
    found = judged(MINE, keys=MINE, message=message, status="secure")
    assert found.sets == (("www.example.com A", "signature does not verify"),)
    assert found.contradiction == "recorded as secure, but: signature does not verify"


def test_a_wrong_key_of_the_same_tag_is_not_enough():
    """Key tags collide; the signature decides."""
    right = MINE.answer("example.com.", "DNSKEY")
    signature = MINE.answer("www.example.com.", "A").answer[1][0]
    keys = Keys([response(Zone().answer("example.com.", "DNSKEY"))])
    other = next(iter(next(iter(keys._keys.values())).values()))
    keys._keys = {(signature.signer, signature.key_tag, int(signature.algorithm)): {b"": other}}
    answer = response(MINE.answer("www.example.com.", "A"))
    assert Revalidation(keys).judge(answer).result == "signature does not verify"
    keys.add(response(right, status="secure"))
    assert Revalidation(keys).judge(answer).result == "valid"


def test_a_zone_signs_for_nobody_else():
    """Another zone's key over our name: the signature is right, and says nothing."""
    other = dns.name.from_text("other.example.")
    told = dns.message.make_response(dns.message.make_query(other, "DNSKEY"))
    told.answer.append(dns.rrset.from_rdata(other, 300, MINE.dnskey))
    message = MINE.answer("www.example.com.", "A", signed=False)
    made = dns.dnssec.sign(
        message.answer[0], MINE.key, other, MINE.dnskey, inception=SEEN - DAY, expiration=SEEN + DAY, verify=False
    )
    message.answer.append(dns.rrset.from_rdata("www.example.com.", 300, made))
    found = list(revalidate([response(told, status="secure"), response(message, 2)]))
    assert found[1].result == "signature does not verify"


def test_a_cname_that_a_dname_makes_needs_no_signature():
    message = MINE.answer("d.example.com.", "DNAME")
    message.answer.append(dns.rrset.from_text("a.d.example.com.", 300, "IN", "CNAME", "a.other.example.com."))
    assert judged(MINE, keys=MINE, message=message).result == "valid"
    message.answer.append(dns.rrset.from_text("b.example.com.", 300, "IN", "CNAME", "a.other.example.com."))
    assert judged(MINE, keys=MINE, message=message).result == "not signed"


def test_only_so_many_signatures_are_checked():
    listed = [response(MINE.answer("example.com.", "DNSKEY"))]
    listed += [response(MINE.answer("www.example.com.", "A"), n) for n in range(2, 6)]
    assert [one.result for one in revalidate(listed, most=3)] == ["valid"] * 3 + ["not checked"] * 2


def test_only_so_many_keys_of_a_zone_are_kept():
    keys = Keys()
    message = dns.message.make_response(dns.message.make_query("example.com.", "DNSKEY"))
    texts = [f"257 3 13 {base64.b64encode(n.to_bytes(64, 'big')).decode()}" for n in range(1, 200)]
    message.answer.append(dns.rrset.from_text_list("example.com.", 300, "IN", "DNSKEY", texts))
    keys.add(response(message))
    assert sum(map(len, keys._keys.values())) == 64


def observation(wire, *, zone="example.com", dnssec=None):
    return Observation(
        id=new_id(), time=SEEN, probe=Probe(id="p"), zone=zone, name="www.example.com", qtype="A",
        server=Server(address="192.0.2.1", role="authoritative"), transport="udp", outcome="answer", rcode="NOERROR",
        answers=(Record(name="www.example.com", type="A", ttl=300, data="192.0.2.2"),), dnssec=dnssec, wire=wire,
    )  # fmt: skip


def record(seq, body, kind="observation"):
    return Link(seq, SEEN, kind, "example.com", SEEN, (), body, GENESIS, GENESIS, GENESIS)


def test_responses_are_read_out_of_records():
    wire = MINE.answer("www.example.com.", "A").to_wire()
    dnssec = Dnssec(status="bogus", cause="rrsig_expired")
    good = ndjson.encode(observation(base64.b64encode(wire).decode(), dnssec=dnssec)).decode()
    records = [
        record(1, None), record(2, "{"), record(3, good, "more"), record(4, ndjson.encode(observation(None)).decode()),
        record(5, ndjson.encode(observation("no base64!")).decode()), record(6, good),
        record(7, ndjson.encode(observation(base64.b64encode(bytes(65_536)).decode())).decode()),
    ]  # fmt: skip
    assert list(responses(records)) == [
        Response(6, SEEN, "example.com", "www.example.com", "A", wire, "bogus", "rrsig_expired")
    ]


WIRES = [MINE.answer("www.example.com.", "A").to_wire(), MINE.answer("example.com.", "DNSKEY").to_wire()]


@settings(deadline=None)
@given(st.sampled_from(WIRES), st.lists(st.tuples(st.integers(0, 600), st.binary(min_size=1, max_size=4)), max_size=8))
def test_no_bytes_bring_it_down(wire, changes):
    mangled = bytearray(wire)
    for place, data in changes:
        mangled[place : place + len(data)] = data
    for one in revalidate([response(WIRES[1], status="secure"), response(bytes(mangled), 2)]):
        assert one.result


@settings(deadline=None)
@given(st.binary(max_size=300), st.text(max_size=200))
def test_no_record_brings_it_down(wire, body):
    list(revalidate([response(wire)]))
    list(responses([record(1, body)]))

"""The walk from the trust anchor down, against zones that are right, and wrong in one way each."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from otel_dns_receiver.dnssec.answer import validate
from otel_dns_receiver.dnssec.chain import Chain, delegated, entrusted
from otel_dns_receiver.dnssec.trust import Trust
from signed import DAY, NOW, Signed, without

AT = NOW.timestamp()
PARENT = Signed("test.", "plain NS ns1.plain\nns1.plain A 192.0.2.9\n")
CHILD = Signed(
    "example.test.",
    """\
www A 192.0.2.10
www AAAA 2001:db8::10
*.wild A 192.0.2.11
alias CNAME www
far CNAME www.other.org.
a.b.ent A 192.0.2.12
moved DNAME new.example.test.
x.new A 192.0.2.13
""",
)


def parent_with(ds) -> Signed:
    """The parent signed again with this DS for the child."""
    text = f"example NS ns1.example\nns1.example A 192.0.2.1\nexample DS {ds.to_text()}\n"
    return Signed("test.", text)


def trusted(zone: Signed) -> Chain:
    chain = entrusted(zone.answer(zone.name, "DNSKEY"), zone.name, [zone.ds], AT)
    assert chain.status == "secure"
    return chain


def ask(name: str, rdtype: str, *, chain=None, message=None, now=AT):
    qname, qtype = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    message = message if message is not None else CHILD.answer(name, rdtype)
    dnssec = validate(message, qname, qtype, Trust(chain or trusted(CHILD)), now)
    return dnssec.status, dnssec.cause


class TestChain:
    def test_ds_to_dnskey(self):
        above = parent_with(CHILD.ds)
        said = delegated(above.answer(CHILD.name, "DS"), CHILD.name, trusted(above), AT)
        assert said.status == "secure"
        assert entrusted(CHILD.answer(CHILD.name, "DNSKEY"), CHILD.name, said.ds, AT).status == "secure"

    def test_a_dnskey_as_anchor(self):
        assert entrusted(CHILD.answer(CHILD.name, "DNSKEY"), CHILD.name, [CHILD.dnskey], AT).status == "secure"

    def test_no_ds_is_proven_insecure(self):
        said = delegated(PARENT.answer("plain.test.", "DS"), dns.name.from_text("plain.test."), trusted(PARENT), AT)
        assert (said.status, said.cause) == ("insecure", None)

    def test_no_ds_without_proof_is_bogus(self):
        message = without(PARENT.answer("plain.test.", "DS"), "NSEC", "authority")
        said = delegated(message, dns.name.from_text("plain.test."), trusted(PARENT), AT)
        assert (said.status, said.cause) == ("bogus", "nsec_missing")

    def test_ds_without_signature(self):
        above = parent_with(CHILD.ds)
        said = delegated(without(above.answer(CHILD.name, "DS"), "RRSIG"), CHILD.name, trusted(above), AT)
        assert (said.status, said.cause) == ("bogus", "rrsig_missing")

    def test_a_ds_of_an_algorithm_that_nobody_knows_is_insecure(self):
        from dns.rdtypes.ANY.DS import DS

        odd = DS(dns.rdataclass.IN, dns.rdatatype.DS, 1, 200, 2, b"\0" * 32)
        above = parent_with(odd)
        said = delegated(above.answer(CHILD.name, "DS"), CHILD.name, trusted(above), AT)
        assert (said.status, said.cause) == ("insecure", "algorithm_unsupported")

    @pytest.mark.parametrize(
        ("zone", "anchor", "cause"),
        [
            (CHILD, Signed("example.test.", "").ds, "ds_mismatch"),
            (Signed("example.test.", "", unsigned=True), CHILD.ds, "dnskey_missing"),
        ],
        ids=["another key's DS", "no DNSKEY"],
    )
    def test_broken_entry(self, zone, anchor, cause):
        chain = entrusted(zone.answer(zone.name, "DNSKEY"), zone.name, [anchor], AT)
        assert (chain.status, chain.cause) == ("bogus", cause)

    def test_expired_keys(self):
        old = Signed("example.test.", "", inception=NOW - 9 * DAY, expiration=NOW - 2 * DAY)
        chain = entrusted(old.answer(old.name, "DNSKEY"), old.name, [old.ds], AT)
        assert (chain.status, chain.cause) == ("bogus", "rrsig_expired")


class TestAnswers:
    @pytest.mark.parametrize(
        ("name", "rdtype"),
        [
            ("example.test.", "SOA"),
            ("www.example.test.", "A"),
            ("www.example.test.", "MX"),
            ("nope.example.test.", "A"),
            ("zzz.example.test.", "A"),
            ("ent.example.test.", "A"),
            ("b.ent.example.test.", "A"),
            ("alias.example.test.", "CNAME"),
        ],
    )
    def test_secure(self, name, rdtype):
        assert ask(name, rdtype) == ("secure", None)

    def test_expiry_is_the_earliest_signature(self):
        message = CHILD.answer("www.example.test.", "A")
        dnssec = validate(message, dns.name.from_text("www.example.test."), dns.rdatatype.A, Trust(trusted(CHILD)), AT)
        assert dnssec.expires == NOW + 10 * DAY

    def test_no_signature(self):
        message = without(CHILD.answer("www.example.test.", "A"), "RRSIG")
        assert ask("www.example.test.", "A", message=message) == ("bogus", "rrsig_missing")

    def test_changed_data(self):
        message = CHILD.answer("www.example.test.", "A")
        message.answer[0] = dns.rrset.from_text("www.example.test.", 300, "IN", "A", "203.0.113.66")
        assert ask("www.example.test.", "A", message=message) == ("bogus", "signature_invalid")

    @pytest.mark.parametrize(("days", "cause"), [(11, "rrsig_expired"), (-2, "rrsig_not_yet_valid")])
    def test_out_of_time(self, days, cause):
        assert ask("www.example.test.", "A", now=AT + days * 86400) == ("bogus", cause)

    def test_to_the_second(self):
        edge = (NOW + 10 * DAY).timestamp()
        assert ask("www.example.test.", "A", now=edge) == ("secure", None)
        assert ask("www.example.test.", "A", now=edge + 1) == ("bogus", "rrsig_expired")

    def test_signed_by_a_key_that_is_not_the_zones(self):
        chain = trusted(CHILD)._replace(keys={})
        assert ask("www.example.test.", "A", chain=chain) == ("bogus", "dnskey_missing")

    @pytest.mark.parametrize("name", ["nope.example.test.", "www.example.test."])
    def test_denial_without_proof(self, name):
        message = without(CHILD.answer(name, "MX"), "NSEC", "authority")
        assert ask(name, "MX", message=message) == ("bogus", "nsec_missing")

    def test_denial_from_an_unsigned_copy(self):
        message = without(CHILD.answer("nope.example.test.", "A"), "NSEC", "authority")
        message = without(message, "RRSIG", "authority")
        assert ask("nope.example.test.", "A", message=message) == ("bogus", "rrsig_missing")

    def test_a_proof_for_another_name_proves_nothing(self):
        message = CHILD.answer("nope.example.test.", "A")
        other = CHILD.answer("zzz.example.test.", "A")
        message.authority[:] = other.authority
        assert ask("nope.example.test.", "A", message=message) == ("bogus", "nsec_missing")

    def test_a_wildcard_with_its_proof(self):
        expanded = self._wildcard("x.wild.example.test.")
        assert ask("x.wild.example.test.", "A", message=expanded) == ("secure", None)
        assert ask("x.wild.example.test.", "A", message=without(expanded, "NSEC", "authority")) == (
            "bogus",
            "nsec_missing",
        )

    def _wildcard(self, name):
        message = CHILD.answer(name, "A")
        message.set_rcode(0)
        star = CHILD.answer("*.wild.example.test.", "A")
        owner = dns.name.from_text(name)
        message.answer[:] = [dns.rrset.from_rdata_list(owner, r.ttl, list(r)) for r in star.answer]
        return message

    def test_an_alias_that_leaves_the_zone_is_judged_as_far_as_it_is_ours(self):
        message = CHILD.answer("far.example.test.", "CNAME")
        assert ask("far.example.test.", "A", message=message) == ("secure", None)

    @pytest.mark.parametrize(
        ("made", "verdict"),
        [("x.new.example.test.", ("secure", None)), ("evil.other.test.", ("bogus", "rrsig_missing"))],
        ids=["as the DNAME says", "another way"],
    )
    def test_an_alias_made_from_a_dname_needs_no_signature_of_its_own(self, made, verdict):
        message = CHILD.answer("moved.example.test.", "DNAME")
        message.answer.append(dns.rrset.from_text("x.moved.example.test.", 300, "IN", "CNAME", made))
        message.answer += CHILD.answer("x.new.example.test.", "A").answer
        assert ask("x.moved.example.test.", "A", message=message) == verdict

    @pytest.mark.parametrize(
        ("status", "cause"), [("insecure", None), ("bogus", "ds_mismatch"), ("indeterminate", None)]
    )
    def test_the_chain_decides_for_all_answers(self, status, cause):
        chain = Chain(CHILD.name, status, cause)
        assert ask("www.example.test.", "A", chain=chain) == (status, cause)

"""A signed tree of zones in memory, and answers from it as a correct server would give them."""

from __future__ import annotations

import datetime as dt

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


class Signed:
    """One zone, signed with ECDSA P-256 and NSEC."""

    def __init__(self, origin: str, text: str, *, inception=NOW - DAY, expiration=NOW + 10 * DAY, unsigned=False):
        self.name = dns.name.from_text(origin)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.dnskey = dns.dnssec.make_dnskey(self.key.public_key(), "ECDSAP256SHA256", flags=257)
        head = "$TTL 300\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n"
        self.zone = dns.zone.from_text(head + text, origin=self.name, relativize=False)
        if not unsigned:
            dns.dnssec.sign_zone(
                self.zone, keys=[(self.key, self.dnskey)], inception=inception, expiration=expiration,
                add_dnskey=True, dnskey_ttl=300,
            )  # fmt: skip

    @property
    def ds(self):
        return dns.dnssec.make_ds(self.name, self.dnskey, "SHA256")

    def answer(self, name: str | dns.name.Name, rdtype: str) -> dns.message.QueryMessage:
        """The response to a question, with DO."""
        qname = dns.name.from_text(name) if isinstance(name, str) else name
        query = dns.message.make_query(qname, rdtype, want_dnssec=True)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        node = self.zone.get_node(qname)
        wanted = dns.rdatatype.from_text(rdtype)
        if node is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
            self._deny(response, qname)
        elif not self._add(response.answer, qname, wanted):
            self._deny(response, qname)
        return response

    def _add(self, section, name, rdtype, covered=dns.rdatatype.NONE) -> bool:
        found = self.zone.get_rdataset(name, rdtype, covered)
        if found is None:
            return False
        section.append(dns.rrset.from_rdata_list(name, found.ttl, list(found)))
        signature = self.zone.get_rdataset(name, dns.rdatatype.RRSIG, rdtype)
        if signature is not None:
            section.append(dns.rrset.from_rdata_list(name, signature.ttl, list(signature)))
        return True

    def _deny(self, response, qname) -> None:
        self._add(response.authority, self.name, dns.rdatatype.SOA)
        owners = sorted(n for n in self.zone.nodes if self.zone.get_rdataset(n, dns.rdatatype.NSEC))
        for target in (qname, dns.name.Name((b"*", *qname.parent().labels))):
            before = [owner for owner in owners if owner <= target]
            if before and not any(r.name == before[-1] and r.rdtype == dns.rdatatype.NSEC for r in response.authority):
                self._add(response.authority, before[-1], dns.rdatatype.NSEC)


def without(message, rdtype: str, section: str = "answer"):
    """The message without the RRsets of a type."""
    listed = getattr(message, section)
    listed[:] = [r for r in listed if r.rdtype != dns.rdatatype.from_text(rdtype)]
    return message

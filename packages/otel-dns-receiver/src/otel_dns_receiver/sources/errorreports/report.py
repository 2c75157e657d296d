"""Report queries and what the agent answers (RFC 9567 §6). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns_events import from_dns

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARK = b"_er"
_TTL = 3600
_NEGATIVE_TTL = 300
_COOKIE = dns.edns.OptionType.COOKIE

Verdict = Literal["report", "asked_again_over_tcp", "no_report", "outside", "unparsable"]


class Report(NamedTuple):
    """What a resolver says it could not resolve."""

    name: str
    qtype: str
    ede: int
    """Extended DNS Error (RFC 8914)."""


class Answered(NamedTuple):
    """What became of a query."""

    verdict: Verdict
    reply: bytes | None
    report: Report | None = None


class Agent:
    """The agent domain.

    Args:
        domain: its apex.
        nameserver: the name that the domain is delegated to.
        require_tcp: whether reports over UDP without a cookie are asked for again over TCP, which nobody can forge
            (§6.3).
    """

    def __init__(self, domain: dns.name.Name, nameserver: dns.name.Name, *, require_tcp: bool) -> None:
        self._domain = domain
        self._require_tcp = require_tcp
        text = f"{nameserver} hostmaster.{domain} 1 3600 600 86400 {_NEGATIVE_TTL}"
        self._soa = dns.rrset.from_text(domain, _TTL, "IN", "SOA", text)
        self._ns = dns.rrset.from_text(domain, _TTL, "IN", "NS", nameserver.to_text())

    def answer(self, wire: bytes, *, tcp: bool) -> Answered:
        """Answer one query."""
        try:
            query = dns.message.from_wire(wire, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError, IndexError, NotImplementedError):
            return Answered("unparsable", _bare(wire))
        if query.flags & dns.flags.QR or query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            return Answered("unparsable", None if query.flags & dns.flags.QR else _bare(wire))
        question = query.question[0]
        response = dns.message.make_response(query)
        if not question.name.is_subdomain(self._domain) or question.rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
            return Answered("outside", response.to_wire())
        response.flags |= dns.flags.AA
        found = read(question.name, self._domain) if question.rdtype == dns.rdatatype.TXT else None
        if found is not None:
            if self._require_tcp and not tcp and not any(o.otype == _COOKIE for o in query.options):
                response.flags |= dns.flags.TC
                return Answered("asked_again_over_tcp", response.to_wire())
            response.answer.append(dns.rrset.from_text(question.name, _TTL, "IN", "TXT", '"report received"'))
            return Answered("report", response.to_wire(), found)
        # Every other name below exists without data, for resolvers come down label by label (RFC 9156).
        if question.name == self._domain and question.rdtype == dns.rdatatype.SOA:
            response.answer.append(self._soa)
        elif question.name == self._domain and question.rdtype == dns.rdatatype.NS:
            response.answer.append(self._ns)
        else:
            response.authority.append(self._soa)
        return Answered("no_report", response.to_wire())


def read(name: dns.name.Name, domain: dns.name.Name) -> Report | None:
    """The report in a name ``_er.<type>.<name>.<error>._er.<agent domain>``; ``None`` where there is none."""
    labels: Sequence[bytes] = name.labels[: len(name.labels) - len(domain.labels)]
    if len(labels) < 5 or labels[0].lower() != _MARK or labels[-1].lower() != _MARK:
        return None
    # Of several types (`1-28`) the first stands for all.
    types, error = labels[1].split(b"-")[0], labels[-2]
    if not (types.isdigit() and error.isdigit() and len(types) < 6 and len(error) < 6):
        return None
    rdtype, code = int(types), int(error)
    if rdtype > 65535 or code > 65535:
        return None
    about = dns.name.Name((*labels[2:-2], b""))
    return Report(from_dns(about), dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rdtype)), code)


def _bare(wire: bytes) -> bytes | None:
    """FORMERR, as a header alone."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    return wire[:2] + bytes([0x80 | wire[2] & 0x79, int(dns.rcode.FORMERR)]) + bytes(8)

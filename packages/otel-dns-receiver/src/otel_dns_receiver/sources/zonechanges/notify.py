"""NOTIFY (RFC 1996), as the one who is told: what a message means and what is answered. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.tsig
from dns_events import from_dns

if TYPE_CHECKING:
    from collections.abc import Container

    from .transfer import Keyring

Verdict = Literal["told", "refused_address", "bad_tsig", "unsigned", "other_zone", "no_notify", "unparsable"]


class Heard(NamedTuple):
    """What became of a message."""

    verdict: Verdict
    zone: str | None
    reply: bytes | None


def hear(wire: bytes, *, allowed: bool, keys: Keyring, signed: bool, zones: Container[str]) -> Heard:
    """Read a message.

    Args:
        wire: its bytes.
        allowed: whether the sender's address is one of a primary's.
        keys: TSIG keys by name.
        signed: whether a message must be signed.
        zones: those that are watched.
    """
    if not allowed:
        return Heard("refused_address", None, None)  # no answer: whoever sent it may not be who is told
    try:
        message = dns.message.from_wire(wire, keyring=keys or None, ignore_trailing=True)
    except (dns.message.UnknownTSIGKey, dns.tsig.BadSignature, dns.tsig.BadTime, dns.tsig.BadKey, dns.tsig.PeerError):
        return Heard("bad_tsig", None, _bare(wire, dns.rcode.NOTAUTH))
    except (dns.exception.DNSException, ValueError, IndexError, KeyError, NotImplementedError):
        return Heard("unparsable", None, _bare(wire, dns.rcode.FORMERR))
    if message.flags & dns.flags.QR:
        return Heard("no_notify", None, None)
    if message.opcode() != dns.opcode.NOTIFY or len(message.question) != 1:
        return Heard("no_notify", None, _bare(wire, dns.rcode.NOTIMP))
    if signed and not message.had_tsig:
        return Heard("unsigned", None, _answer(message, dns.rcode.REFUSED))
    zone = from_dns(message.question[0].name)
    if zone not in zones or message.question[0].rdtype != dns.rdatatype.SOA:
        return Heard("other_zone", None, _answer(message, dns.rcode.NOTAUTH))
    return Heard("told", zone, _answer(message, dns.rcode.NOERROR))


def _answer(message: dns.message.Message, rcode: dns.rcode.Rcode) -> bytes:
    response = dns.message.make_response(message)
    response.flags |= dns.flags.AA
    response.set_rcode(rcode)
    return response.to_wire()


def _bare(wire: bytes, rcode: dns.rcode.Rcode) -> bytes | None:
    """A header alone, for what could not be read further."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    return wire[:2] + bytes([0x80 | wire[2] & 0x78, int(rcode)]) + bytes(8)

"""Record data in the one form that observations have: presentation form with absolute, dotted, lower-case names."""

from __future__ import annotations

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
from dns_events import normalize

#: A character string holds so many octets (RFC 1035 §3.3).
_STRING = 255
_CODEC = dns.name.IDNA_2008_Practical


def is_standard(rdtype: str) -> bool:
    """Whether servers answer with this type; ``ALIAS`` and a provider's own types are none."""
    try:
        return not dns.rdatatype.is_metatype(dns.rdatatype.from_text(rdtype))
    except (dns.exception.DNSException, ValueError):
        return False


def canonical(rdtype: str, text: str) -> str:
    """Data as `dns_events.Record.data` has it, as ``10 mail.example.com.``.

    Args:
        rdtype: a type of the DNS, as ``MX``.
        text: presentation form (RFC 1035 §5.1); names are absolute with or without their last dot.

    Raises:
        ValueError: no data of this type.
    """
    try:
        read = dns.rdata.from_text("IN", rdtype, text, origin=dns.name.root, relativize=False, idna_codec=_CODEC)
        wire = read.to_digestable()  # RFC 4034 §6.2: names in lower case
        return dns.rdata.from_wire("IN", rdtype, wire, 0, len(wire)).to_text()
    except (dns.exception.DNSException, ValueError) as error:
        msg = f"{text[:80]!r} is no data of {rdtype}: {error}"
        raise ValueError(msg) from error


def strings(data: bytes) -> str:
    """Presentation form of a text in as many character strings as it needs, as TXT has it."""
    return " ".join(quoted(data[at : at + _STRING]) for at in range(0, len(data), _STRING)) or '""'


def quoted(data: bytes) -> str:
    """One quoted character string."""
    return f'"{"".join(map(_escaped, data))}"'


def unescaped(text: str) -> bytes:
    r"""The octets of a text with the escapes of presentation form: ``\;``, ``\"``, ``\032``."""
    found = bytearray()
    at = 0
    while at < len(text):
        if text[at] != "\\" or at + 1 == len(text):
            found += text[at].encode()
            at += 1
        elif (digits := text[at + 1 : at + 4]).isdecimal() and len(digits) == 3 and int(digits) < 256:
            found.append(int(digits))
            at += 4
        else:
            found += text[at + 1].encode()
            at += 2
    return bytes(found)


def text_of(data: str) -> bytes:
    """The octets of a TXT record's strings, joined."""
    read = dns.rdata.from_text("IN", "TXT", data)
    return b"".join(read.strings)  # type: ignore[attr-defined]  # dnspython types the base class only


def absolute(name: str) -> str:
    """A name of a target with its last dot."""
    plain = normalize(name)
    return "." if plain == "." else f"{plain}."


def _escaped(octet: int) -> str:
    if octet in b'"\\':
        return "\\" + chr(octet)
    return chr(octet) if 32 <= octet < 127 else f"\\{octet:03}"

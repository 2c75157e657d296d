"""Types, response codes, flags and transports as other tools spell them, in the spelling of events."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import dns.rcode
import dns.rdatatype

from dns_events.errors import DecodeError

from .fields import wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dns_events.events import Transport

#: Header flags in the order of the wire.
FLAGS = ("aa", "tc", "rd", "ra", "ad", "cd")
_RCODES = {"FORMERROR": "FORMERR", "SERVERROR": "SERVFAIL", "NAMEERROR": "NXDOMAIN", "NOTIMPLEMENTED": "NOTIMP"}
_TRANSPORTS: dict[str, Transport] = {
    "udp": "udp", "tcp": "tcp", "dot": "dot", "doh": "doh", "doq": "doq",
    "tls": "dot", "tcp-tls": "dot", "https": "doh", "quic": "doq", "17": "udp", "6": "tcp",
    "dnscryptudp": "udp", "dnscrypttcp": "tcp",
}  # fmt: skip
#: No mnemonic is longer.
_LONGEST = 32


@lru_cache(maxsize=4096)
def qtype(value: str | int) -> str:
    """A type's mnemonic; ``TYPE<number>`` (RFC 3597) where it has none.

    Raises:
        DecodeError: no number of 16 bits and no word.
    """
    text = str(value).strip().upper()
    if text == "*":
        return "ANY"
    digits = text.removeprefix("QUERY-").removeprefix("TYPE")
    if digits.isdecimal() and digits.isascii():
        if len(digits) > 5 or int(digits) > 65535:
            raise DecodeError(f"type {text[:_LONGEST]}: at most 65535")
        return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(int(digits)))
    return _word("type", text)


@lru_cache(maxsize=4096)
def rcode(value: str | int) -> str:
    """A response code's mnemonic as of RFC 6895; the number where it has none.

    Raises:
        DecodeError: no number of 12 bits and no word.
    """
    text = str(value).strip().upper()
    digits = text.removeprefix("RCODE-").removeprefix("RCODE").removeprefix("UNASSIGNED-")
    if digits.isdecimal() and digits.isascii():
        if len(digits) > 4 or int(digits) > 4095:
            raise DecodeError(f"response code {text[:_LONGEST]}: at most 4095")
        return dns.rcode.to_text(dns.rcode.Rcode(int(digits)))
    return _word("response code", _RCODES.get(text.replace(" ", ""), text))


def flags(seen: Mapping[str, bool | None]) -> tuple[str, ...]:
    """Header flags in lower case and in the order of the wire."""
    return tuple(flag for flag in FLAGS if seen.get(flag))


def transport(path: str, value: Any) -> Transport | None:
    """Over what it went.

    Raises:
        DecodeError: it is none that events know.
    """
    if value is None:
        return None
    known = _TRANSPORTS.get(str(value).lower()) if isinstance(value, str | int) else None
    if known is None:
        raise wrong(path, value, "udp, tcp, dot, doh or doq")
    return known


def internet(value: str | None) -> bool:
    """Whether a class is the Internet's, the only one that events tell of."""
    return value is None or value.upper() in {"IN", "INET", "INTERNET", "C_INTERNET", "1", "CLASS1"}


def _word(what: str, text: str) -> str:
    if not text or len(text) > _LONGEST or not text.isascii() or not text.isprintable():
        raise DecodeError(f"a {what} of {len(text)} characters; a mnemonic such as A or NXDOMAIN is needed")
    return text

"""Domain names in the one form that events use: lower-case A-labels, no trailing dot, "." for the root."""

from __future__ import annotations

from functools import lru_cache

import dns.exception
import dns.name

from .errors import InvalidNameError

# UTS 46 mapping for labels outside ASCII; ASCII labels, underscores included, pass as they are.
_CODEC = dns.name.IDNA_2008_Practical


@lru_cache(maxsize=65536)
def normalize(name: str) -> str:
    r"""The canonical text of a domain name.

    Args:
        name: presentation form (RFC 1035 §5.1); U-labels, upper case, a trailing dot and escapes
            (``\.``, ``\032``) are understood.

    Returns:
        Lower-case A-labels (RFC 5890) without the trailing dot; ``"."`` for the root.

    Raises:
        InvalidNameError: an empty label, a label over 63 or a name over 255 octets, or a label that
            IDNA 2008 forbids.
    """
    return _text(parse(name))


def parse(name: str) -> dns.name.Name:
    """Like `normalize`, as an absolute, lower-case dnspython name."""
    if not name:
        msg = 'an empty name; write "." for the root'
        raise InvalidNameError(msg)
    try:
        return dns.name.from_text(name, dns.name.root, _CODEC).canonicalize()
    except dns.exception.DNSException as error:
        msg = f"{_shown(name)} is not a domain name: {error}"
        raise InvalidNameError(msg) from error


def from_dns(name: dns.name.Name) -> str:
    """The canonical text of a name that dnspython read from the wire."""
    return _text(name.canonicalize())


def parent(name: str) -> str:
    """The name without its first label; the root's parent is the root."""
    parsed = parse(name)
    return "." if parsed == dns.name.root else _text(parsed.parent())


def within(name: str, zone: str) -> bool:
    """Whether `name` is `zone` or below it (both in canonical text)."""
    if zone in (".", name):
        return True
    # A plain suffix test is wrong where an escaped dot ends a label, so labels decide then.
    if "\\" in name:
        return parse(name).is_subdomain(parse(zone))
    return name.endswith("." + zone)


def _text(name: dns.name.Name) -> str:
    text = name.to_text(omit_final_dot=True)
    return "." if text in {"@", ""} else text


def _shown(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")

"""How things are said: lists, causes, shares. The same data gives the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CAUSES = {
    "ds_mismatch": "DS mismatch",
    "dnskey_missing": "missing DNSKEY",
    "rrsig_missing": "missing signatures",
    "rrsig_expired": "expired signatures",
    "rrsig_not_yet_valid": "signatures not valid yet",
    "signature_invalid": "invalid signatures",
    "algorithm_unsupported": "unsupported algorithm",
    "nsec_missing": "missing proof of denial",
    "nodata": "NODATA",
    "nxdomain": "NXDOMAIN",
    "servfail": "SERVFAIL",
    "refused": "REFUSED",
    "timeout": "timeouts",
    "unreachable": "unreachable",
    "malformed": "malformed answers",
    "referral": "not authoritative (lame)",
    "error": "error responses",
    "bogus": "bogus answers",
    "skewed": "a clock that is off",
    "dangling": "an alias to a name that does not exist",
}
_SHOWN = 4


def cause(word: str) -> str:
    """A DNSSEC cause or an outcome in a responder's words."""
    return CAUSES.get(word, word)


FAMILIES = {"ipv4": "IPv4 addresses", "ipv6": "IPv6 addresses"}
_VERDICTS = {
    "overdue": "later than the old TTL",
    "stale_served": "stale answers",
    "rogue": "never published",
}


def verdict(word: str) -> str:
    """What a vantage's answer is, in a responder's words."""
    return _VERDICTS[word]


def listing(items: Iterable[str], *, most: int = _SHOWN, last: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c, d and 3 more``."""
    names = list(items)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) <= 1:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def regions(failing: Iterable[str], known: Iterable[str]) -> str:
    """``all regions (a, b)`` or the ones that fail."""
    names = sorted(failing)
    everywhere = set(names) == set(known) and len(names) > 1
    return f"all regions ({', '.join(names)})" if everywhere else listing(names)


def reasons(why: dict[str, int]) -> str:
    """``timeouts`` or ``timeouts and SERVFAIL``: the common causes, the commonest first."""
    total = sum(why.values())
    common = [w for w, n in sorted(why.items(), key=lambda item: (-item[1], item[0])) if n * 5 >= total]
    return listing(cause(word) for word in common)


def counts(why: dict[str, int]) -> str:
    """``SERVFAIL 120, timeouts 3``, the commonest first."""
    ordered = sorted(why.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{cause(word)} {number}" for word, number in ordered)


def percent(share: float) -> str:
    """A share as a whole percentage, never rounded up to 100 % or down to 0 %."""
    value = round(share * 100)
    if value == 100 and share < 1:
        value = 99
    if value == 0 and share > 0:
        value = 1
    return f"{value} %"


def share(value: float) -> str:
    """A share with as many digits as it deserves: ``32 %``, ``0.3 %``, ``below 0.1 %``."""
    if value >= 0.1:
        return percent(value)
    return f"{value * 100:.1f} %" if value >= 0.001 else "below 0.1 %"


def duration(seconds: float) -> str:
    """``45 s``, ``3 min``, ``2 h``, ``4 d``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 72 * 3600 else f"{seconds / 86_400:.0f} d"


def latency(seconds: float) -> str:
    """``0.8 ms``, ``23 ms``, ``1.4 s``."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def server(address: str, names: dict[str, str]) -> str:
    """``ns1.example.com (192.0.2.1)``, or the address alone."""
    return f"{names[address]} ({address})" if address in names else address


def address(server: str) -> str:
    """The address of what `server` wrote, whether or not the name was known."""
    return server.rpartition("(")[2].removesuffix(")")


_FACTS = {
    "parent_ns": "NS set at the parent",
    "child_ns": "NS set at the zone's own servers",
    "ds": "DS set at the parent",
    "dnskey": "DNSKEY set",
    "registrar": "registrar",
    "registrant": "registrant",
    "lock": "transfer lock",
    "transfer": "transfer to another registrar",
    "registered_ns": "NS set at the registry",
}


def fact(name: str) -> str:
    """A tracked fact in a responder's words."""
    return _FACTS[name]


_FAULTS = {
    "lame": "servers that are delegated to and do not answer with authority",
    "without_tcp": "servers that do not answer over TCP",
    "unresolved": "name servers whose names do not exist or have no address",
    "ns_mismatch": "the parent and the zone give different NS sets",
    "glue_mismatch": "the parent's addresses of name servers are not those of the zone",
    "expire_outlives": "the SOA's EXPIRE, after which a secondary stops to answer, is later than the end of signatures",
}


def fault(name: str) -> str:
    """A fault of the delegation in a responder's words."""
    return _FAULTS[name]


def value(name: str, text: str) -> str:
    """A tracked value as a title has room for it: of DS records the key tags, of a hash its beginning."""
    items = text.split(", ") if text else []
    if name == "ds":
        return listing(f"key {item.split()[0]}" for item in items) or "none"
    if name == "registrant":
        return text[:12]
    return listing(items) or "none"


def parent(zone: str) -> str:
    """The name above a zone; nothing for a top-level domain, whose parent is everybody's."""
    return zone.partition(".")[2]

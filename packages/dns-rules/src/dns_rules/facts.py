"""The value of a fact: one string, the same however its members were written and ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .inventory import Zone

#: Between the members of a value.
SEPARATOR = ", "
#: With a question after it, the fact that is a record set as the authoritative servers give it.
RECORDS = "record:"
#: SPF (RFC 7208), DMARC (RFC 7489), MTA-STS (RFC 8461) and TLS reporting (RFC 8460).
_POLICIES = ("v=spf1", "v=dmarc1", "v=stsv1", "v=tlsrptv1")


def plain(data: str) -> str:
    """Record data to compare: names have no case (RFC 4343), and their last dot is often left out."""
    return data.lower().removesuffix(".")


def tracked(data: Iterable[str], question: str, zone: Zone) -> str:
    """A record set as the value of a fact: of TXT records of which the inventory says nothing, the policies."""
    listed = sorted(map(plain, data))
    name, _, rdtype = question.rpartition("/")
    known = zone.expectation(name, rdtype)
    if rdtype == "TXT" and (known is None or not isinstance(known.expect, tuple)):
        # Others come and go with every service that wants to see that the domain is yours.
        return SEPARATOR.join(item for item in listed if item.lstrip('"').startswith(_POLICIES))
    return SEPARATOR.join(listed)


def members(value: str) -> frozenset[str]:
    """The records of a tracked value."""
    return frozenset(map(plain, value.split(SEPARATOR))) if value else frozenset()

"""Whose keys a response is held against: the watched zone's, and those of zones that its aliases lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dns.name

    from .chain import Chain


#: Aliases lead to a few names; more is somebody's play.
_MOST_WANTED = 32


class Trust:
    """The chain of one zone, and the chains of other names by name.

    `version` changes whenever a verdict could: compare it with ``is``.

    Args:
        chain: of the watched zone.
        others: for names that lie in other zones, the chain of each one's own zone.
    """

    __slots__ = ("chain", "others", "version", "wanted")

    def __init__(self, chain: Chain, others: Mapping[dns.name.Name, Chain] | None = None) -> None:
        self.chain = chain
        self.others: Mapping[dns.name.Name, Chain] = others or {}
        self.version = object()
        self.wanted: set[dns.name.Name] = set()
        """Names outside the zone whose keys a response asked for; whoever can find them, should."""

    def of(self, name: dns.name.Name) -> Chain | None:
        """The chain of the zone that a name lies in; ``None`` where it is not known yet."""
        known = self.others.get(name)
        if known is not None:
            return known
        if name.is_subdomain(self.chain.zone):
            return self.chain
        if len(self.wanted) < _MOST_WANTED:
            self.wanted.add(name)
        return None

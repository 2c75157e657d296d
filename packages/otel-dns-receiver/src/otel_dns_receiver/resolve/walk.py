"""The walk from the root to a zone: each cut's servers, and each cut's keys.

It asks label by label with RD=0, so that a server that carries a zone and its child hides no cut.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import time
from typing import TYPE_CHECKING, NamedTuple

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from otel_dns_receiver.dnssec.chain import Chain, delegated, entrusted
from otel_dns_receiver.errors import DiscoveryError, NoAddressError
from otel_dns_receiver.exchange import Reply, exchange, query
from otel_dns_receiver.question import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dns.rdtypes.ANY.DNSKEY import DNSKEY
    from dns.rdtypes.ANY.DS import DS

#: Bounds against delegations that lead in circles or fan out.
_MOST_DEPTH = 4
_MOST_SERVERS = 32
_MOST_TRIES = 4


class Cut(NamedTuple):
    """One zone cut as its parent shows it."""

    zone: dns.name.Name
    ns: tuple[dns.name.Name, ...]
    addresses: tuple[tuple[dns.name.Name, Target], ...]
    """Name server and address, in the order of names."""
    from_parent: bool
    """Whether the parent gave the NS set; not so where one server carries both zones."""
    chain: Chain
    ds: tuple[str, ...] | None
    """The parent's DS records; ``()`` is an absence, ``None`` unknown."""
    glue: dict[dns.name.Name, tuple[str, ...]] = {}  # noqa: RUF012 - never written to
    """Addresses that came with the parent's referral."""
    ns_ttl: int | None = None
    """Seconds; of the parent's NS set."""
    ds_ttl: int | None = None


class Walker:
    """Walks, and remembers what it has seen of ancestors for a while.

    Args:
        roots: addresses of root servers.
        anchors: trust anchors by zone.
        timeout: seconds for one question.
        reachable: whether an address can be reached from here at all; IPv6 may not be.
        remember: seconds for which ancestors are not asked again.
        heard: told the address of each server that answers.
    """

    def __init__(
        self,
        roots: Sequence[Target],
        anchors: dict[dns.name.Name, list[DS | DNSKEY]],
        timeout: float,
        reachable: Callable[[str], bool],
        remember: float,
        heard: Callable[[str], None] | None = None,
    ) -> None:
        self._roots = tuple(root for root in roots if reachable(root.address))
        self._anchors = anchors
        self._timeout = timeout
        self._reachable = reachable
        self._remember = remember
        self._heard = heard
        self._cuts: dict[dns.name.Name, tuple[float, Cut | None]] = {}
        self._locks: dict[dns.name.Name, asyncio.Lock] = {}

    async def find(self, zone: dns.name.Name, *, fresh: bool = True) -> Cut:
        """The cut of a zone.

        Args:
            zone: its apex.
            fresh: ask for the zone itself again, whatever is remembered.

        Raises:
            DiscoveryError: no server on the way answers, or the zone is not delegated.
        """
        return await self._find(zone, 0, fresh=fresh)

    async def _find(self, zone: dns.name.Name, depth: int, *, fresh: bool) -> Cut:
        cut = await self._root()
        for count in range(2, len(zone.labels) + 1):
            ancestor = dns.name.Name(zone.labels[-count:])
            again = fresh and ancestor == zone
            found = await self._below(cut, ancestor, depth, again=again)
            if found is not None:
                cut = found
        if cut.zone != zone:
            msg = f"{zone}: not a zone of its own; the zone there is {cut.zone}"
            raise DiscoveryError(msg)
        return cut

    async def _root(self) -> Cut:
        async with self._locks.setdefault(dns.name.root, asyncio.Lock()):
            known = self._cuts.get(dns.name.root)
            if known is not None and known[0] > time.monotonic() and known[1] is not None:
                return known[1]
            if not self._roots:
                msg = "no root server can be reached from here; is there a network, and are the root hints right?"
                raise DiscoveryError(msg)
            addresses = tuple((dns.name.root, root) for root in self._roots)
            chain = await self._keys(dns.name.root, addresses, self._anchors.get(dns.name.root, []))
            cut = Cut(dns.name.root, (), addresses, True, chain, None)
            self._keep(cut.zone, cut)
            return cut

    async def _below(self, parent: Cut, name: dns.name.Name, depth: int, *, again: bool) -> Cut | None:
        """The cut at this name, asked of its parent; ``None`` where there is no cut."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            known = self._cuts.get(name)
            if not again and known is not None and known[0] > time.monotonic():
                return known[1]
            message = await self._ask(name, dns.rdatatype.NS, parent.addresses)
            if message.rcode() == dns.rcode.NXDOMAIN:
                msg = f"{name} does not exist, says {parent.zone}"
                raise (NoAddressError if message.flags & dns.flags.AA else DiscoveryError)(msg)
            ns, from_parent = _delegation(message, name)
            if not ns:
                self._keep(name, None)
                return None
            addresses = await self._addresses(message, ns, depth)
            ds_message = await self._try(name, dns.rdatatype.DS, parent.addresses)
            chain, ds = await self._chain(parent, name, addresses, ds_message)
            cut = Cut(
                name,
                ns,
                addresses,
                from_parent,
                chain,
                ds,
                {server: found for server in ns if (found := _glue(message, server))} if from_parent else {},
                _ttl(message, name, dns.rdatatype.NS) if from_parent else None,
                None if ds_message is None else _ttl(ds_message, name, dns.rdatatype.DS),
            )
            self._keep(name, cut)
            return cut

    def _keep(self, name: dns.name.Name, cut: Cut | None) -> None:
        if len(self._cuts) > 10_000:
            self._cuts.clear()
            self._locks.clear()
        # Only what was found whole is remembered for long; trouble is looked at again.
        trouble = cut is not None and (cut.chain.status in {"bogus", "indeterminate"} or not cut.addresses)
        self._cuts[name] = (time.monotonic() + (1.0 if trouble else self._remember), cut)

    async def _chain(
        self,
        parent: Cut,
        name: dns.name.Name,
        addresses: tuple[tuple[dns.name.Name, Target], ...],
        message: dns.message.Message | None,
    ) -> tuple[Chain, tuple[str, ...] | None]:
        ds = None if message is None else _ds_text(message, name)
        if name in self._anchors:
            return await self._keys(name, addresses, self._anchors[name]), ds
        if parent.chain.status != "secure":
            return Chain(name, parent.chain.status, parent.chain.cause), ds
        if message is None:
            return Chain(name, "indeterminate"), None
        said = delegated(message, name, parent.chain, time.time())
        if said.status != "secure":
            return Chain(name, said.status, said.cause), ds
        chain = await self._keys(name, addresses, said.ds)
        expiries = [e for e in (chain.expires, said.expires) if e is not None]
        return chain._replace(expires=min(expiries, default=None)), ds

    async def _keys(
        self, zone: dns.name.Name, addresses: Sequence[tuple[dns.name.Name, Target]], anchors: Sequence[DS | DNSKEY]
    ) -> Chain:
        """The zone's keys, from the first server whose answer holds; the last failure where none does."""
        if not anchors:
            return Chain(zone, "indeterminate")
        chain = Chain(zone, "indeterminate")
        for target in _some(addresses):
            message = await self._one(zone, dns.rdatatype.DNSKEY, target)
            if message is None or not message.flags & dns.flags.AA or message.rcode() != dns.rcode.NOERROR:
                continue
            chain = entrusted(message, zone, anchors, time.time())
            if chain.status == "secure":
                break
        return chain

    async def _addresses(
        self, message: dns.message.Message, ns: Iterable[dns.name.Name], depth: int
    ) -> tuple[tuple[dns.name.Name, Target], ...]:
        """Addresses of name servers: glue where it came along, else found by a walk of its own."""
        found: list[tuple[dns.name.Name, Target]] = []
        for name in ns:
            glue = [Target(address) for address in _glue(message, name)]
            if not glue and depth < _MOST_DEPTH:
                try:
                    glue = await self.addresses(name, depth + 1)
                except DiscoveryError:
                    glue = []
            found += [(name, target) for target in glue if _usable(target.address)]
            if len(found) >= _MOST_SERVERS:
                break
        return tuple(found[:_MOST_SERVERS])

    async def addresses(self, name: dns.name.Name, depth: int = 0) -> list[Target]:
        """A host's addresses, asked of the servers of its zone; none where these do not answer.

        Raises:
            NoAddressError: it has none, by the word of these servers or of those above.
            DiscoveryError: its zone cannot be found.
        """
        cut = await self.enclosing(name, depth)
        targets: list[Target] = []
        certain = True
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            message = await self._try(name, rdtype, cut.addresses)
            certain = certain and message is not None and bool(message.flags & dns.flags.AA)
            for rrset in [] if message is None else message.answer:
                if rrset.rdtype == rdtype and rrset.name == name:
                    targets += [Target(rdata.address) for rdata in rrset]
        if certain and not targets:
            msg = f"{name} has no address, says {cut.zone}"
            raise NoAddressError(msg)
        return targets

    async def enclosing(self, name: dns.name.Name, depth: int = 0) -> Cut:
        """The cut of the zone that a name lies in.

        Raises:
            DiscoveryError: the way there is broken.
        """
        cut = await self._root()
        for count in range(2, len(name.labels) + 1):
            try:
                found = await self._below(cut, dns.name.Name(name.labels[-count:]), depth, again=False)
            except DiscoveryError:
                if count == len(name.labels):  # the host itself need not be a zone
                    return cut
                raise
            cut = found or cut
        return cut

    async def _ask(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, addresses: Sequence[tuple[dns.name.Name, Target]]
    ) -> dns.message.Message:
        message = await self._try(name, rdtype, addresses)
        if message is None:
            msg = f"none of {len(addresses)} servers answers for {name} {dns.rdatatype.to_text(rdtype)}"
            raise DiscoveryError(msg)
        return message

    async def _try(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, addresses: Sequence[tuple[dns.name.Name, Target]]
    ) -> dns.message.Message | None:
        for target in _some(addresses):
            message = await self._one(name, rdtype, target)
            if message is not None and message.rcode() in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                return message
        return None

    async def _one(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, target: Target
    ) -> dns.message.Message | None:
        if not self._reachable(target.address):
            return None
        reply: Reply = await exchange(query(name, rdtype, recursive=False), target, self._timeout)
        if reply.status != "answered":
            return None
        if self._heard is not None:
            self._heard(target.address)
        return reply.message


def _some(addresses: Sequence[tuple[dns.name.Name, Target]]) -> list[Target]:
    """A few servers in random order: no one of them decides alone, and none is asked most."""
    targets = list(dict.fromkeys(target for _, target in addresses))
    random.shuffle(targets)
    return targets[:_MOST_TRIES]


def _delegation(message: dns.message.Message, name: dns.name.Name) -> tuple[tuple[dns.name.Name, ...], bool]:
    """The NS set for a name in a response, and whether it is the parent's word."""
    for section, from_parent in ((message.authority, True), (message.answer, False)):
        for rrset in section:
            if rrset.rdtype == dns.rdatatype.NS and rrset.name == name:
                return tuple(sorted({rdata.target for rdata in rrset})), from_parent
    return (), False


def _glue(message: dns.message.Message, name: dns.name.Name) -> tuple[str, ...]:
    """Addresses of a name server that came along in the additional section."""
    return tuple(
        rdata.address
        for rrset in message.additional
        if rrset.name == name and rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}
        for rdata in rrset
    )


def _ttl(message: dns.message.Message, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> int | None:
    """TTL of an RRset, wherever it stands."""
    for rrset in (*message.answer, *message.authority):
        if rrset.name == name and rrset.rdtype == rdtype:
            return int(rrset.ttl)
    return None


def _ds_text(message: dns.message.Message, name: dns.name.Name) -> tuple[str, ...]:
    return tuple(
        sorted(
            rdata.to_text()
            for rrset in message.answer
            if rrset.rdtype == dns.rdatatype.DS and rrset.name == name
            for rdata in rrset
        )
    )


def _usable(address: str) -> bool:
    """Not an address that no server has: unspecified or multicast."""
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_unspecified or parsed.is_multicast)

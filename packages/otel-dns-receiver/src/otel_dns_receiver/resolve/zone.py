"""One zone as it is delegated now: its servers, its keys, and a `Delegation` event about both."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, NamedTuple

import dns.dnssec
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
from dns_events import Delegation, Probe, ServerView, from_dns, new_id
from dns_events.names import parse
from msgspec import structs

from otel_dns_receiver import read
from otel_dns_receiver.dnssec.answer import validate
from otel_dns_receiver.dnssec.trust import Trust
from otel_dns_receiver.errors import DiscoveryError, NoAddressError

from .checks import Checked, check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from otel_dns_receiver.dnssec.chain import Chain
    from otel_dns_receiver.exchange import Reply
    from otel_dns_receiver.question import Target

    from .walk import Cut, Walker


class Server(NamedTuple):
    """One authoritative server address."""

    name: str
    target: Target


class ZoneView(NamedTuple):
    """What one discovery found."""

    servers: tuple[Server, ...]
    chain: Chain
    event: Delegation


async def look(
    zone: dns.name.Name, walker: Walker, probe: Probe, timeout: float, reachable: Callable[[str], bool]
) -> ZoneView:
    """Find a zone's delegation and check each of its servers.

    Servers of the parent's and of the child's NS set are both taken, so that one that only one of them
    names is watched too.

    Raises:
        DiscoveryError: the delegation cannot be found.
    """
    cut = await walker.find(zone)
    servers = {(from_dns(name), target) for name, target in cut.addresses if reachable(target.address)}
    targets = sorted({target for _, target in servers})
    checked = dict(
        zip(targets, await asyncio.gather(*(check(zone, target, timeout) for target in targets)), strict=True)
    )
    child_ns = _names(checked.values(), zone)
    inside: dict[str, tuple[str, ...]] = {}
    unresolved: list[str] = []
    for name in dict.fromkeys((*(child_ns or ()), *(from_dns(name) for name in cut.ns))):
        known = {target for other, target in servers if other == name}
        if known and not parse(name).is_subdomain(zone):
            continue
        try:
            found = await walker.addresses(parse(name))
        except NoAddressError:
            found = []
            if not known:
                unresolved.append(name)
        except DiscoveryError:
            found = []
        if parse(name).is_subdomain(zone) and found:
            inside[name] = tuple(sorted(target.address for target in found))
        if not known and name in (child_ns or ()):
            servers |= {(name, target) for target in found if reachable(target.address)}
    names = {target.address: name for name, target in sorted(servers, reverse=True)}
    return ZoneView(
        tuple(Server(name, target) for name, target in sorted(servers)),
        cut.chain,
        structs.replace(_event(zone, cut, probe, checked, child_ns, inside, names), unresolved=tuple(unresolved)),
    )


def _event(
    zone: dns.name.Name,
    cut: Cut,
    probe: Probe,
    checked: dict[Target, Checked],
    child_ns: tuple[str, ...] | None,
    inside: dict[str, tuple[str, ...]],
    names: dict[str, str],
) -> Delegation:
    views = tuple(_view(zone, target, found, cut.chain, names.get(target.address)) for target, found in checked.items())
    everything = list(checked.values())
    ttls = {
        "parent_ns": cut.ns_ttl,
        "child_ns": _ttl(everything, dns.rdatatype.NS, zone),
        "ds": cut.ds_ttl,
        "dnskey": _ttl(everything, dns.rdatatype.DNSKEY, zone),
        "soa": _ttl(everything, dns.rdatatype.SOA, zone),
    }
    expirations = [
        rdata.expiration for found in everything for rrset in found.rrsets(dns.rdatatype.RRSIG, zone) for rdata in rrset
    ]
    expires = [
        rdata.expire for found in everything for rrset in found.rrsets(dns.rdatatype.SOA, zone) for rdata in rrset
    ]
    return Delegation(
        id=new_id(),
        time=dt.datetime.now(dt.UTC),
        probe=probe,
        zone=from_dns(zone),
        parent_ns=tuple(sorted(from_dns(name) for name in cut.ns)) if cut.from_parent else None,
        child_ns=child_ns,
        ds=cut.ds,
        dnskey=_keys(everything, dns.rdatatype.DNSKEY, zone),
        serials={view.address: view.serial for view in views if view.serial is not None},
        lame=tuple(view.address for view in views if view.lame),
        glue={from_dns(name): tuple(sorted(found)) for name, found in cut.glue.items()} or None,
        child_addresses=inside or None,
        cds=_texts(everything, dns.rdatatype.CDS, zone),
        cdnskey=_keys(everything, dns.rdatatype.CDNSKEY, zone),
        ttls={what: ttl for what, ttl in ttls.items() if ttl is not None},
        soa_expire=max(expires, default=None),
        signatures_expire=dt.datetime.fromtimestamp(min(expirations), dt.UTC) if expirations else None,
        servers=views,
    )


def _view(zone: dns.name.Name, target: Target, found: Checked, chain: Chain, name: str | None) -> ServerView:
    soa: Reply = found.soa
    authority = found.with_authority(dns.rdatatype.SOA)
    dnssec = None
    if authority and soa.message is not None:
        dnssec = validate(soa.message, zone, dns.rdatatype.SOA, Trust(chain), time.time())
    return ServerView(
        address=target.address,
        name=name,
        nsid=read.nsid(soa.message) if soa.message is not None else None,
        serial=read.serial(soa.message) if authority and soa.message is not None else None,
        zoneversion=read.zoneversion(soa.message) if soa.message is not None else None,
        # Silence is no lameness; an answer without authority is.
        lame=soa.status == "answered" and not authority,
        tcp=found.tcp,
        edns=found.edns,
        dnssec=dnssec,
    )


def _names(checked: Iterable[Checked], zone: dns.name.Name) -> tuple[str, ...] | None:
    """The child's NS set, all servers taken together; ``None`` where none gave it."""
    found = {
        from_dns(rdata.target) for one in checked for rrset in one.rrsets(dns.rdatatype.NS, zone) for rdata in rrset
    }
    return tuple(sorted(found)) or None


def _keys(checked: list[Checked], rdtype: dns.rdatatype.RdataType, zone: dns.name.Name) -> tuple[str, ...] | None:
    """``flags protocol algorithm tag`` of each key, all servers taken together; ``None`` where none answered."""
    if not any(one.with_authority(rdtype) for one in checked):
        return None
    found = {
        f"{rdata.flags} {rdata.protocol} {int(rdata.algorithm)} {dns.dnssec.key_id(rdata)}"
        for one in checked
        for rrset in one.rrsets(rdtype, zone)
        for rdata in rrset
    }
    return tuple(sorted(found))


def _texts(checked: list[Checked], rdtype: dns.rdatatype.RdataType, zone: dns.name.Name) -> tuple[str, ...] | None:
    if not any(one.with_authority(rdtype) for one in checked):
        return None
    return tuple(sorted({rdata.to_text() for one in checked for rrset in one.rrsets(rdtype, zone) for rdata in rrset}))


def _ttl(checked: list[Checked], rdtype: dns.rdatatype.RdataType, zone: dns.name.Name) -> int | None:
    """The largest TTL of the set: what decides for how long it may be remembered."""
    return max((rrset.ttl for one in checked for rrset in one.rrsets(rdtype, zone)), default=None)

"""Name servers: how many, and how far apart."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from . import told
from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons


@zone_check("rfc", "RFC 1034 §4.1, RFC 2182 §5")
def nameservers_few(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A zone has two name servers at least."""
    if len(zone.nameservers) == 1:
        yield ".nameservers", f"{zone.zone} has one name server; write a second one"
    for each in told.every(zone):
        if each.type == "NS" and len(each.data) == 1:
            yield each.at, f"{each.name} has one name server; write a second one"


@zone_check("best-practice", "RFC 2182 §3.1")
def nameservers_in_one_domain(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """The name servers have names below more than one domain, so that one that fails is not all."""
    parents = {name.partition(".")[2] for name in zone.nameservers}
    if len(zone.nameservers) > 1 and len(parents) == 1:
        yield ".nameservers", f"all are below {parents.pop()}; add one below another domain"


@zone_check("best-practice", "RFC 2182 §3.1")
def nameservers_in_one_network(zone: Zone, inventory: Inventory, _now: dt.datetime) -> Reasons:
    """The name servers, where their addresses are expected, are in more than one network (/24, /48)."""
    networks: dict[str, set[str]] = {name: set() for name in zone.nameservers}
    for each in (each for other in inventory.zones for each in told.expected(other)):
        if each.name in networks and each.type in {"A", "AAAA"}:
            networks[each.name] |= {network for text in each.data if (network := _network(text))}
    every = set().union(*networks.values())
    if len(networks) > 1 and all(networks.values()) and len({":" in each for each in every}) == len(every):
        yield ".nameservers", f"all are in {' and '.join(sorted(every))}; add one in another network"


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:  # told by data-invalid
        return ""
    return str(ipaddress.ip_network(f"{address}/{24 if address.version == 4 else 48}", strict=False))

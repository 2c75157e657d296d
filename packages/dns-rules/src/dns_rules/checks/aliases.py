"""CNAMEs: alone at their name, and no target of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import told
from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons

#: What may stand beside a CNAME (RFC 4034 §2 to §4).
_BESIDE = {"CNAME", "RRSIG", "NSEC", "KEY"}


@zone_check("rfc", "RFC 1034 §3.6.2, RFC 2181 §10.1")
def cname_beside_data(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A name with a CNAME has one, and no other data."""
    for number, sets in enumerate(told.states(zone)):
        aliases = {each.name: each for each in sets if each.type == "CNAME" and each.data}
        for alias in aliases.values():
            if len(alias.data) > 1 and (alias.is_planned or number == 0):
                yield alias.at, f"{alias.name} has {len(alias.data)} CNAMEs; write one"
        for each in sets:
            if each.type in _BESIDE or not each.data or each.name not in aliases:
                continue
            if number == 0 or each.is_planned or aliases[each.name].is_planned:
                at = each.at if each.is_planned or number == 0 else aliases[each.name].at
                yield (
                    at,
                    f"{each.name} has CNAME and {each.type}; keep one, or `expect: any` for what the alias leads to",
                )


@zone_check("rfc", "RFC 1912 §2.4, RFC 2181 §10.1")
def cname_at_apex(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """The apex has SOA and NS, and so no CNAME."""
    for each in told.every(zone):
        if each.type == "CNAME" and each.data and each.name == zone.zone:
            yield each.at, f"a CNAME at the apex of {zone.zone}; write its addresses as A and AAAA"


@zone_check("rfc", "RFC 2181 §10.3, RFC 2782")
def target_is_alias(zone: Zone, inventory: Inventory, _now: dt.datetime) -> Reasons:
    """MX, NS and SRV point to no CNAME."""
    known = told.aliases(inventory)
    for name, at in told.targets(zone):
        if name in known:
            yield at, f"{name} is a CNAME; write the name that it leads to"

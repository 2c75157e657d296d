"""Mail: SPF, DMARC, null MX, and who may issue certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import told
from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons


@zone_check("rfc", "RFC 7208 §3.2 and §4.5")
def spf_twice(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A name has one SPF record."""
    for each in told.every(zone):
        if each.type == "TXT" and (count := _beginning(each.data, "v=spf1")) > 1:
            yield each.at, f"{each.name} has {count} SPF records, which is an error for all; write one"


@zone_check("rfc", "RFC 7489 §6.6.3")
def dmarc_twice(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A name has one DMARC record."""
    for each in told.every(zone):
        if each.type == "TXT" and (count := _beginning(each.data, "v=dmarc1")) > 1:
            yield each.at, f"{each.name} has {count} DMARC records, which is as good as none; write one"


@zone_check("rfc", "RFC 7505 §3")
def null_mx_alone(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A null MX stands alone, with preference 0."""
    for each in told.every(zone):
        nulls = [text.split() for text in each.data if each.type == "MX" and text.split()[1:] == ["."]]
        if nulls and (len(each.data) > 1 or nulls[0][0] != "0"):
            yield each.at, f"{each.name} has a null MX; write `0 .` alone, or no null MX"


@zone_check("best-practice", "RFC 7208 §10.1.2")
def spf_missing(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A zone with MX, also a null MX, has an SPF record that is watched."""
    known = zone.expectation(zone.zone, "TXT")
    is_told = known is not None and (not isinstance(known.expect, tuple) or _beginning(known.expect, "v=spf1"))
    if zone.expectation(zone.zone, "MX") is not None and not is_told:
        yield ".records", f"no SPF; write `- {{name: {zone.zone}, type: TXT, expect: ['v=spf1 …']}}`"


@zone_check("best-practice", "RFC 7489 §6.1")
def dmarc_missing(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A zone with MX, also a null MX, has a DMARC record that is watched."""
    name = f"_dmarc.{zone.zone}"
    if zone.expectation(zone.zone, "MX") is not None and zone.expectation(name, "TXT") is None:
        yield ".records", f"no DMARC; write `- {{name: {name}, type: TXT, expect: ['v=DMARC1; …']}}`"


@zone_check("best-practice", "RFC 8659 §1")
def caa_missing(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A zone with MX says, and watches, who may issue certificates."""
    if zone.expectation(zone.zone, "MX") is not None and zone.expectation(zone.zone, "CAA") is None:
        yield ".records", f"no CAA; write `- {{name: {zone.zone}, type: CAA, expect: ['0 issue \"ca.example\"']}}`"


def _beginning(data: tuple[str, ...], version: str) -> int:
    """How many texts are of a version, and so of a kind."""
    words = (text.strip('" ').lower().replace(";", " ").split(" ", 1)[0] for text in data)
    return sum(word == version for word in words)

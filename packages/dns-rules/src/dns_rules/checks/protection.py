"""What a critical zone is protected with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons


@zone_check("best-practice", "RFC 9364 (BCP 237)")
def dnssec_not_required(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A critical zone is signed, and says so."""
    if zone.criticality == "critical" and zone.dnssec != "required":
        yield ".dnssec", f"{zone.zone} is critical; sign it, and write `dnssec: required`"


@zone_check("best-practice", "RFC 5731 §2.3, clientTransferProhibited")
def lock_not_required(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """The registration of a critical zone is locked against transfers."""
    if zone.criticality == "critical" and zone.registration.lock != "required":
        yield ".registration", f"{zone.zone} is critical; lock it, and write `registration: {{lock: required}}`"


@zone_check("best-practice", "any data is no protection against a hijack")
def apex_any(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """Of the apex of a critical zone it is said which data is expected."""
    for index, record in enumerate(zone.records):
        if zone.criticality == "critical" and record.name == zone.zone and record.expect == "any":
            yield f".records[{index}].expect", f"any {record.type} at a critical apex is fine; write the data"

"""TTLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons

_MOST = 2**31 - 1


@zone_check("rfc", "RFC 2181 §8")
def ttl_too_long(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A TTL is 2147483647 s at most; more is taken for 0."""
    if zone.ttl_minimum is not None and zone.ttl_minimum > _MOST:
        yield ".ttl_minimum", f"{zone.ttl_minimum} s is longer than any TTL; write {_MOST} or less, for instance 300"


@zone_check("best-practice", "a TTL that is cut comes before many takeovers")
def ttl_minimum_missing(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A critical zone has a `ttl_minimum`."""
    if zone.criticality == "critical" and zone.ttl_minimum is None:
        yield "", f"{zone.zone} is critical; write `ttl_minimum:`, in seconds"

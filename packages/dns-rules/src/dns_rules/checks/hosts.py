"""Names of hosts."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from . import told
from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons

_IS_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*").fullmatch
_OF_HOSTS = {"A", "AAAA", "MX"}


@zone_check("rfc", "RFC 1035 §3.3.9 and §3.3.11, RFC 2181 §10.3, RFC 2782")
def target_is_address(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """MX, NS and SRV point to a name, not to an address."""
    for name, at in told.targets(zone):
        if _is_address(name):
            yield at, f"{name} is an address; write the name of the host that has it"


@zone_check("rfc", "RFC 952, RFC 1123 §2.1")
def host_name(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """Hosts (A, AAAA, MX, and targets) have names of letters, digits and hyphens; other types may have underscores."""
    names = [(f".records[{i}].name", each.name, each.type) for i, each in enumerate(zone.records)]
    for index, change in enumerate(zone.changes):
        names += [(f".changes[{index}].records[{i}].name", e.name, e.type) for i, e in enumerate(change.records)]
    wrong = [(at, name) for at, name, rdtype in names if rdtype in _OF_HOSTS and not _IS_HOST(name.removeprefix("*."))]
    wrong += [(at, name) for name, at in told.targets(zone) if not _is_address(name) and not _IS_HOST(name)]
    for at, name in wrong:
        yield at, f"{name} is no name of a host; write letters, digits, and hyphens within labels"


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

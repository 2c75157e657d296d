"""What an inventory says that record sets are, and will be once a change is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_rules.inventory import Inventory, Zone


class Told(NamedTuple):
    """A record set of which the data is told."""

    name: str
    type: str
    data: tuple[str, ...]
    at: str
    """Of its data, as seen from the zone."""
    is_planned: bool = False


def expected(zone: Zone) -> list[Told]:
    """What is there now."""
    return [
        Told(record.name, record.type, record.expect, f".records[{index}].expect")
        for index, record in enumerate(zone.records)
        if isinstance(record.expect, tuple)
    ]


def plans(zone: Zone) -> Iterator[list[Told]]:
    """What will be there, change by change."""
    for index, change in enumerate(zone.changes):
        yield [
            Told(planned.name, planned.type, planned.data, f".changes[{index}].records[{place}].data", is_planned=True)
            for place, planned in enumerate(change.records)
        ]


def every(zone: Zone) -> list[Told]:
    """Both."""
    return expected(zone) + [told for plan in plans(zone) for told in plan]


def states(zone: Zone) -> Iterator[list[Told]]:
    """All sets that are there together: now, and after each change."""
    yield expected(zone)
    for plan in plans(zone):
        if plan:
            replaced = {(told.name, told.type) for told in plan}
            yield [told for told in expected(zone) if (told.name, told.type) not in replaced] + plan


def targets(zone: Zone) -> Iterator[tuple[str, str]]:
    """Names of hosts that MX, NS and SRV point to, without their last dot, and where that is told."""
    for name in zone.nameservers:
        yield name, ".nameservers"
    for told in every(zone):
        if told.type in {"MX", "NS", "SRV"}:
            for index, data in enumerate(told.data):
                name = data.split()[-1].lower() if data.split() else ""
                if name not in {"", "."}:  # RFC 7505, RFC 2782: none
                    yield name.rstrip("."), f"{told.at}[{index}]"


def aliases(inventory: Inventory) -> set[str]:
    """Names that are CNAMEs in any zone."""
    return {told.name for zone in inventory.zones for told in every(zone) if told.type == "CNAME" and told.data}

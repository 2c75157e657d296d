"""The DS of bank.lab at its parent belongs to no key of the zone, as after a botched rollover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.zones import tld_servers

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "bank.lab"


def break_(internet: Internet) -> tuple[str, ...]:
    internet.delegate(ZONE, other_key=True)
    return tuple(server.name for server in tld_servers(internet.network))


def mend(internet: Internet) -> None:
    internet.delegate(ZONE)

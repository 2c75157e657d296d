"""Both name servers of plain.lab are stopped; nobody can resolve the zone once caches have expired."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "plain.lab"


def break_(internet: Internet) -> tuple[str, ...]:
    servers = internet.zone(ZONE).servers
    for server in servers:
        internet.stop(server)
    return tuple(server.name for server in servers)


def mend(internet: Internet) -> None:
    for server in internet.zone(ZONE).servers:
        internet.revive(ZONE, server)

"""The parent delegates brand.lab to ns1 and ns2.rogue.lab, which serve it unsigned with another address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.zones import rogue_servers

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "brand.lab"


def break_(internet: Internet) -> tuple[str, ...]:
    rogue = rogue_servers(internet.network)
    # The DS stays: whoever took the name servers did not think of it, so validators refuse the answers.
    internet.delegate(ZONE, servers=rogue)
    return tuple(server.name for server in rogue)


def mend(internet: Internet) -> None:
    internet.delegate(ZONE)

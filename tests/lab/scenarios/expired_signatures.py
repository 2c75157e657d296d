"""All signatures of shop.lab expired two days ago, on all its servers, as after a signer that stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lab.signing import EXPIRED

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "shop.lab"


def break_(internet: Internet) -> tuple[str, ...]:
    internet.publish(ZONE, validity=EXPIRED)
    return tuple(server.name for server in internet.zone(ZONE).servers)


def mend(internet: Internet) -> None:
    internet.publish(ZONE)

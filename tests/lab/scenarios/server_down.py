"""One of four.lab's four name servers, ns4.four.lab, is stopped; the other three keep answering."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "four.lab"


def break_(internet: Internet) -> tuple[str, ...]:
    last = internet.zone(ZONE).servers[-1]
    internet.stop(last)
    return (last.name,)


def mend(internet: Internet) -> None:
    internet.revive(ZONE, internet.zone(ZONE).servers[-1])

"""The address of www.mail.lab is gone while the name stays: a valid answer without data, on every server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "mail.lab"


def break_(internet: Internet) -> tuple[str, ...]:
    kept = [line for line in internet.zone(ZONE).records.splitlines(keepends=True) if not line.startswith("www A ")]
    internet.publish(ZONE, "".join(kept))
    return tuple(server.name for server in internet.zone(ZONE).servers)


def mend(internet: Internet) -> None:
    internet.publish(ZONE)

"""www.news.lab moves to a new address; ap-south keeps asking an old copy of the zone and never sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.internet import Internet

ZONE = "news.lab"
_REGION = "ap-south"
_ADDRESSES = ("192.0.2.90", "198.51.100.90")


def break_(internet: Internet) -> tuple[str, ...]:
    internet.lag(_REGION, ZONE)
    old, new = _ADDRESSES
    records = internet.contents.records(ZONE)
    if new in records:
        old, new = new, old
    internet.publish(ZONE, records.replace(old, new))
    return (_REGION,)


def mend(internet: Internet) -> None:
    """The move was right and stays; the region sees it now."""
    internet.catch_up(_REGION, ZONE)

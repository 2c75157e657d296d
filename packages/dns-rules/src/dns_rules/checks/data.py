"""Data that is none of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules.importers.rdata import canonical, is_standard

from . import told
from .registry import zone_check

if TYPE_CHECKING:
    import datetime as dt

    from dns_rules.inventory import Inventory, Zone

    from .registry import Reasons

#: Octets of each type of digest: SHA-1, SHA-256, GOST R 34.11-94, SHA-384, GOST R 34.11-2012, SM3 (IANA's registry).
_DIGESTS = {"1": 20, "2": 32, "3": 32, "4": 48, "5": 32, "6": 32}


@zone_check("rfc", "RFC 1035 §3.3 and the RFC of the type")
def data_invalid(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """Expected and planned data is data of its type; of TXT, whatever is written."""
    for each in told.every(zone):
        if each.type in {"TXT", "SPF"} or not is_standard(each.type):
            continue
        for index, text in enumerate(each.data):
            try:
                canonical(each.type, text)
            except ValueError as error:
                if each.type != "DS" or "digest" not in str(error):
                    yield f"{each.at}[{index}]", f"{error}; write what a zone file has there"


@zone_check("rfc", "RFC 4034 §5.1.4, RFC 4509 §2.1, RFC 6605 §2")
def ds_digest(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """A DS has a known type of digest, and a digest of its length."""
    for each in told.every(zone):
        for index, text in enumerate(each.data if each.type == "DS" else ()):
            _, _, kind, *digest = [*text.split(), "", "", ""][: max(4, len(text.split()))]
            octets, least = len("".join(digest)) / 2, _DIGESTS.get(kind)
            if least is None:
                yield f"{each.at}[{index}]", f"digest type {kind!r} is not known; write 2 (SHA-256) or 4 (SHA-384)"
            elif octets != least:
                yield f"{each.at}[{index}]", f"a digest of {octets:g} octets; type {kind} has {least}"


@zone_check("best-practice", "RFC 8624 §3.3")
def ds_sha1(zone: Zone, _inventory: Inventory, _now: dt.datetime) -> Reasons:
    """No DS has a SHA-1 digest."""
    for each in told.every(zone):
        for index, text in enumerate(each.data if each.type == "DS" else ()):
            if text.split()[2:3] == ["1"]:
                yield f"{each.at}[{index}]", "a SHA-1 digest; write the DS with digest type 2 (SHA-256)"

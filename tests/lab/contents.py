"""What every zone and its parent say at the moment, as zone files that the servers read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import zones as plan
from .signing import CURRENT, Key, Validity, sign

if TYPE_CHECKING:
    from pathlib import Path

    from .addresses import Network
    from .zones import NameServer, Zone

#: What brand.lab holds on the servers that are not its own.
_ROGUE = "@ A 203.0.113.66\nwww A 203.0.113.66\n"


@dataclass(frozen=True, slots=True)
class _Delegation:
    servers: tuple[NameServer, ...]
    ds: str | None


class Contents:
    """All zone files, the keys behind them, and the root hints and trust anchor that follow from them."""

    def __init__(self, network: Network, home: Path) -> None:
        """Make keys and write every file."""
        self.zones: dict[str, Zone] = {zone.name: zone for zone in plan.zones(network)}
        self.root_hints = home / "root.hints"
        self.trust_anchor = home / "root.ds"
        self._network = network
        self._home = home / "zones"
        self._home.mkdir(parents=True, exist_ok=True)
        signed = [".", plan.TLD, *(zone.name for zone in self.zones.values() if zone.signed)]
        self._keys = {name: Key.of(name) for name in signed}
        today = int(f"{dt.datetime.now(dt.UTC):%Y%m%d}01")
        self._serials = dict.fromkeys([".", plan.TLD, *self.zones], today)
        self._records = {zone.name: zone.records for zone in self.zones.values()}
        self._delegations = {name: self._truth(name) for name in self.zones}
        for name in self.zones:
            self._write_zone(name, CURRENT)
        self._write_tld()
        self._write_root()
        self._write_rogue()
        self._write_views()

    def file(self, name: str) -> Path:
        """The file of a zone; of geo.lab, as everybody sees it who is in no region."""
        return self._home / f"{'root' if name == '.' else name}.zone"

    def view(self, region: str) -> Path:
        """The file of geo.lab as one region sees it."""
        return self._home / f"geo.lab.{region}"

    @property
    def rogue(self) -> Path:
        """The file of brand.lab on the servers that are not its own."""
        return self._home / "brand.lab.rogue"

    def copy(self, name: str) -> Path:
        """A copy of a zone's file that stays as the zone is now."""
        copy = self._home / f"{name}.copy"
        copy.write_text(self.file(name).read_text())
        return copy

    def records(self, name: str) -> str:
        """The records that a zone has now, without SOA, NS and glue."""
        return self._records[name]

    def publish(self, name: str, records: str, validity: Validity = CURRENT) -> None:
        """Give a zone these records at the next serial."""
        self._records[name] = records
        self._serials[name] += 1
        self._write_zone(name, validity)

    def delegate(self, name: str, servers: tuple[NameServer, ...] | None, *, other_key: bool) -> None:
        """Let the TLD name these servers (none: the zone's own), and the zone's DS or that of another key."""
        truth = self._truth(name)
        self._delegations[name] = replace(
            truth, servers=servers or truth.servers, ds=Key.new().ds(name) if other_key else truth.ds
        )
        self._serials[plan.TLD] += 1
        self._write_tld()

    def _truth(self, name: str) -> _Delegation:
        key = self._keys.get(name)
        return _Delegation(self.zones[name].servers, key.ds(name) if key else None)

    def _write_zone(self, name: str, validity: Validity) -> None:
        text = self._text(name, self._records[name])
        key = self._keys.get(name)
        _write(self.file(name), text if key is None else sign(text, name, key, validity))

    def _write_tld(self) -> None:
        records = "".join(plan.delegation(name, d.servers, d.ds) for name, d in self._delegations.items())
        text = plan.zone_text(plan.TLD, self._serials[plan.TLD], plan.tld_servers(self._network), records)
        _write(self.file(plan.TLD), sign(text, plan.TLD, self._keys[plan.TLD]))

    def _write_root(self) -> None:
        servers = plan.root_servers(self._network)
        records = plan.delegation(plan.TLD, plan.tld_servers(self._network), self._keys[plan.TLD].ds(plan.TLD))
        text = plan.zone_text(".", self._serials["."], servers, records)
        _write(self.file("."), sign(text, ".", self._keys["."]))
        hints = [f". 3600000 IN NS {server.name}.\n" for server in servers]
        hints += [f"{server.name}. 3600000 IN A {server.address}\n" for server in servers]
        self.root_hints.write_text("".join(hints))
        self.trust_anchor.write_text(f". 3600 IN DS {self._keys['.'].ds('.')}\n")

    def _write_rogue(self) -> None:
        servers = plan.rogue_servers(self._network)
        _write(self.rogue, plan.zone_text("brand.lab", self._serials["brand.lab"], servers, _ROGUE))

    def _write_views(self) -> None:
        everywhere = self.zones["geo.lab"].records
        for region, address in plan.CDN.items():
            _write(self.view(region), self._text("geo.lab", f"{everywhere}cdn A {address}\n"))
        _write(self.file("geo.lab"), self._text("geo.lab", f"{everywhere}cdn A {plan.CDN_ELSEWHERE}\n"))

    def _text(self, name: str, records: str) -> str:
        return plan.zone_text(name, self._serials[name], self.zones[name].servers, records)


def _write(file: Path, text: str) -> None:
    # In one step, so that a server that reads at this moment never sees half a zone.
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(text)
    fresh.replace(file)

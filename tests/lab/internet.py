"""The processes of the lab's Internet, and everything that a scenario can do to them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from . import zones as plan
from .ask import Question, wait
from .bind import Bind
from .contents import Contents
from .knot import Knot
from .nsd import Nsd
from .signing import CURRENT, Validity
from .unbound import Unbound

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .addresses import Network
    from .process import Server, Spawner
    from .zones import NameServer, Zone

#: How long servers may take to answer for the first time; two seconds are usual.
PATIENCE = 30.0


class Internet:
    """Authoritative servers, one resolver a region, and the scenarios' levers."""

    def __init__(self, network: Network, home: Path, spawner: Spawner) -> None:
        """Write every file; start nothing."""
        self.network = network
        self.contents = Contents(network, home)
        self._home = home
        self._spawner = spawner
        self._knots: dict[str, Knot] = {}
        self._authoritatives: dict[str, Server] = {}
        for server in self._plan():
            self._authoritatives[server.name] = server
            if isinstance(server, Knot):
                self._knots[server.name] = server
        self._regions = {
            region: Unbound(
                region,
                home / region,
                spawner,
                address=address,
                root_hints=self.contents.root_hints,
                trust_anchor=self.contents.trust_anchor,
            )
            for region, address in network.resolvers.items()
        }
        self._lagging: dict[str, Knot] = {}

    def start(self) -> None:
        """Start everything and wait until each server answers and each region validates.

        Raises:
            LabError: a server ended or stays silent, with the end of its log.
        """
        for server in self._authoritatives.values():
            server.start()
        wait(self._first_questions(), PATIENCE)
        # Only now, for a resolver remembers for a while which servers it found dead.
        for resolver in self._regions.values():
            resolver.start()
        addresses = self.network.resolvers
        wait(
            [
                (resolver, Question(addresses[region], "healthy.lab", validated=True))
                for region, resolver in self._regions.items()
            ],
            PATIENCE,
        )

    def shut_down(self) -> None:
        """End every process."""
        for server in self._servers():
            server.terminate()
        for server in self._servers():
            server.stop()

    def check(self) -> None:
        """Raise LabError if a server ended that no scenario stopped."""
        for server in self._servers():
            server.check()

    @property
    def listed_addresses(self) -> list[str]:
        """The addresses that the interface must list, for BIND."""
        return [server.address for server in self.zone("geo.lab").servers]

    def zone(self, name: str) -> Zone:
        """One zone of the plan."""
        return self.contents.zones[name]

    def publish(self, zone: str, records: str | None = None, validity: Validity = CURRENT) -> None:
        """Give a zone these records (none: the plan's) at the next serial, on all its servers."""
        self.contents.publish(zone, self.zone(zone).records if records is None else records, validity)
        for process in dict.fromkeys(server.process for server in self.zone(zone).servers):
            self._knots[process].reload(zone)

    def delegate(self, zone: str, *, servers: tuple[NameServer, ...] | None = None, other_key: bool = False) -> None:
        """Let the TLD say something else about a zone; without arguments, what is true."""
        self.contents.delegate(zone, servers, other_key=other_key)
        self._knots["knot-parents"].reload(plan.TLD)

    def stop(self, server: NameServer) -> None:
        """Stop the process that answers as this name server."""
        self._authoritatives[server.process].stop()

    def revive(self, zone: str, server: NameServer) -> None:
        """Start that process again and wait until it answers for the zone."""
        process = self._authoritatives[server.process]
        process.start()
        wait([(process, Question(server.address, zone))], PATIENCE)

    def lag(self, region: str, zone: str) -> None:
        """Let one region ask a copy of the zone that stays as the zone is now."""
        address = plan.lagging_address(self.network)
        name = f"knot-lagging-{region}"
        server = Knot(
            name,
            self._home / name,
            self._spawner,
            addresses=[address],
            zones={zone: self.contents.copy(zone)},
        )
        self._lagging[region] = server
        server.start()
        wait([(server, Question(address, zone))], PATIENCE)
        self._regions[region].pin(zone, address)

    def catch_up(self, region: str, zone: str) -> None:
        """Let the region ask the zone's own servers again."""
        self._regions[region].unpin(zone)
        server = self._lagging.pop(region, None)
        if server is not None:
            server.stop()

    def _plan(self) -> Iterator[Server]:
        contents = self.contents
        parents = {".": contents.file("."), plan.TLD: contents.file(plan.TLD)}
        yield self._knot("knot-parents", plan.tld_servers(self.network), parents)
        yield self._knot("knot-rogue", plan.rogue_servers(self.network), {"brand.lab": contents.rogue})
        everywhere = [(zone, server) for zone in contents.zones.values() for server in zone.servers]
        by_process = sorted(everywhere, key=lambda pair: pair[1].process)
        for process, pairs in itertools.groupby(by_process, key=lambda pair: pair[1].process):
            hosted = list(pairs)
            zone, first = hosted[0]
            servers = [server for _, server in hosted]
            home = self._home / process
            if process.startswith("knot-"):
                yield self._knot(process, servers, {zone.name: contents.file(zone.name) for zone, _ in hosted})
            elif process.startswith("nsd-"):
                file = contents.file(zone.name)
                yield Nsd(process, home, self._spawner, address=first.address, zone=zone.name, file=file)
            else:
                yield Bind(
                    process,
                    home,
                    self._spawner,
                    addresses=[server.address for server in servers],
                    zone=zone.name,
                    views={address: contents.view(region) for region, address in self.network.resolvers.items()},
                    default=contents.file(zone.name),
                )

    def _knot(self, name: str, servers: Iterable[NameServer], zones: dict[str, Path]) -> Knot:
        addresses = [server.address for server in servers]
        return Knot(name, self._home / name, self._spawner, addresses=addresses, zones=zones)

    def _first_questions(self) -> Iterator[tuple[Server, Question]]:
        for server in plan.tld_servers(self.network):
            for zone in (".", plan.TLD):
                yield self._authoritatives[server.process], Question(server.address, zone)
        for server in plan.rogue_servers(self.network):
            yield self._authoritatives[server.process], Question(server.address, "brand.lab")
        for hosted in self.contents.zones.values():
            for server in hosted.servers:
                yield self._authoritatives[server.process], Question(server.address, hosted.name)

    def _servers(self) -> list[Server]:
        return [*self._regions.values(), *self._authoritatives.values(), *self._lagging.values()]

"""The catalogue's servers: a root with its TLD, two name servers for all zones, and a validating resolver."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from tests.lab import directory as directories
from tests.lab.addresses import Claim, Network
from tests.lab.ask import Question, wait
from tests.lab.knot import Knot
from tests.lab.process import Spawner
from tests.lab.unbound import Unbound
from tests.lab.zones import NameServer, delegation, zone_text

from .keys import Key, sign

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from .cases import Case

TLD = "cat"
_PATIENCE = 30.0


def _parents(network: Network) -> tuple[NameServer, ...]:
    return (NameServer(f"a.nic.{TLD}", network.at(2, 1), "parents"),)


def _servers(network: Network, zone: str) -> tuple[NameServer, ...]:
    return tuple(NameServer(f"ns{n}.{zone}", network.at(3, n), f"children-{n}") for n in (1, 2))


def _addresses(network: Network) -> list[str]:
    return [network.at(1, 1), network.at(2, 1), network.at(3, 1), network.at(3, 2)]


def _delegated(network: Network, case: Case, servers: tuple[NameServer, ...]) -> tuple[NameServer, ...]:
    """The name servers as the parent has them."""
    first, second = servers
    if case.delegated == "glue":
        return first, replace(second, address=network.at(3, 9))
    if case.delegated == "names":
        return first, replace(second, name=f"ns9.{case.zone}")
    return servers


class Tree:
    """The catalogue, running. Use it in a ``with``."""

    def __init__(self, directory: Path, cases: Sequence[Case]) -> None:
        self._directory = directory
        self._cases = cases
        self._resources = ExitStack()
        self.root_hints = directory / "root.hints"
        self.trust_anchor = directory / "root.ds"
        self.resolver = ""
        self.servers: tuple[str, str] = ("", "")

    def __enter__(self) -> Self:
        with ExitStack() as resources:
            directory = self._directory
            directory.mkdir(parents=True, exist_ok=True)
            lock = directories.lock(directory)
            resources.callback(os.close, lock)
            claim = Claim.first_free(_addresses)
            resources.callback(claim.release)
            spawner = Spawner(lock)
            resources.callback(spawner.close)
            network = claim.network
            self.resolver = network.at(1, 1)
            self.servers = network.at(3, 1), network.at(3, 2)
            first, second = self._write(network)
            servers = [
                Knot(
                    "parents",
                    directory / "parents",
                    spawner,
                    addresses=[network.at(2, 1)],
                    zones=self._write_parents(network),
                ),
                Knot("children-1", directory / "children-1", spawner, addresses=[network.at(3, 1)], zones=first),
                Knot("children-2", directory / "children-2", spawner, addresses=[network.at(3, 2)], zones=second),
            ]
            for server in servers:
                resources.callback(server.stop)
                server.start()
            wait([(servers[0], Question(network.at(2, 1), TLD))], _PATIENCE)
            for number, server in enumerate(servers[1:], 1):
                served = [case for case in self._cases if case.zone in (first, second)[number - 1]]
                wait([(server, Question(network.at(3, number), case.zone)) for case in served], _PATIENCE)
            resolver = Unbound(
                "resolver",
                directory / "resolver",
                spawner,
                address=self.resolver,
                root_hints=self.root_hints,
                trust_anchor=self.trust_anchor,
            )
            resources.callback(resolver.stop)
            resolver.start()
            wait([(resolver, Question(self.resolver, TLD, validated=True))], _PATIENCE)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _write(self, network: Network) -> tuple[dict[str, Path], dict[str, Path]]:
        """Every zone's files, by server; what the parent must say is kept."""
        first, second = {}, {}
        self._delegations = ""
        for case in self._cases:
            servers = _servers(network, case.zone)
            text = zone_text(case.zone, 1, servers, case.records)
            built = case.build(text, case.zone, self._directory / "signing" / case.zone)
            first[case.zone] = second[case.zone] = self._file(case.zone, built.text)
            if case.second is not None:
                stale = case.second(text, case.zone, self._directory / "signing" / f"{case.zone}.second")
                second[case.zone] = self._file(f"{case.zone}.second", stale.text)
            if case.delegated == "lame":
                del second[case.zone]
            self._delegations += delegation(case.zone, _delegated(network, case, servers), None)
            if case.delegated == "dangling":
                self._delegations += f"{case.zone}. NS ns.left.{TLD}.\n"
            self._delegations += "".join(f"{case.zone}. DS {ds}\n" for ds in built.ds)
        return first, second

    def _write_parents(self, network: Network) -> dict[str, Path]:
        parents = _parents(network)
        tld, root = Key.new(), Key.new()
        tld_zone = sign(zone_text(TLD, 1, parents, self._delegations), TLD, [tld])
        hints = (NameServer("a.root-servers", network.at(2, 1), "parents"),)
        above = delegation(TLD, parents, tld.ds(TLD))
        root_zone = sign(zone_text(".", 1, hints, above), ".", [root])
        self.trust_anchor.write_text(f". IN DS {root.ds('.')}\n")
        self.root_hints.write_text(f". 3600 IN NS a.root-servers.\na.root-servers. 3600 IN A {network.at(2, 1)}\n")
        return {
            ".": self._file("root", root_zone.to_text(relativize=False)),
            TLD: self._file(TLD, tld_zone.to_text(relativize=False)),
        }

    def _file(self, name: str, text: str) -> Path:
        folder = self._directory / "zones"
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.zone"
        file.write_text(text)
        return file

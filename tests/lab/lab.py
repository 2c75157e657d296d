"""The lab as a whole: up, broken, mended, down without leftovers."""

from __future__ import annotations

import datetime as dt
import os
import threading
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from . import control
from . import directory as directories
from . import zones as plan
from .addresses import Claim, Interface
from .errors import LabError
from .internet import Internet
from .inventory import inventory
from .process import Spawner
from .programs import missing
from .scenarios import SCENARIOS, Scenario

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

#: The kernel's bound on the path of a Unix socket is 107; the longest name in the directory is this much.
_LONGEST = len("/knot-lagging-ap-south/knot.sock")


@dataclass(frozen=True, slots=True)
class Fault:
    """A scenario that is active."""

    scenario: str
    zone: str
    #: Who gives the wrong data, or none: name servers by name, or a region.
    offenders: tuple[str, ...]
    since: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """For the control socket and the command line."""
        return {**asdict(self), "since": self.since.isoformat()}


class Lab:
    """A small Internet on loopback. Make one with `Lab.start`, in a `with`."""

    def __init__(self, directory: Path, internet: Internet, resources: ExitStack) -> None:
        self.directory = directory
        self.network = f"127.{internet.network.number}.0.0/16"
        self.resolvers: dict[str, str] = internet.network.resolvers
        self.root_hints = internet.contents.root_hints
        self.trust_anchor = internet.contents.trust_anchor
        self.inventory = directory / "inventory.yaml"
        self.socket = directory / control.NAME
        self.zones: tuple[str, ...] = tuple(internet.contents.zones)
        #: Address by name server, by zone, when all is well.
        self.nameservers: dict[str, dict[str, str]] = {
            zone.name: {server.name: server.address for server in zone.servers}
            for zone in internet.contents.zones.values()
        }
        self.signed: tuple[str, ...] = tuple(z.name for z in internet.contents.zones.values() if z.signed)
        self._internet = internet
        self._resources = resources
        self._faults: dict[str, Fault] = {}
        self._lock = threading.RLock()

    @classmethod
    def start(cls, directory: Path) -> Lab:
        """Bring everything up, in a few seconds.

        Args:
            directory: for files, logs and sockets; made if it is not there.

        Raises:
            LabError: a program is missing, an address is not for us, or a server does not answer.
        """
        if absent := missing():
            raise LabError(
                f"not installed: {', '.join(program for program, _ in absent)} (Debian, Ubuntu: "
                f"apt-get install {' '.join(sorted({package for _, package in absent}))})"
            )
        directory = directory.resolve()
        if len(str(directory)) + _LONGEST > 107:
            raise LabError(f"{directory} is too long a path for the Unix sockets in it; choose one shorter")
        directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as resources:
            lock = directories.lock(directory)
            resources.callback(os.close, lock)
            claim = Claim.first_free(plan.addresses)
            resources.callback(claim.release)
            spawner = Spawner(lock)
            resources.callback(spawner.close)
            internet = Internet(claim.network, directory, spawner)
            resources.callback(Interface.hold(claim, internet.listed_addresses).release)
            resources.callback(internet.shut_down)
            internet.start()
            lab = cls(directory, internet, resources)
            lab.inventory.write_text(inventory(internet.contents.zones.values()))
            resources.callback(control.serve(lab).close)
            lab._resources = resources.pop_all()
            return lab

    def stop(self) -> None:
        """Take everything down; a second time does nothing."""
        self._resources.close()

    def break_(self, scenario: str) -> Fault:
        """Make a fault. One that is active already stays as it is.

        Raises:
            LabError: no such scenario, or a server did not do its part; the fault is then taken back.
        """
        known = _scenario(scenario)
        with self._lock:
            if scenario in self._faults:
                return self._faults[scenario]
            self._internet.check()
            since = dt.datetime.now(dt.UTC)
            try:
                offenders = known.break_(self._internet)
            except LabError:
                known.mend(self._internet)
                raise
            fault = self._faults[scenario] = Fault(scenario, known.zone, offenders, since)
            return fault

    def mend(self, scenario: str) -> None:
        """Take a fault back. Where there is none, nothing happens.

        Raises:
            LabError: no such scenario, or a server did not do its part; the fault then counts as active.
        """
        known = _scenario(scenario)
        with self._lock:
            if scenario in self._faults:
                known.mend(self._internet)
                del self._faults[scenario]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The active scenarios."""
        with self._lock:
            return tuple(self._faults.values())

    def check(self) -> None:
        """Raise LabError if a server ended that no scenario stopped."""
        with self._lock:
            self._internet.check()

    def to_json(self) -> dict[str, Any]:
        """What a program needs to know that uses the lab from outside."""
        return {
            "directory": str(self.directory),
            "network": self.network,
            "socket": str(self.socket),
            "resolvers": self.resolvers,
            "root_hints": str(self.root_hints),
            "trust_anchor": str(self.trust_anchor),
            "inventory": str(self.inventory),
            "zones": list(self.zones),
            "nameservers": self.nameservers,
            "scenarios": list(SCENARIOS),
            "faults": [fault.to_json() for fault in self.faults],
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _scenario(name: str) -> Scenario:
    try:
        return SCENARIOS[name]
    except KeyError:
        raise LabError(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}") from None

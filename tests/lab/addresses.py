"""The lab's addresses: which 127.N.0.0/16 it holds, and who answers where in it.

A delegation's glue carries no port, so every server needs port 53 on an address of its own. Loopback has
sixteen million of them.
"""

from __future__ import annotations

import errno
import socket
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from .errors import LabError
from .programs import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

REGIONS = ("eu-west", "us-east", "ap-south")
CANDIDATES = range(53, 100)
#: Zones stand at 127.N.10.0 and up, name server 1 at .1 and so on.
FIRST_ZONE = 10

# dash keeps the addresses, and the claim with them, for as long as its standard input is open. The kernel
# closes that when the lab ends in any way, kill -9 included, so that there is one way in which addresses go.
# Who holds the claim replaces: what is listed in a claimed network was left when dash too was killed.
_HOLD = """\
trap '' INT TERM HUP
held=
trap 'for a in $held; do "$ip" address del "$a/32" dev lo; done' EXIT
ip=$1; shift
for a; do "$ip" address replace "$a/32" dev lo || exit 1; held="$held $a"; done
echo held
cat >/dev/null
"""


@dataclass(frozen=True, slots=True)
class Network:
    """127.`number`.0.0/16 and the plan of it."""

    number: int

    def at(self, third: int, fourth: int) -> str:
        """One address of this lab."""
        return f"127.{self.number}.{third}.{fourth}"

    @property
    def resolvers(self) -> dict[str, str]:
        """The address of each region's resolver."""
        return {region: self.at(1, index) for index, region in enumerate(REGIONS, 1)}


class Claim:
    """A network that this process alone uses.

    The claim ends with `release`, or with the process, and not before an `Interface` of it is as it was.
    """

    def __init__(self, network: Network, lock: socket.socket) -> None:
        self.network = network
        self._lock = lock

    def release(self) -> None:
        """Let the next lab have the network."""
        self._lock.close()

    def fileno(self) -> int:
        """What a child process inherits to share the claim."""
        return self._lock.fileno()

    @classmethod
    def first_free(cls, plan: Callable[[Network], Iterable[str]]) -> Claim:
        """The first network that no lab holds and where nothing listens.

        Args:
            plan: the addresses that the lab will use in a network.

        Raises:
            LabError: all are taken, or port 53 is not for this user.
        """
        for number in CANDIDATES:
            lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                # An abstract name lives as long as the process and is seen only in this network namespace,
                # which is also how far loopback reaches: exactly the scope of the claim.
                lock.bind(f"\0dnstower-lab-{number}")
            except OSError as error:
                lock.close()
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            network = Network(number)
            try:
                free = all(map(_silent, plan(network)))
            except LabError:
                lock.close()
                raise
            if free:
                return cls(network, lock)
            # Something else, or servers that have yet to notice that their lab was killed.
            lock.close()
        raise LabError(
            f"no 127.N.0.0/16 with N from {CANDIDATES[0]} to {CANDIDATES[-1]} is free: a server listens on "
            "port 53 of every address, or that many labs run; see `ss -lntup 'sport = :53'`"
        )


def _silent(address: str) -> bool:
    """Whether nothing listens on port 53 of this address, wildcard listeners included."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                # Closed connections of a lab before are no listener.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, 53))
                if kind == socket.SOCK_STREAM:
                    probe.listen()
                else:
                    # Sends nothing, but fails where the interface is down, as in a new network namespace.
                    probe.connect((address, 53))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
                raise LabError(
                    f"cannot use {address} port 53: {error.strerror}. Run the lab as root, or in namespaces "
                    "of your own: `unshare --net --map-root-user sh -c 'ip link set lo up; exec ...'`"
                ) from error
    return True


class Interface:
    """Addresses that the loopback interface lists: BIND serves no others."""

    def __init__(self, holder: subprocess.Popen[str]) -> None:
        self._holder = holder

    @classmethod
    def hold(cls, claim: Claim, addresses: Sequence[str]) -> Self:
        """Add addresses of the claimed network to `lo` until `release`.

        Raises:
            LabError: the kernel refuses.
        """
        holder = subprocess.Popen(
            ["/bin/sh", "-c", _HOLD, "lab-addresses", path_of("ip"), *addresses],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[claim.fileno()],
            start_new_session=True,
        )
        assert holder.stdout is not None
        if holder.stdout.readline().strip() == "held":
            return cls(holder)
        _, complaint = holder.communicate()
        raise LabError(
            f"ip address replace {' '.join(addresses)} dev lo: {complaint.strip()}. BIND needs these addresses "
            "on the interface. Run the lab as root or in a network namespace of your own"
        )

    def release(self) -> None:
        """Take exactly these addresses away again.

        Raises:
            LabError: the kernel refuses.
        """
        _, complaint = self._holder.communicate(timeout=10)
        if complaint:
            raise LabError(f"addresses of the lab are left on lo: {complaint.strip()}")

    def kill(self) -> None:
        """End without taking the addresses away, as the kernel does when memory is out."""
        self._holder.kill()
        self._holder.communicate()

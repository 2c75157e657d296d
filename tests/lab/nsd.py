"""NSD: the servers that scenarios stop. Each process serves one zone, so that nothing else goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .process import Server, Spawner
from .programs import path_of

if TYPE_CHECKING:
    from pathlib import Path


class Nsd(Server):
    """One nsd on one address with one zone."""

    def __init__(self, name: str, home: Path, spawner: Spawner, *, address: str, zone: str, file: Path) -> None:
        super().__init__(name, home, spawner)
        self._config = home / "nsd.conf"
        self._config.write_text(f"""\
server:
    ip-address: {address}
    port: 53
    do-ip6: no
    server-count: 1
    tcp-count: 10
    # One process, one user: whoever runs the lab.
    username: ""
    chroot: ""
    database: ""
    pidfile: ""
    zonesdir: "{home}"
    xfrdfile: "{home}/xfrd.state"
    zonelistfile: "{home}/zone.list"
    nsid: "ascii_{name}"
    identity: "{name}"
    # A test's questions come fast and are all alike.
    rrl-ratelimit: 0
    rrl-whitelist-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: "{zone}"
    zonefile: "{file}"
""")

    def command(self) -> list[str]:
        return [path_of("nsd"), "-d", "-c", str(self._config)]

"""Knot DNS: the parents, and most zones. Zones reload one by one, the others keep answering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .process import Server, Spawner, run
from .programs import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Knot(Server):
    """One knotd on some addresses, with some zones from files."""

    def __init__(
        self, name: str, home: Path, spawner: Spawner, *, addresses: Sequence[str], zones: Mapping[str, Path]
    ) -> None:
        super().__init__(name, home, spawner)
        self._control = home / "knot.sock"
        self._config = home / "knot.conf"
        self._config.write_text(self._text(addresses, zones))

    def command(self) -> list[str]:
        return [path_of("knotd"), "-c", str(self._config)]

    def start(self) -> None:
        # One of a run that was killed holds a number that may be another process's by now.
        if not self.started:
            (self.home / "knot.pid").unlink(missing_ok=True)
        super().start()

    def reload(self, zone: str) -> None:
        """Load the changed file of one zone, and wait until it is served."""
        run([path_of("knotc"), "-s", str(self._control), "-b", "zone-reload", zone])

    def _text(self, addresses: Sequence[str], zones: Mapping[str, Path]) -> str:
        listen = ", ".join(f"{address}@53" for address in addresses)
        entries = "\n".join(f'  - domain: "{zone}"\n    file: "{file}"' for zone, file in zones.items())
        return f"""\
server:
    rundir: "{self.home}"
    nsid: "{self.name}"
    listen: [ {listen} ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "{self._control}"
log:
  - target: stderr
    any: info
database:
    storage: "{self.home}/database"
template:
  - id: default
    storage: "{self.home}"
    # The file is the zone: nothing of an earlier version stays in a journal.
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
{entries}
"""

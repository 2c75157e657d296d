"""BIND: the zone whose answers differ by client on purpose, by views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .process import Server, Spawner
from .programs import path_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Bind(Server):
    """One named with one zone, seen differently from each client address."""

    def __init__(
        self,
        name: str,
        home: Path,
        spawner: Spawner,
        *,
        addresses: Sequence[str],
        zone: str,
        views: Mapping[str, Path],
        default: Path,
    ) -> None:
        """Views are files by client address; everybody else sees `default`."""
        super().__init__(name, home, spawner)
        self._config = home / "named.conf"
        blocks = [_view(f"client-{client}", client, zone, file) for client, file in views.items()]
        self._config.write_text(f"""\
options {{
    directory "{home}";
    listen-on port 53 {{ {" ".join(f"{address};" for address in addresses)} }};
    listen-on-v6 {{ none; }};
    pid-file none;
    lock-file none;
    session-keyfile "{home}/session.key";
    managed-keys-directory "{home}";
    server-id "{name}";
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
    allow-query {{ any; }};
    allow-transfer {{ none; }};
    interface-interval 0;
}};
controls {{ }};
{"".join(blocks)}{_view("elsewhere", "any", zone, default)}""")

    def command(self) -> list[str]:
        return [path_of("named"), "-g", "-n", "1", "-c", str(self._config)]


def _view(name: str, clients: str, zone: str, file: Path) -> str:
    return f"""\
view "{name}" {{
    match-clients {{ {clients}; }};
    zone "{zone}" {{ type primary; file "{file}"; }};
}};
"""

"""The client's side of a failed lookup: which resolvers it would have asked, and how."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import NamedTuple

_MOST_BYTES = 64 << 10
_LOOK_EVERY = 5.0


class Client(NamedTuple):
    """What ``resolv.conf`` says (resolv.conf(5))."""

    nameservers: tuple[str, ...]
    search: tuple[str, ...]
    options: tuple[str, ...]


class ResolvConf:
    """Reads the file, and again when it changes."""

    def __init__(self, path: Path = Path("/etc/resolv.conf")) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._known = Client((), (), ())

    def read(self) -> Client:
        """What it says now; nothing, where it cannot be read."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked < _LOOK_EVERY:
                return self._known
            self._looked = now
            try:
                stat = self._path.stat()
                stamp = stat.st_mtime_ns, stat.st_ino
                if stamp != self._stamp:
                    with self._path.open(encoding="utf-8", errors="replace") as file:
                        self._known = parse(file.read(_MOST_BYTES))
                    self._stamp = stamp
            except OSError:
                self._known, self._stamp = Client((), (), ()), None
            return self._known


def parse(text: str) -> Client:
    """The file's text. Pure."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: list[str] = []
    for line in text.splitlines():
        words = line.partition("#")[0].partition(";")[0].split()
        match words:
            case ["nameserver", address, *_]:
                servers.append(address.partition("%")[0])
            case ["search" | "domain", *names]:
                search = tuple(names)
            case ["options", *several]:
                options += several
            case _:
                continue
    return Client(tuple(servers[:3]), search[:6], tuple(options[:16]))

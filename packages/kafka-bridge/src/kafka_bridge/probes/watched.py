"""probes.yaml on disk: a change takes effect without a restart, a broken one does not."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from kafka_bridge.errors import ConfigError

from .roster import load_roster

if TYPE_CHECKING:
    from pathlib import Path

    from .roster import Roster

log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0

Stamp = tuple[tuple[int, int, int], ...]


def stamp(*files: Path) -> Stamp:
    """What tells files from others that were put in their place."""
    return tuple(_stamp(file) for file in files)


class WatchedRoster:
    """The roster in force. It looks at the file when it is asked, at most once a second.

    Args:
        path: probes.yaml.
        certificates: whether the bridge asks for client certificates.
        every: seconds between looks.

    Raises:
        ConfigError: the file cannot be used; after the start it is logged instead.
    """

    def __init__(self, path: Path, *, certificates: bool, every: float = _LOOK_EVERY) -> None:
        self._path = path
        self._certificates = certificates
        self._every = every
        self._lock = threading.Lock()
        self._seen = stamp(path)
        self._looked = time.monotonic()
        self._roster = load_roster(path, certificates=certificates)
        self.refused: str | None = None
        """Why what is on disk now is not in force."""

    def current(self) -> Roster:
        """The roster that is in force now."""
        now = time.monotonic()
        if now - self._looked < self._every or not self._lock.acquire(blocking=False):
            return self._roster
        try:
            self._looked = now
            found = stamp(self._path)
            if found != self._seen:
                self._seen = found
                self._read()
        finally:
            self._lock.release()
        return self._roster

    def _read(self) -> None:
        try:
            self._roster = load_roster(self._path, certificates=self._certificates)
        except ConfigError as error:
            self.refused = str(error)
            log.error("who may send stays as it was: %s", error)  # noqa: TRY400 - no traceback for users
            return
        self.refused = None
        log.warning("%s was read anew: %d probes", self._path, len(self._roster.entries))


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        stat = file.stat()
    except OSError:
        return 0, 0, 0
    return stat.st_mtime_ns, stat.st_size, stat.st_ino

"""What to do when the configuration on disk changes: a broken one never takes the place of a good one."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from dns_events import semconv

from .config import Loaded, load
from .errors import ReceiverError

if TYPE_CHECKING:
    from pathlib import Path

    from .telemetry import Telemetry

log = logging.getLogger(__name__)

_LOOK_EVERY = 2.0


class Reloading:
    """Watches one configuration file.

    Args:
        path: the file.
        telemetry: where attempts are counted.
    """

    def __init__(self, path: Path, telemetry: Telemetry) -> None:
        self._path = path
        self._telemetry = telemetry
        self._asked = asyncio.Event()
        self._seen = self._look()
        telemetry.set(semconv.CONFIG_CURRENT, 1, {})

    def ask(self) -> None:
        """Read the file again now, changed or not (SIGHUP)."""
        self._asked.set()

    async def changed(self) -> Loaded:
        """The next configuration that can be used."""
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._asked.wait()
            except TimeoutError:
                if self._look() == self._seen:
                    continue
            self._asked.clear()
            self._seen = self._look()
            try:
                loaded = load(self._path)
            except ReceiverError as error:
                self._count("refused", current=0)
                log.error("the old configuration stays in force: %s", error)  # noqa: TRY400 - no traceback for users
                continue
            self._count("taken", current=1)
            log.info("configuration read anew: %s", self._path)
            return loaded

    def _count(self, result: str, *, current: int) -> None:
        self._telemetry.add(semconv.CONFIG_RELOADS, 1, {semconv.RESULT: result})
        self._telemetry.set(semconv.CONFIG_CURRENT, current, {})

    def _look(self) -> tuple[int, int, int]:
        """What tells one file from another that was put in its place."""
        try:
            stat = self._path.stat()
        except OSError:
            return 0, 0, 0
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

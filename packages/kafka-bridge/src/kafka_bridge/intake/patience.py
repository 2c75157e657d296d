"""A bound on how long a call may take its sender: gRPC's Python server has none, and each call holds a thread."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Wait:
    """One wait; `over` once it was given up."""

    def __init__(self, until: float, give_up: Callable[[], object]) -> None:
        self.until = until
        self.give_up = give_up
        self.over = False


class Patience:
    """Gives up waits that last too long.

    Args:
        seconds: how long one may last.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._lock = threading.Lock()
        self._waits: set[Wait] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="otlp-patience", daemon=True)
        self._thread.start()

    @contextmanager
    def waiting(self, give_up: Callable[[], object]) -> Iterator[Wait]:
        """While this is open, `give_up` may be called, once, from another thread."""
        wait = Wait(time.monotonic() + self.seconds, give_up)
        with self._lock:
            self._waits.add(wait)
        try:
            yield wait
        finally:
            with self._lock:
                self._waits.discard(wait)

    def stop(self) -> None:
        """Wait for nobody any more."""
        self._stopping.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stopping.wait(min(1.0, self.seconds / 4)):
            now = time.monotonic()
            with self._lock:
                late = [wait for wait in self._waits if wait.until < now]
                self._waits.difference_update(late)
            for wait in late:
                wait.over = True
                wait.give_up()

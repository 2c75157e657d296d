"""A share of a core for each of some processes, so that what one more is worth shows on few cores."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds in which each of them has its turn.
_PERIOD = 0.02


@contextmanager
def held(pids: list[int], share: float) -> Iterator[None]:
    """Let each process run for its share of the time only, one after the other.

    Args:
        pids: of the processes; one that ends is left alone.
        share: of one core; all of them together at most 1.
    """
    over = threading.Event()

    def turns() -> None:
        _send(pids, signal.SIGSTOP)
        while not over.is_set():
            for pid in pids:
                _send([pid], signal.SIGCONT)
                over.wait(_PERIOD * share)
                _send([pid], signal.SIGSTOP)
            over.wait(_PERIOD * (1 - share * len(pids)))
        _send(pids, signal.SIGCONT)

    warden = threading.Thread(target=turns)
    warden.start()
    try:
        yield
    finally:
        over.set()
        warden.join()


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

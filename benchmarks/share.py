"""Cores, and shares of one, for processes: so that what one is worth shows where there are few cores."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds in which each of them has its turn.
_PERIOD = 0.02


@contextmanager
def apart(pid: int, others: list[int]) -> Iterator[None]:
    """A core of its own for one process, where there are several; the others, with all they start, keep to the rest."""
    cores = os.sched_getaffinity(0)
    own = {min(cores)}
    try:
        for other in others:  # of which it may be a child
            _confine(other, cores - own or cores)
        _confine(pid, own)
        yield
    finally:
        for each in (*others, pid):
            with suppress(ProcessLookupError, FileNotFoundError):
                _confine(each, cores)


def _confine(pid: int, cores: set[int]) -> None:
    """Threads and children too."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError, FileNotFoundError):  # it ended meanwhile
            os.sched_setaffinity(int(task.name), cores)
            for child in (task / "children").read_text().split():
                _confine(int(child), cores)


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

"""Cores, and shares of one, for processes: so that what one is worth shows where there are few cores."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds in which each of them has its turn.
_PERIOD = 0.02
#: Control groups that limit CPU: version 1 has a tree for each controller, version 2 one for all.
_CONTROL = (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup"))


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
def held(groups: list[int], share: float) -> Iterator[None]:
    """Let each group of processes have its share of a core only.

    The kernel sees to it where control groups may be made (as it does for containers); else they are stopped and
    continued, one after the other, and a group may have several cores in its turn.

    Args:
        groups: processes' ids, or negative ones of process groups; what has ended is left alone.
        share: of one core; all of them together at most 1.
    """
    with ExitStack() as stack:
        try:
            for group in groups:
                stack.enter_context(_limited(group, share))
        except OSError:
            stack.close()
            stack.enter_context(_in_turn(groups, share))
        yield


@contextmanager
def _limited(group: int, share: float) -> Iterator[None]:
    """By the kernel's quota, for what it starts meanwhile too."""
    parent = next((place for place in _CONTROL if (place / "cgroup.procs").exists()), _CONTROL[-1])
    own = parent / f"dnstower-bench-{abs(group)}"
    own.mkdir()
    try:
        period, quota = str(int(_PERIOD * 1e6)), str(int(_PERIOD * 1e6 * share))
        if (own / "cpu.max").exists():  # version 2
            (own / "cpu.max").write_text(f"{quota} {period}")
        else:
            (own / "cpu.cfs_period_us").write_text(period)
            (own / "cpu.cfs_quota_us").write_text(quota)
        for pid in _members(group):
            (own / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for pid in (own / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                (parent / "cgroup.procs").write_text(pid)
        own.rmdir()


def _members(group: int) -> list[int]:
    if group > 0:
        return [group]
    found = subprocess.run(["pgrep", "-g", str(-group)], capture_output=True, text=True, check=True)
    return [int(pid) for pid in found.stdout.split()]


@contextmanager
def _in_turn(groups: list[int], share: float) -> Iterator[None]:
    over = threading.Event()

    def turns() -> None:
        _send(groups, signal.SIGSTOP)
        while not over.is_set():
            for group in groups:
                _send([group], signal.SIGCONT)
                over.wait(_PERIOD * share)
                _send([group], signal.SIGSTOP)
            over.wait(_PERIOD * (1 - share * len(groups)))
        _send(groups, signal.SIGCONT)

    warden = threading.Thread(target=turns)
    warden.start()
    try:
        yield
    finally:
        over.set()
        warden.join()


def _send(groups: list[int], number: signal.Signals) -> None:
    for group in groups:
        with suppress(ProcessLookupError):
            os.kill(group, number)

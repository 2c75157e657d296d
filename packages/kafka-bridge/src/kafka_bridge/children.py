"""Child processes that do not outlive their owner."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def _find_prctl() -> Callable[..., int] | None:
    try:
        return ctypes.CDLL(None, use_errno=True).prctl
    except (OSError, AttributeError):
        return None  # not Linux: children are then stopped by an orderly end only


_prctl = _find_prctl()


def dies_with_parent(number: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` that has the kernel send a signal to the child when the starting thread ends.

    The thread that starts the child must live as long as its process. It covers kill -9 of the owner.
    """

    def prepare() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, int(number))

    return prepare

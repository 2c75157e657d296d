"""One lab a directory, also while the servers of a killed one are still on their way out.

They would remove pid files and sockets under the hands of the next. So the lab and every server of it hold
one lock: it is free when the last of them has ended.
"""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING

from .errors import LabError

if TYPE_CHECKING:
    from pathlib import Path

#: Servers of a killed lab end in a second or two.
_PATIENCE = 5.0


def lock(directory: Path) -> int:
    """Take the directory; the descriptor that holds it, for the servers to inherit.

    Raises:
        LabError: another lab has it.
    """
    descriptor = os.open(directory / "lab.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise LabError(f"a lab runs in {directory} already; give this one another directory") from None
            time.sleep(0.05)
        else:
            return descriptor

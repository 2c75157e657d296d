"""How long ago this machine's clock was last known to be synchronized."""

from __future__ import annotations

import ctypes
import struct
import time
from pathlib import Path

# systemd-timesyncd touches it at each synchronization.
_TIMESYNC = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


def age() -> float | None:
    """Seconds since the last synchronization; 0 where the kernel says that a daemon holds it; ``None`` unknown."""
    try:
        return max(0.0, time.time() - _TIMESYNC.stat().st_mtime)
    except OSError:
        return 0.0 if _kernel_says_synchronized() else None


def _kernel_says_synchronized() -> bool:
    """Ask adjtimex(2), which only reads when `modes` is 0."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(256)
        state = library.adjtimex(buffer)
    except (OSError, AttributeError):
        return False
    if state < 0 or state == _TIME_ERROR:
        return False
    # struct timex on 64-bit Linux: int modes, padding, long offset, freq, maxerror, esterror; int status.
    (status,) = struct.unpack_from("i", buffer.raw, 40)
    return not status & _STA_UNSYNC

"""The log of refusals: one line for each reason and probe in ten seconds, however many there are."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .counts import UNKNOWN

if TYPE_CHECKING:
    from .refusal import RefusedError

log = logging.getLogger(__name__)

_EVERY = 10.0
_MOST = 10_000
_MOST_TEXT = 500


class Complaints:
    """Says what was refused, of whom, and how often it was not said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def say(self, error: RefusedError, probe: str | None, peer: str, now: float) -> None:
        """Log a refusal, unless one like it was logged just now.

        Args:
            error: what is wrong.
            probe: the probe that was proved; ``None`` if none was.
            peer: where it came from.
            now: seconds of a monotonic clock.
        """
        key = (error.reason, probe or UNKNOWN)
        with self._lock:
            when, held = self._said.get(key, (now - _EVERY, 0))
            if now - when < _EVERY:
                self._said[key] = (when, held + 1)
                return
            if len(self._said) >= _MOST:
                self._said.clear()
            self._said[key] = (now, 0)
        more = f" (and {held} more like it)" if held else ""
        text = str(error)[:_MOST_TEXT]
        # Its words are the sender's in part: no line breaks, no control characters.
        clean = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
        log.warning("refused, %s, probe %s, from %s: %s%s", error.reason, key[1], peer, clean, more)

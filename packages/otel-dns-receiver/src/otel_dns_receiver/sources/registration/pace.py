"""How often a server may be asked. Pure; time is passed in, in monotonic seconds."""

from __future__ import annotations

import datetime as dt
from email.utils import parsedate_to_datetime

#: A server that asks for more patience than this is asked again all the same.
_MOST_PATIENCE = 86_400.0


class Pace:
    """Keeps a distance between questions to one server, and a longer one where it asks for it."""

    def __init__(self, distance: float) -> None:
        self._distance = distance
        self._next: dict[str, float] = {}

    def wait(self, server: str, now: float) -> float:
        """Seconds until the server may be asked."""
        return max(0.0, self._next.get(server, now) - now)

    def asked(self, server: str, now: float) -> None:
        """It was asked."""
        self._next[server] = max(self._next.get(server, 0.0), now + self._distance)

    def told(self, server: str, patience: float, now: float) -> None:
        """It asked not to be asked for so many seconds."""
        self._next[server] = max(self._next.get(server, 0.0), now + min(patience, _MOST_PATIENCE))


def retry_after(header: str | None, now: dt.datetime) -> float | None:
    """Seconds in a Retry-After header, given as such or as a date (RFC 9110 §10.2.3)."""
    if header is None:
        return None
    text = header.strip()
    if text.isdigit() and len(text) < 10:
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    date = date if date.tzinfo is not None else date.replace(tzinfo=dt.UTC)
    return max(0.0, (date - now).total_seconds())

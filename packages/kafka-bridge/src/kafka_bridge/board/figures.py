"""Numbers and times for people."""

from __future__ import annotations

import datetime as dt
import json
import re

_LIST = re.compile(r'\[(?:"[^"\\]*"(?:, ?"[^"\\]*")*)?\]')
_DIGEST = re.compile(r"\b[0-9a-fA-F]{32,}\b")


def ago(time: dt.datetime | str | None, now: dt.datetime) -> str:
    """``12 s``, ``3 min``, ``2 h`` between a time and now."""
    return "never" if time is None else lasting((now - moment(time)).total_seconds())


def lasting(seconds: float | None) -> str:
    """``12 s``, ``3 min``, ``2 h``, ``4 d``."""
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{max(0, seconds):.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} d"


def percent(share: float | None) -> str:
    """A share for people: never rounded up to 100 %."""
    if share is None:
        return "–"
    value = share * 100
    return f"{min(value, 99.99):.2f} %" if 99 <= value < 100 else f"{value:.0f} %"


def milliseconds(seconds: float | None) -> str:
    """Seconds as milliseconds."""
    if seconds is None:
        return "–"
    value = seconds * 1000
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"


def when(time: dt.datetime | str) -> str:
    """A day and its time in UTC."""
    return f"{moment(time):%Y-%m-%d %H:%M:%S} UTC"


def clock(time: dt.datetime | str, now: dt.datetime) -> str:
    """The time of today; of other days with the day."""
    at = moment(time)
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%d %b %H:%M}"


def moment(time: dt.datetime | str) -> dt.datetime:
    """A time, also where it stands in an incident's body."""
    return dt.datetime.fromisoformat(time) if isinstance(time, str) else time


def plain(text: str | None) -> str:
    """Lists of words as the store's views give them, ``["a", "b"]``, as words: ``a, b``."""
    return _LIST.sub(lambda found: ", ".join(json.loads(found[0])) or "none", text or "–").strip('"')


def short(text: str) -> str:
    """With digests cut to their beginning."""
    return _DIGEST.sub(lambda found: f"{found[0][:12]}…", text)


def said(answers: str | None, outcome: str) -> str:
    """Records as a store's view gives them, by their data; else the outcome."""
    records = json.loads(answers or "[]")
    return ", ".join(sorted(str(record["data"]) for record in records)) or (outcome if outcome != "answer" else "–")

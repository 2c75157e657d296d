"""What a reader looks at: zone, owner, region, record and time. It stands in the URL, and nowhere else."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from dns_events.errors import InvalidNameError
from dns_events.names import normalize
from msgspec import Struct, structs

from kafka_bridge.errors import BridgeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Spans that end now: how they are written in the URL, what they are called, and their seconds.
BACK = {
    "1h": ("last hour", 3600),
    "6h": ("last 6 hours", 6 * 3600),
    "24h": ("last 24 hours", 86400),
    "7d": ("last 7 days", 7 * 86400),
    "30d": ("last 30 days", 30 * 86400),
}
USUAL = "1h"
LONGEST = dt.timedelta(days=92)
_STEPS = (60, 300, 900, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400)
_MOST_STEPS = 72
_LONGEST_TEXT = 100
_QTYPE = re.compile(r"[A-Z][A-Z0-9-]{0,19}").fullmatch


class ChoiceError(BridgeError):
    """A parameter of the URL is not one; the message says which, and what to write."""


class Choice(Struct, frozen=True, kw_only=True):
    """One reader's choice; ``None`` is all."""

    start: dt.datetime
    end: dt.datetime
    back: str | None
    """The span, where it ends now; else `start` and `end` were chosen."""
    owner: str | None = None
    zone: str | None = None
    region: str | None = None
    name: str | None = None
    qtype: str | None = None

    @property
    def step(self) -> int:
        """Seconds between two points of a chart."""
        span = (self.end - self.start).total_seconds()
        return next((step for step in _STEPS if span / step <= _MOST_STEPS), _STEPS[-1])

    @property
    def level(self) -> str:
        """Whose counts are asked for: minutes, where a chart has a point for less than an hour."""
        return "minute" if self.step < 3600 else "hour"

    @property
    def scoped(self) -> bool:
        """Whether some zones are chosen."""
        return self.zone is not None or self.owner is not None

    @property
    def called(self) -> str:
        """The time, for people."""
        return (
            f"{self.start:%Y-%m-%d %H:%M} – {self.end:%Y-%m-%d %H:%M} UTC" if self.back is None else BACK[self.back][0]
        )

    def values(self) -> dict[str, str]:
        """What is chosen, by the names of questions' variables."""
        chosen = {field: getattr(self, field) for field in ("owner", "zone", "region", "name", "qtype")}
        return {field: value for field, value in chosen.items() if value is not None}

    def where(self, path: str, **other: str | None) -> str:
        """A URL on the board for this choice with something else in it."""
        time = {"from": _text(self.start), "to": _text(self.end)} if self.back is None else {"back": self.back}
        query: dict[str, Any] = {**time, **self.values(), **other}
        if query.get("back") == USUAL:
            del query["back"]
        if path != "/forensic":
            query = {key: value for key, value in query.items() if key not in ("name", "qtype")}
        text = urlencode({key: value for key, value in query.items() if value is not None})
        return f"{path}?{text}" if text else path

    def around(self, start: dt.datetime, end: dt.datetime, **other: str | None) -> Choice:
        """The same for another time."""
        return structs.replace(self, start=start, end=end, back=None, **other)


def choose(given: Iterable[tuple[str, str]], now: dt.datetime) -> Choice:
    """A choice from a URL's parameters; of `back` and `from`, as a form sends them, `back` is meant.

    Raises:
        ChoiceError: one of them is not known, stands twice, or has no such value.
    """
    found: dict[str, str] = {}
    known = ("back", "from", "to", *_CHECKS)
    for key, value in given:
        if key not in known:
            raise ChoiceError(f"no parameter {key[:40]!r}; there are {', '.join(known)}")
        if key in found:
            raise ChoiceError(f"`{key}` stands twice; write it once")
        if value:
            found[key] = value
    chosen = {key: check(key, found[key]) for key, check in _CHECKS.items() if key in found}
    back = found.get("back")
    if back is None and ("from" in found or "to" in found):
        start, end = _time("from", found.get("from")), _time("to", found.get("to"))
        if not start < end:
            raise ChoiceError("`from` is not before `to`")
        if end - start > LONGEST:
            raise ChoiceError(f"from `from` to `to` are more than {LONGEST.days} days; choose less")
        return Choice(start=start, end=end, back=None, **chosen)
    back = back or USUAL
    if back not in BACK:
        raise ChoiceError(f"`back` is {back[:40]!r}; write one of {', '.join(BACK)}, or `from` and `to`")
    return Choice(start=now - dt.timedelta(seconds=BACK[back][1]), end=now, back=back, **chosen)


def _time(key: str, text: str | None) -> dt.datetime:
    sentence = f"`{key}` is no time; write both `from` and `to` like 2026-11-23T10:00Z"
    if text is None or len(text) > 40:
        raise ChoiceError(sentence)
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise ChoiceError(sentence) from None
    time = time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time
    if not 2000 <= time.year <= 2200:
        raise ChoiceError(f"`{key}` is not between the years 2000 and 2200")
    return time.astimezone(dt.UTC)


def _name(key: str, text: str) -> str:
    try:
        if text.isprintable():
            return normalize(text)
    except InvalidNameError:
        pass
    raise ChoiceError(f"`{key}` is no domain name; write it like www.example.com")


def _word(key: str, text: str) -> str:
    if len(text) > _LONGEST_TEXT or not text.isprintable():
        raise ChoiceError(f"`{key}` is longer than {_LONGEST_TEXT} characters, or cannot be printed")
    return text


def _type(key: str, text: str) -> str:
    if not _QTYPE(text.upper()):
        raise ChoiceError(f"`{key}` is no type of a record; write it like A, NS or TYPE65534")
    return text.upper()


def _text(time: dt.datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


_CHECKS: dict[str, Callable[[str, str], str]] = {
    "owner": _word,
    "zone": _name,
    "region": _word,
    "name": _name,
    "qtype": _type,
}

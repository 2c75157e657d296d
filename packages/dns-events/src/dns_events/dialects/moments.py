"""Points in time as other tools write them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from dns_events.errors import DecodeError

from .fields import number, wrong

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
#: OTLP counts nanoseconds in 64 bits; later than this has no place there.
_LATEST = dt.datetime(2500, 1, 1, tzinfo=dt.UTC)
_UNITS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def moment(path: str, value: Any, unit: str | None = None) -> dt.datetime:
    """A time in UTC.

    Args:
        path: the field, for the error.
        value: RFC 3339 text with a zone, or a number of `unit` since 1970.
        unit: ``s``, ``ms``, ``us`` or ``ns``; by magnitude where it is not given, which is right from 1973 on.

    Raises:
        DecodeError: no time, no zone, or outside of 1970 to 2500.
    """
    if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
        made = _text(path, value)
    else:
        made = _count(path, value, unit)
    if not _EPOCH <= made < _LATEST:
        raise DecodeError(f"{path} is a time outside of 1970 to 2500")
    return made


def _text(path: str, value: str) -> dt.datetime:
    try:
        made = dt.datetime.fromisoformat(value)
        if made.tzinfo is None:
            raise DecodeError(f"{path} is a time without a zone; write for instance 2026-11-23T10:00:00Z")
        return made.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, DecodeError):
            raise
        raise wrong(path, value, "a time as of RFC 3339, or a number since 1970") from None


def _count(path: str, value: Any, unit: str | None) -> dt.datetime:
    size = number(path, value)
    if unit is None:
        unit = next(name for name, least in (("ns", 1e17), ("us", 1e14), ("ms", 1e11), ("s", -1e400)) if size >= least)
    if unit not in _UNITS:
        raise DecodeError(f"{path} is in a unit that is not known; known are {', '.join(_UNITS)}")
    try:
        # Whole numbers stay whole: a double does not hold nanoseconds since 1970.
        micros = value * 1_000_000 // _UNITS[unit] if isinstance(value, int) else round(size * 1e6 / _UNITS[unit])
        return _EPOCH + dt.timedelta(microseconds=micros)
    except OverflowError:
        raise DecodeError(f"{path} is a time outside of 1970 to 2500") from None

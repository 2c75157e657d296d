"""Durations as people write them: ``90s``, ``5m``, ``2h``, ``1d``, or a number of seconds."""

from __future__ import annotations

import re

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")


def seconds(text: str | float) -> float:
    """The duration in seconds.

    Raises:
        ValueError: with what to write instead.
    """
    if isinstance(text, int | float) and not isinstance(text, bool):
        value = float(text)
    else:
        match = _FORM.fullmatch(str(text).strip())
        if match is None:
            msg = f"{text!r} is not a duration; write for instance 30s, 5m, 2h or 1d"
            raise ValueError(msg)
        value = float(match[1]) * _UNITS[match[2]]
    if not 0 <= value < 1e9:
        msg = f"{text!r} is out of range for a duration"
        raise ValueError(msg)
    return value

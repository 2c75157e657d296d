"""Flink's watermarks and the judgement's times."""

from __future__ import annotations

#: Flink says so before the first event, and at the end of a stream that ends; neither is a time.
_NEVER = 1 << 61
_MILLI = 1_000


def passed(watermark: int) -> int | None:
    """Microseconds since 1970 before which no events are to come; ``None`` where a watermark says nothing.

    Args:
        watermark: milliseconds since 1970 up to and with which all has come.
    """
    return None if abs(watermark) >= _NEVER else (watermark + 1) * _MILLI


def timer(time: int) -> int:
    """The timer that fires once `passed` is this time, in milliseconds since 1970."""
    return -(-time // _MILLI) - 1

"""Numbers as people read them."""

from __future__ import annotations

import math


def number(value: float | None) -> str:
    """Three digits, thousands set apart; what is not measured says so."""
    if value is None:
        return "not measured"
    if value and abs(value) < 1:
        return f"{value:.2g}"
    digits = 3 - 1 - math.floor(math.log10(abs(value))) if value else 0
    rounded = round(value, digits)
    return f"{rounded:,.0f}" if abs(rounded) >= 100 or rounded == int(rounded) else f"{rounded:,.3g}"


def size(value: float) -> str:
    """Bytes."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000:
            return f"{number(value)} {unit}"
        value /= 1000
    return f"{number(value)} PB"


def small(value: float, unit: str) -> str:
    """Seconds are told in ns, µs or ms, where that is what they are; bytes as they come."""
    name, _, of = unit.partition("/")
    if name == "s" and value < 1:
        by, word = next((by, word) for by, word in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")) if value * by < 1000)
        return f"{number(value * by)} {word}/{of}"
    return f"{size(value)}/{of}" if name == "bytes" else f"{number(value)} {name}/{of}"


def span(seconds: float) -> str:
    """A time."""
    if math.isnan(seconds):
        return "–"
    for most, by, unit in ((600, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < most:
            return f"{seconds / by:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"

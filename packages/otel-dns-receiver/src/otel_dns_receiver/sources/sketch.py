"""Counts that need little memory: how many different clients, and which names most often. Pure."""

from __future__ import annotations

import math
import os
from hashlib import blake2b

_BITS = 10
_REGISTERS = 1 << _BITS
_ALPHA = 0.7213 / (1 + 1.079 / _REGISTERS)


class Distinct:
    """How many different values were seen: HyperLogLog (Flajolet et al., 2007), 1 kB, 3 % off.

    Values are hashed with a key that this process made up and nobody sees, so nothing that is kept can be turned
    back into an address.
    """

    __slots__ = ("_registers",)

    _KEY = os.urandom(16)

    def __init__(self) -> None:
        self._registers = bytearray(_REGISTERS)

    def add(self, value: bytes) -> None:
        """See one value."""
        number = int.from_bytes(blake2b(value, digest_size=8, key=self._KEY).digest(), "little")
        at = number & (_REGISTERS - 1)
        rank = 65 - _BITS - (number >> _BITS).bit_length()
        self._registers[at] = max(self._registers[at], rank)

    def count(self) -> int:
        """The estimate."""
        estimate = _ALPHA * _REGISTERS**2 / sum([2.0**-rank for rank in self._registers])
        empty = self._registers.count(0)
        if estimate <= 2.5 * _REGISTERS and empty:
            estimate = _REGISTERS * math.log(_REGISTERS / empty)
        return round(estimate)


class Top:
    """The most frequent values (Space-Saving; Metwally et al., 2005).

    A count is never too low; where more than `capacity` different values came it may be too high by the
    smallest count that is kept.
    """

    __slots__ = ("_capacity", "_counts")

    def __init__(self, capacity: int = 200) -> None:
        self._capacity = capacity
        self._counts: dict[str, int] = {}

    def add(self, value: str, number: int = 1) -> None:
        """See a value."""
        counts = self._counts
        if value in counts:
            counts[value] += number
        elif len(counts) < self._capacity:
            counts[value] = number
        else:
            smallest = min(counts, key=counts.__getitem__)
            counts[value] = counts.pop(smallest) + number

    def most(self, number: int) -> tuple[tuple[str, int], ...]:
        """The most frequent, the most frequent first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(ordered[:number])

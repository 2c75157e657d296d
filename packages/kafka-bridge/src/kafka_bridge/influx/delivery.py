"""Points get in although some among them are not wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .client import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: One line among 5,000 is found by 13 halvings.
_HALVINGS = 40


class Refusal(NamedTuple):
    """What did not get in."""

    lines: int
    reason: str


def deliver(write: Callable[[Sequence[bytes]], None], lines: Sequence[bytes]) -> Refusal | None:
    """Write lines; returns how many were refused, and why the first of them was.

    InfluxDB takes what is fine and says how many it dropped ("partial write"). Where it took nothing, the lines are
    halved until the refused ones stand alone; past 40 halvings, halves that still fail count as refused.

    Args:
        write: raises `RefusedError`; any other error is the caller's.
        lines: in any number.
    """
    pieces, refused, reason, left = [lines], 0, "", _HALVINGS
    while pieces:
        piece = pieces.pop()
        try:
            write(piece)
        except RefusedError as error:
            reason = reason or str(error)
            if error.dropped is not None:
                refused += min(error.dropped, len(piece))
            elif len(piece) == 1 or not left:
                refused += len(piece)
            else:
                left -= 1
                half = len(piece) // 2
                pieces += [piece[half:], piece[:half]]
    return Refusal(refused, reason) if refused else None

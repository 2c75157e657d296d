"""What an endpoint said of a request."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Said(NamedTuple):
    """The endpoint's word on one request."""

    verdict: Literal["taken", "later", "too_large", "refused"]
    """`taken`; try again `later`; `too_large`: send less at once; `refused`: this data never."""
    text: str = ""
    """Why, for people; no secret is in it."""
    wait: float | None = None
    """Seconds that it asks to wait."""
    rejected: int = 0
    """Events of a request that was taken which it did not take (partial success)."""

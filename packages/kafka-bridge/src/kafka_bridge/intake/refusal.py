"""What a request is refused for. Every refusal is counted under one of these names."""

from __future__ import annotations

from typing import Literal, get_args

Reason = Literal[
    "unauthenticated",
    "forged",
    "oversized",
    "bomb",
    "malformed",
    "rate",
    "stale",
    "replayed",
    "unavailable",
]
REASONS: tuple[Reason, ...] = get_args(Reason)


class RefusedError(Exception):
    """A request that is not taken.

    Args:
        reason: what it is counted under.
        text: what is wrong and what to do; the client reads it, so no secret is in it.
        wait: seconds after which the client is to send it again; ``None``: this request never.
    """

    def __init__(self, reason: Reason, text: str, wait: float | None = None) -> None:
        super().__init__(text)
        self.reason: Reason = reason
        self.wait = wait

"""Where every question went."""

from __future__ import annotations

from msgspec import Struct


class Counts(Struct):
    """sent = answered + timed out + failed + in flight, always."""

    sent: int = 0
    answered: int = 0
    timed_out: int = 0
    failed: int = 0
    """Unreachable, malformed, or this machine could not send."""
    skipped: int = 0
    """Turns that were passed over because the turn before was still in flight; never sent."""

    @property
    def in_flight(self) -> int:
        """Questions that wait for an answer."""
        return self.sent - self.answered - self.timed_out - self.failed

    def done(self, outcome: str) -> None:
        """A question came to its end."""
        if outcome == "timeout":
            self.timed_out += 1
        elif outcome in {"unreachable", "malformed"}:
            self.failed += 1
        else:
            self.answered += 1

"""What a notifier is, and what it gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Why a page did not get through: the receiver is away, it refuses us whatever we send, or it refuses this page.
Cause = Literal["away", "refused", "page"]


class DeliveryError(Exception):
    """The page did not get through; it will be tried again.

    Args:
        said: why, without secrets.
        cause: ``away`` is tried again soon; ``refused`` (a login, an address) slowly; so is ``page``, which nothing
            waits for.
        wait: for how many seconds the receiver asked not to be tried.
    """

    def __init__(self, said: str, cause: Cause = "away", wait: float | None = None) -> None:
        super().__init__(said)
        self.cause: Cause = cause
        self.wait = wait


class Page(Struct, frozen=True, kw_only=True):
    """One page of one incident."""

    key: str
    """Idempotency key: the same page has the same key, however often it is tried."""
    transition: str
    """``firing``, ``graver``, ``escalated``, ``acknowledged`` or ``resolved``."""
    incident: dict[str, Any]
    """As in the design's format."""
    team: str | None = None
    """Who was called; ``None`` where the page is no call."""
    kept: dict[str, Any] | None = None
    """What the receipt of the incident's last page had to be kept."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {"page": self.transition, "key": self.key, "incident": self.incident}


class Receipt(Struct, frozen=True):
    """The page has arrived."""

    answer: str
    """What the receiver said, without secrets."""
    kept: dict[str, Any] | None = None
    """What the incident's next page needs of this one (a thread, labels)."""


class Notifier:
    """One way out."""

    name: str
    per_minute: int | None = None
    """So many pages at most; ``None`` is without limit."""
    digest: int | None = None
    """More pages than so many that wait are told as one; ``None`` is never."""
    again: float | None = None
    """What fires is told again after so many seconds; ``None`` is never."""
    hosts: tuple[str, ...] = ()
    """Names whose addresses are to be known ahead."""

    def deliver(self, page: Page) -> Receipt:
        """Deliver one page; returns once it has arrived.

        Raises:
            DeliveryError: it did not get through.
        """
        raise NotImplementedError

    def deliver_digest(self, pages: Sequence[Page]) -> Receipt:
        """Deliver several pages, in their order, as one message.

        Raises:
            DeliveryError: it did not get through.
        """
        raise NotImplementedError

    def remind(self, pages: Sequence[Page]) -> None:
        """What is firing now, as it is now. Sent every `again` seconds, even where it is nothing.

        Raises:
            DeliveryError: it did not get through.
        """

    def hide(self, text: str) -> str:
        """A text without this receiver's secrets."""
        return text

"""The one exception root of otel-dns-receiver."""

from __future__ import annotations

from typing import Literal


class ReceiverError(Exception):
    """Something the receiver cannot do; the message says what, where and what to do next."""


class ConfigError(ReceiverError):
    """A configuration that cannot be used; names file and line."""


class DiscoveryError(ReceiverError):
    """The delegation of a zone could not be followed."""


class NoAddressError(DiscoveryError):
    """A host certainly has no address: its name does not exist, or has neither an A nor an AAAA record."""


class TransportError(ReceiverError):
    """An exchange that failed below DNS; the message says why.

    Attributes:
        outcome: ``unreachable`` where no answer came at all, ``malformed`` where what came is no DNS message.
        latency: seconds until it came.
    """

    def __init__(
        self, text: str, outcome: Literal["unreachable", "malformed"] = "unreachable", latency: float | None = None
    ) -> None:
        super().__init__(text)
        self.outcome: Literal["unreachable", "malformed"] = outcome
        self.latency = latency

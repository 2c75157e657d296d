"""What the OTLP endpoint needs of a bus."""

from __future__ import annotations

from typing import Protocol


class UnavailableError(Exception):
    """The bus cannot take the request now; the client is to send it again."""


class WayIn(Protocol):
    """Where requests go."""

    def append(self, payload: bytes, peer: str) -> None:
        """Return once the payload is durable.

        Raises:
            UnavailableError: it is not, and the client must keep it.
        """

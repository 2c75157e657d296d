"""What is watched, and how many events a second that is."""

from __future__ import annotations

from msgspec import Struct


class Load(Struct, frozen=True, kw_only=True):
    """What is watched."""

    zones: int
    questions: int = 1
    """Names and types of each zone."""
    regions: int = 3
    servers: int = 2
    """Addresses of each zone's name servers, each asked from each region."""
    resolvers: int = 1
    """Of each region."""
    interval: float = 60.0
    """Seconds between two askings of a question at a vantage."""
    teams: int = 1000
    """Owners: zones of one owner that fail for one cause are one incident."""

    @property
    def vantages(self) -> int:
        """From where each question is asked."""
        return self.regions * (self.servers + self.resolvers)

    @property
    def asked(self) -> int:
        """Questions of one zone in an interval."""
        return self.questions * self.vantages

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.zones * self.asked / self.interval

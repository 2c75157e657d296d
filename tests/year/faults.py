"""What may go wrong with a generated zone, who must say so, and by when."""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """One way in which a zone fails, as it is where each question is asked once a minute."""

    rule: str
    """That must say so."""
    promise: int
    """Within so many minutes."""
    lasts: int
    """Minutes."""


FAULTS = {
    "outage": Kind("zone-outage", 8, 25),
    "server down": Kind("authoritative-server-failing", 8, 25),
    "bogus": Kind("dnssec-validation-failing", 7, 25),
    "record emptied": Kind("expected-data-missing", 8, 25),
    "name servers replaced": Kind("nameservers-changed", 12, 90),
    "DS removed": Kind("ds-changed", 12, 90),
    "record replaced": Kind("records-changed", 10, 90),
    "server lags": Kind("server-lagging", 14, 60),
    "rogue answer": Kind("answers-rogue", 7, 60),
}


class Fault(NamedTuple):
    """One thing that goes wrong."""

    kind: str
    begin: int
    """Minutes from the start."""
    interval: int = 60
    """Seconds from one question to the same one again."""

    @property
    def rule(self) -> str:
        return FAULTS[self.kind].rule

    @property
    def promised(self) -> float:
        """Minutes from the start by which it must have been told."""
        return self.begin + FAULTS[self.kind].promise + self._later

    @property
    def end(self) -> float:
        """Minutes from the start."""
        return self.begin + FAULTS[self.kind].lasts + self._later

    @property
    def over(self) -> float:
        """Until then pages are held to be the fault's."""
        return self.end + 20 + self._later

    @property
    def _later(self) -> float:
        """Minutes: a window is three intervals at least, and all of them are longer than a minute by so much."""
        return 3 * max(0, self.interval - 60) / 60

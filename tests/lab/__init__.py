"""A small real Internet on loopback: signed root and TLD, zones on three implementations, three regions.

`Lab.start` brings it up, `break_` and `mend` run the scenarios, leaving the `with` takes all of it away.
"""

from __future__ import annotations

from .errors import LabError
from .lab import Fault, Lab
from .programs import missing
from .scenarios import SCENARIOS, Scenario

__all__ = ["SCENARIOS", "Fault", "Lab", "LabError", "Scenario", "missing"]

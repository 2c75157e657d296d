"""The judgement: events and an inventory in, findings and incidents out. Pure; no sockets, no clock.

`Engine` runs it. `judge` and `correlate` are the two steps it is made of, for runners of other kinds.
"""

from .correlate import correlate
from .engine import Correlation, Engine, Judged, Judgement, Step
from .errors import RulesError, StateError
from .health import assess
from .inventory import Inventory, Team, Zone, load_inventory
from .judge import judge
from .memory import spread_of
from .model import Acknowledgement, Call, Finding, Health, Incident, Offender, Silence, Tick
from .packs import load_rules
from .rules import Rule, Rules
from .state import CorrelationState, ZoneState
from .version import __version__

__all__ = [
    "Acknowledgement",
    "Call",
    "Correlation",
    "CorrelationState",
    "Engine",
    "Finding",
    "Health",
    "Incident",
    "Inventory",
    "Judged",
    "Judgement",
    "Offender",
    "Rule",
    "Rules",
    "RulesError",
    "Silence",
    "StateError",
    "Step",
    "Team",
    "Tick",
    "Zone",
    "ZoneState",
    "__version__",
    "assess",
    "correlate",
    "judge",
    "load_inventory",
    "load_rules",
    "spread_of",
]

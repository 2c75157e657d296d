"""What one DNS observation is, on every wire. Imports nothing of the suite.

Make events with the structs, write and read them with `ndjson` or `otlp`, compare answers with
`fingerprint`, and bring names into form with `normalize`.
"""

from .errors import DecodeError, DnsEventsError, InvalidEventError, InvalidNameError
from .events import (
    SILENT,
    TYPES,
    Delegation,
    Dnssec,
    DnssecCause,
    DnssecStatus,
    Ede,
    EdnsBehaviour,
    Event,
    Observation,
    Outcome,
    Probe,
    Record,
    Registration,
    Role,
    Server,
    ServerView,
    Source,
    Traffic,
    Transport,
    Violation,
    ZoneChange,
    type_of,
)
from .fingerprint import fingerprint
from .ids import new_id
from .names import from_dns, normalize, parent, within
from .schema import json_schema
from .version import __version__

__all__ = [
    "SILENT",
    "TYPES",
    "DecodeError",
    "Delegation",
    "DnsEventsError",
    "Dnssec",
    "DnssecCause",
    "DnssecStatus",
    "Ede",
    "EdnsBehaviour",
    "Event",
    "InvalidEventError",
    "InvalidNameError",
    "Observation",
    "Outcome",
    "Probe",
    "Record",
    "Registration",
    "Role",
    "Server",
    "ServerView",
    "Source",
    "Traffic",
    "Transport",
    "Violation",
    "ZoneChange",
    "__version__",
    "fingerprint",
    "from_dns",
    "json_schema",
    "new_id",
    "normalize",
    "parent",
    "type_of",
    "within",
]

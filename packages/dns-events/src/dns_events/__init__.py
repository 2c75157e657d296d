"""What one DNS observation is, on every wire. Imports nothing of the suite.

Make events with the structs, write and read them with `ndjson` or `otlp`, compare answers with
`fingerprint`, and bring names into form with `normalize`.
"""

from .errors import (
    DecodeError,
    DnsEventsError,
    ExportError,
    InvalidEventError,
    InvalidNameError,
    NotAnObservationError,
)
from .events import (
    MAX_EXTRA_BYTES,
    SILENT,
    TYPES,
    Delegation,
    Dnssec,
    DnssecCause,
    DnssecStatus,
    Ede,
    EdnsBehaviour,
    Event,
    Family,
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
from .ids import derived_id, new_id
from .names import from_dns, normalize, parent, within
from .schema import json_schema
from .version import __version__

__all__ = [
    "MAX_EXTRA_BYTES",
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
    "ExportError",
    "Family",
    "InvalidEventError",
    "InvalidNameError",
    "NotAnObservationError",
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
    "derived_id",
    "fingerprint",
    "from_dns",
    "json_schema",
    "new_id",
    "normalize",
    "parent",
    "type_of",
    "within",
]

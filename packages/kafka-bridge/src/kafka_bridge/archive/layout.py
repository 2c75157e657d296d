"""How the archive lies: ``day=YYYY-MM-DD/bucket=N/<batch>.parquet``, one row an event.

Typed columns are for questions; `event` is the whole event as JSON, in its reference form (dns-events), and
`enrichment` what was known beside it when it was judged (see `Enrichment`).
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from dns_events import Observation, ndjson, type_of

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from dns_events import Event

#: Zones spread over so many folders of a day.
BUCKETS = 8

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("zone", pa.string(), nullable=False),
        pa.field("probe", pa.string(), nullable=False),
        pa.field("region", pa.string()),
        pa.field("source", pa.string()),
        pa.field("name", pa.string()),
        pa.field("qtype", pa.string()),
        pa.field("server", pa.string()),
        pa.field("server_name", pa.string()),
        pa.field("role", pa.string()),
        pa.field("transport", pa.string()),
        pa.field("outcome", pa.string()),
        pa.field("rcode", pa.string()),
        pa.field("latency", pa.float64()),
        pa.field("ttl", pa.int64()),
        pa.field("serial", pa.int64()),
        pa.field("dnssec", pa.string()),
        pa.field("dnssec_cause", pa.string()),
        pa.field("answers", pa.list_(pa.string())),
        pa.field("event", pa.string(), nullable=False),
        pa.field("enrichment", pa.string(), nullable=False),
    ],
    metadata={"dnstower.archive": "1"},
)


def bucket_of(zone: str) -> int:
    """The folder of a zone: the same for ever, in every program (BLAKE2b of the name, 8 bytes, big-endian)."""
    return int.from_bytes(blake2b(zone.encode(), digest_size=8).digest(), "big") % BUCKETS


def folder(day: dt.date, bucket: int) -> str:
    """Where events of a day and bucket are, in the form that DuckDB, polars, Spark and Hive read as columns."""
    return f"day={day.isoformat()}/bucket={bucket}"


def tables(events: Iterable[tuple[Event, str]], batch: int) -> dict[str, pa.Table]:
    """Files of a batch of events and their enrichments, by their paths; the same in whatever order they come."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event, enrichment in sorted(events, key=lambda pair: (pair[0].time, pair[0].id)):
        path = f"{folder(event.time.date(), bucket_of(event.zone))}/{batch:012}.parquet"
        rows[path].append({**row(event), "enrichment": enrichment})
    return {path: pa.Table.from_pylist(listed, schema=SCHEMA) for path, listed in sorted(rows.items())}


def row(event: Event) -> dict[str, Any]:
    """An event as a row."""
    made: dict[str, Any] = {
        "id": event.id,
        "time": event.time,
        "type": type_of(event),
        "zone": event.zone,
        "probe": event.probe.id,
        "region": event.probe.region,
        "event": ndjson.encode(event).decode(),
    }
    if isinstance(event, Observation):
        made |= {
            "source": event.source,
            "name": event.name,
            "qtype": event.qtype,
            "server": event.server.address,
            "server_name": event.server.name,
            "role": event.server.role,
            "transport": event.transport,
            "outcome": event.outcome,
            "rcode": event.rcode,
            "latency": event.latency,
            "ttl": event.ttl,
            "serial": event.serial,
            "dnssec": None if event.dnssec is None else event.dnssec.status,
            "dnssec_cause": None if event.dnssec is None else event.dnssec.cause,
            "answers": [f"{r.name} {r.ttl} {r.type} {r.data}" for r in event.answers],
        }
    return made

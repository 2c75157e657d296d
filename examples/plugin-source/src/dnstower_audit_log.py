"""A provider's audit log, one JSON object a line, as zone changes.

Paste into ``receiver.yaml``::

    sources:
      - type: audit_log
        path: /var/log/provider/audit.ndjson
"""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING

import msgspec
from dns_events import DnsEventsError, Record, ZoneChange, new_id, normalize

if TYPE_CHECKING:
    from otel_dns_receiver.sources import Context


class Entry(msgspec.Struct):
    """A line of the log."""

    at: dt.datetime
    user: str
    action: str
    name: str
    type: str
    value: str
    ttl: int = 300


class AuditLog(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of this source are its fields; `run` is all that it does."""

    path: str

    async def run(self, context: Context) -> None:
        """Read what is there, then what comes, until cancelled."""
        with (context.base / self.path).open() as log:
            while True:
                while line := log.readline():
                    self._take(line, context)
                await asyncio.sleep(0.2)

    def _take(self, line: str, context: Context) -> None:
        try:
            entry = msgspec.json.decode(line, type=Entry)
            record = Record(name=normalize(entry.name), type=entry.type, ttl=entry.ttl, data=entry.value)
        except (msgspec.DecodeError, DnsEventsError):
            context.count("unparsable", 1)
            return
        zone = context.zones.of(record.name)
        context.count("read" if zone is not None else "other_zone", 1)
        if zone is not None:
            changed = {"added" if entry.action == "create" else "removed": (record,)}
            context.emit(
                ZoneChange(
                    id=new_id(),
                    time=entry.at.astimezone(dt.UTC),
                    probe=context.probe(),
                    zone=zone,
                    actor=entry.user,
                    **changed,
                )
            )

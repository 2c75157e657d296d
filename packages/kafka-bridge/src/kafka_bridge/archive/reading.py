"""Events out of the archive, in the order of their time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pyarrow.dataset as pads
import pyarrow.fs as pafs
from dns_events import ndjson

from . import layout
from .place import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events import Event

    from .settings import Archive

#: Held in memory at once: the events of so long.
_STRETCH = dt.timedelta(minutes=30)


def stretches(
    archive: Archive, start: dt.datetime, end: dt.datetime, zones: frozenset[str] | None = None
) -> Iterator[tuple[dt.datetime, list[Event]]]:
    """Events from `start` until before `end`, half an hour at a time, each with the time up to which it goes.

    Args:
        archive: where it is.
        start: the first moment.
        end: the moment after the last.
        zones: only of these.
    """
    place = Place(archive)
    buckets = range(layout.BUCKETS) if zones is None else sorted({layout.bucket_of(zone) for zone in zones})
    while start < end:
        until = min(start + _STRETCH, end)
        days = {start.date(), (until - dt.timedelta(microseconds=1)).date()}
        files = [path for day in sorted(days) for bucket in buckets for path in _files(place, day, bucket)]
        found: list[Event] = []
        if files:
            wanted = (pads.field("time") >= start) & (pads.field("time") < until)
            if zones is not None:
                wanted &= pads.field("zone").isin(sorted(zones))
            data = pads.dataset(files, schema=layout.SCHEMA, filesystem=place.filesystem, format="parquet")
            for batch in data.to_batches(columns=["event"], filter=wanted):
                found += [ndjson.decode(text) for text in batch.column(0).to_pylist()]
        found.sort(key=lambda event: (event.time, event.id))
        yield until, found
        start = until


def _files(place: Place, day: dt.date, bucket: int) -> list[str]:
    selector = pafs.FileSelector(place.path(layout.folder(day, bucket)), allow_not_found=True)
    found = place.filesystem.get_file_info(selector)
    return sorted(info.path for info in found if info.is_file and info.path.endswith(".parquet"))

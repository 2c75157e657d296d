"""Events as Avro binary without a header; the schema is `schemas/event.avsc` (extra ``avro``)."""

from __future__ import annotations

import io
import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import fastavro

from . import trees
from .errors import DecodeError, ExportError
from .events import TYPES, type_of
from .ndjson import MAX_LINE_BYTES

if TYPE_CHECKING:
    from .events import Event

NAMESPACE = "dnstower.v1"


def schema() -> list[dict[str, Any]]:
    """The schema as it is shipped: a union with one record for each event."""
    text = resources.files(__package__).joinpath("schemas/event.avsc").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(text)
    return found


def parse(text: str) -> Any:
    """A schema that values were written with, for `decode`.

    Raises:
        DecodeError: not a schema.
    """
    try:
        return fastavro.parse_schema(json.loads(text))
    except Exception as error:
        # fastavro lets pass whatever its look into the tree comes upon.
        msg = f"not an Avro schema: {type(error).__name__}: {error}"
        raise DecodeError(msg) from error


_SCHEMA = fastavro.parse_schema(schema())
_TAGS = {f"{NAMESPACE}.{kind.__name__}": tag for tag, kind in TYPES.items()}


def encode(event: Event) -> bytes:
    """The event in Avro's binary encoding.

    Raises:
        ExportError: a value that Avro cannot carry, as a count over 64 bits.
    """
    out = io.BytesIO()
    tree = trees.of_event(event)
    name = f"{NAMESPACE}.{type(event).__name__}"
    try:
        fastavro.schemaless_writer(out, _SCHEMA, (name, tree))
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"the {type_of(event)} {event.id} does not fit Avro: {error}"
        raise ExportError(msg) from error
    return out.getvalue()


def decode(value: bytes, writer: Any = None) -> Event:
    """Read one event.

    Args:
        value: Avro's binary encoding.
        writer: the schema it was written with, from `parse`; ours, where left out.

    Raises:
        DecodeError: not of that schema, not an event, an invalid event, or over 1 MiB.
    """
    if len(value) > MAX_LINE_BYTES:
        msg = f"an event of {len(value)} bytes; at most {MAX_LINE_BYTES} are read"
        raise DecodeError(msg)
    source = io.BytesIO(value)
    try:
        name, tree = _read(source, _SCHEMA if writer is None else writer)
    except Exception as error:
        # fastavro has no exception of its own for bad bytes: EOFError, IndexError, OverflowError, and others.
        msg = f"not an event in Avro: {type(error).__name__}: {error}"
        raise DecodeError(msg) from error
    if source.tell() != len(value):
        msg = f"not an event in Avro: {len(value) - source.tell()} bytes follow it"
        raise DecodeError(msg)
    return trees.to_event({**tree, "type": _TAGS[name]})


def _read(source: io.BytesIO, writer: Any) -> tuple[str, dict[str, Any]]:
    found: Any = fastavro.schemaless_reader(source, writer, _SCHEMA, return_record_name=True)
    name, tree = found
    return name, _unnamed(tree)


def _unnamed(value: Any) -> Any:
    """Without the names that fastavro puts beside the records inside unions."""
    if isinstance(value, tuple):
        return _unnamed(value[1])
    if isinstance(value, dict):
        return {key: _unnamed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unnamed(inner) for inner in value]
    return value

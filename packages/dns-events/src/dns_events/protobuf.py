"""Events as Protobuf; the schema is `schemas/event.proto` (extra ``protobuf``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import MutableSequence
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError as NotProtobuf
from google.protobuf.timestamp_pb2 import Timestamp

from . import trees
from .errors import DecodeError, ExportError
from .events import type_of
from .ndjson import MAX_LINE_BYTES
from .schemas import event_pb2

if TYPE_CHECKING:
    from .events import Event

#: Messages of this one field are lists and maps that may be unknown.
_VALUES = "values"


def encode(event: Event) -> bytes:
    """The event as a serialized `Event` message.

    Raises:
        ExportError: a value that Protobuf cannot carry, as a count over 64 bits.
    """
    message = event_pb2.Event()
    tree = trees.of_event(event)
    try:
        _fill(getattr(message, tree.pop("type")), tree)
        return message.SerializeToString(deterministic=True)
    except (ValueError, TypeError, OverflowError) as error:
        msg = f"the {type_of(event)} {event.id} does not fit Protobuf: {error}"
        raise ExportError(msg) from error


def decode(value: bytes) -> Event:
    """Read one event. Unknown fields are passed over, so that newer writers can be read.

    Raises:
        DecodeError: not Protobuf, not an event, an invalid event, or over 1 MiB.
    """
    if len(value) > MAX_LINE_BYTES:
        msg = f"an event of {len(value)} bytes; at most {MAX_LINE_BYTES} are read"
        raise DecodeError(msg)
    try:
        message = event_pb2.Event.FromString(value)
    except NotProtobuf as error:
        msg = f"not an event in Protobuf: {error}"
        raise DecodeError(msg) from error
    kind = message.WhichOneof("event")
    if kind is None:
        msg = "not an event in Protobuf: none of the events that are known here is set"
        raise DecodeError(msg)
    try:
        tree = _tree(getattr(message, kind))
    except (ValueError, OverflowError) as error:
        msg = f"not an event in Protobuf: {error}"
        raise DecodeError(msg) from error
    return trees.to_event({**tree, "type": kind})


def _fill(message: Any, tree: dict[str, Any]) -> None:
    message.SetInParent()
    fields = message.DESCRIPTOR.fields_by_name
    for name, value in tree.items():
        if value is None:
            continue
        inner = fields[name].message_type
        if inner is None:
            if isinstance(value, list):
                getattr(message, name).extend(value)
            else:
                setattr(message, name, value)
        elif isinstance(value, dt.datetime):
            getattr(message, name).FromDatetime(value)
        elif inner.GetOptions().map_entry:
            _fill_map(getattr(message, name), value, inner)
        elif list(inner.fields_by_name) == [_VALUES]:
            _fill(getattr(message, name), {_VALUES: value})
        elif isinstance(value, list):
            for entry in value:
                _fill(getattr(message, name).add(), entry)
        else:
            _fill(getattr(message, name), value)


def _fill_map(found: Any, entries: dict[str, Any], entry: Any) -> None:
    if entry.fields_by_name["value"].message_type is None:
        found.update(entries)
        return
    for key, values in entries.items():
        _fill(found[key], {_VALUES: values})


def _tree(message: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            made[field.name] = {key: _plain(inner) for key, inner in value.items()}
        elif isinstance(value, MutableSequence):
            made[field.name] = [_plain(inner) for inner in value]
        elif not field.has_presence or message.HasField(field.name):
            made[field.name] = _plain(value)
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, Timestamp):
        return value.ToDatetime(tzinfo=dt.UTC)
    if not hasattr(value, "DESCRIPTOR"):
        return value
    tree = _tree(value)
    return tree[_VALUES] if list(value.DESCRIPTOR.fields_by_name) == [_VALUES] else tree

"""Events as trees of plain values, for the binary forms: times stay times, `extra` is JSON text."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, cast

import msgspec

from .errors import DecodeError
from .events import MAX_EXTRA_BYTES, Event

if TYPE_CHECKING:
    from collections.abc import Mapping


def of_event(event: Event) -> dict[str, Any]:
    """The tree; its ``type`` tells which event it is."""
    tree = cast("dict[str, Any]", _listed(msgspec.to_builtins(event, builtin_types=(dt.datetime,))))
    if tree.get("extra") is not None:
        tree["extra"] = msgspec.json.encode(tree["extra"]).decode()
    if "top_nxdomain" in tree:
        tree["top_nxdomain"] = [{"name": name, "count": count} for name, count in tree["top_nxdomain"]]
    return tree


def to_event(tree: Mapping[str, Any]) -> Event:
    """The event of a tree; keys that no event has are passed over.

    Raises:
        DecodeError: not an event, or an invalid one.
    """
    made = dict(tree)
    try:
        if made.get("extra") is not None:
            made["extra"] = _extra(made["extra"])
        if "top_nxdomain" in made:
            made["top_nxdomain"] = [(entry["name"], entry["count"]) for entry in made["top_nxdomain"]]
        event: Event = msgspec.convert(made, Event)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DecodeError(str(error)) from error
    return event


def _listed(value: Any) -> Any:
    """With lists for tuples: to fastavro a tuple inside a union is a name and a value."""
    if isinstance(value, dict):
        return {key: _listed(inner) for key, inner in value.items()}
    return [_listed(inner) for inner in value] if isinstance(value, list | tuple) else value


def _extra(text: str) -> Any:
    size = len(text.encode())
    if size > MAX_EXTRA_BYTES:
        msg = f"extra is {size} bytes of JSON; at most {MAX_EXTRA_BYTES} are kept"
        raise DecodeError(msg)
    return msgspec.json.decode(text)

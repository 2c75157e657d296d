"""What another schema has no place for: it stands under our own name, in the words of our events."""

from __future__ import annotations

from typing import Any

import msgspec

from dns_events.errors import DecodeError
from dns_events.events import Event, Observation

from .building import fits

_LOOKUP = "observation"


def left(event: Event, mapped: set[str]) -> dict[str, Any]:
    """The event's fields that were not mapped, as plain JSON, without those that are not known."""
    tree = msgspec.json.decode(msgspec.json.encode(event), type=dict[str, Any])
    # Of a lookup, empty is nothing; of a delegation it is a proven absence.
    nothing: tuple[object, ...] = (None, {}, []) if isinstance(event, Observation) else (None,)
    return {key: value for key, value in tree.items() if key not in mapped and value not in nothing}


def whole(own: Any, event_id: str | None, time: Any) -> Event | None:
    """The event that stands whole under our name, as those do that are no lookups; ``None`` where none does.

    Raises:
        DecodeError: it is no event.
    """
    if not isinstance(own, dict) or own.get("type") in {None, _LOOKUP}:
        return None
    return _event(own | {"id": event_id, "time": time})


def is_lookup(own: Any) -> bool:
    """Whether the rest of an observation stands under our name."""
    return isinstance(own, dict) and own.get("type") == _LOOKUP


def completed(made: Observation, own: dict[str, Any], event_id: str | None, mapped: set[str]) -> Event:
    """The observation that was written: what was mapped is read from the schema, the rest stands under our name.

    Raises:
        DecodeError: the two contradict each other.
    """
    tree: dict[str, Any] = msgspec.to_builtins(made)
    kept = {key: tree[key] for key in mapped | {"id", "time"}}
    if event_id is not None:
        kept["id"] = event_id
    # What a pipeline added on the way.
    kept["extra"] = made.extra
    return _event(kept | own)


def _event(tree: dict[str, Any]) -> Event:
    try:
        event: Event = msgspec.convert(tree, Event)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as error:
        raise DecodeError(f"dnstower: {error}") from error
    fits(event)
    return event

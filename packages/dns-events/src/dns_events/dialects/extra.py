"""What a tool said beside: kept under its own names, within bounds, and without its clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dns_events import semconv
from dns_events.events import MAX_EXTRA_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KEYS = 200
MAX_DEPTH = 16
#: For the names of what was left out.
_NOTE_BYTES = 1024
_NOTE_NAMES = 10
_NAME_LENGTH = 60
_INT64 = 1 << 63


def bounded(tree: dict[str, Any], *, hidden: Iterable[str] = (), unknown: str = "") -> dict[str, Any] | None:
    """The part of a record that is kept beside the event.

    Args:
        tree: what is left of it.
        hidden: texts, such as a client's address, that no value may hold; values that do are dropped.
        unknown: what the tool writes for "not known"; dropped too.

    Returns:
        At most `MAX_KEYS` keys (those in lists are not counted) and `events.MAX_EXTRA_BYTES` of JSON. What had
        to be left out for that is said under ``dnstower.left_out``. ``None`` where nothing is left.
    """
    keeper = _Keeper(tuple(text for text in hidden if text), unknown)
    kept = keeper.object(tree, "", 0)
    if keeper.left_out:
        kept[semconv.SCOPE] = {"left_out": {"count": keeper.left_out, "names": keeper.names}}
    return kept or None


class _Keeper:
    """Keeps until the room is used up."""

    def __init__(self, hidden: tuple[str, ...], unknown: str) -> None:
        self._hidden = hidden
        self._worthless = {"", unknown}
        self._bytes = MAX_EXTRA_BYTES - _NOTE_BYTES
        self._keys = MAX_KEYS
        self.left_out = 0
        self.names: list[str] = []

    def object(self, tree: dict[str, Any], above: str, depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in tree.items():
            path = f"{above}.{key}" if above else key
            if self._hides(key):
                continue
            if isinstance(value, dict):
                if not value:
                    continue
                # Room for the key and its braces is taken whether or not anything within is kept.
                if depth < MAX_DEPTH and self._room(key, 4):
                    if inner := self.object(value, path, depth + 1):
                        kept[key] = inner
                    continue
            elif (plain := self._plain(value, path, depth)) is None:
                continue
            elif self._room(key, len(msgspec.json.encode(plain)) + 2):
                kept[key] = plain
                continue
            self._leave_out(path)
        return kept

    def _plain(self, value: Any, path: str, depth: int) -> Any:
        """A value that JSON can carry everywhere; ``None`` for what says nothing or must be hidden."""
        match value:
            case str():
                return None if value in self._worthless or self._hides(value) else value
            case bool():
                return value
            case int():
                # Over 64 bits it would be another number in most readers.
                return value if -_INT64 <= value < _INT64 else f"{value:#x}"
            case float():
                return value
            case list() if depth < MAX_DEPTH:
                plain = (self._plain(item, path, depth + 1) for item in value)
                return [item for item in plain if item is not None] or None
            case dict() if depth < MAX_DEPTH:
                pairs = ((key, self._plain(item, path, depth + 1)) for key, item in value.items())
                return {key: item for key, item in pairs if item is not None and not self._hides(key)} or None
            case list() | dict():
                self._leave_out(path)
        return None

    def _hides(self, text: str) -> bool:
        return any(hidden in text for hidden in self._hidden)

    def _room(self, key: str, size: int) -> bool:
        cost = len(msgspec.json.encode(key)) + 2 + size
        if not self._keys or cost > self._bytes:
            return False
        self._keys -= 1
        self._bytes -= cost
        return True

    def _leave_out(self, path: str) -> None:
        self.left_out += 1
        if len(self.names) < _NOTE_NAMES and not self._hides(path):
            # Plain ASCII, so that the note's size is known.
            name = "".join(
                sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "?" for sign in path
            )
            self.names.append(name[:_NAME_LENGTH])

"""One record's fields: taken out by name, nested or dotted, so that what nobody took can be kept."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dns_events.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: No name, type, code or message that is meant is longer.
MAX_TEXT = 4096


class Fields:
    """A record from which fields are taken out.

    A path such as ``dns.question.name`` is found nested, as one dotted key, and in any mixture of the two.
    ``None``, an empty text and what the tool writes for "unknown" are all the same: not there.
    """

    def __init__(self, tree: dict[str, Any], *, unknown: str = "") -> None:
        self.tree = tree
        self.unknown = unknown

    def take(self, *paths: str) -> Any:
        """Remove the values at some paths; the first that is known, else ``None``."""
        found = None
        for path in paths:
            value = _find(self.tree, _ways(path), remove=True)
            if found is None and value not in (None, "", self.unknown):
                found = value
        return found

    def drop(self, path: str) -> list[Any]:
        """Remove all that stands at a path and below it, in whatever mixture of nested and dotted keys."""
        dropped: list[Any] = []
        _drop(self.tree, _ways(path), dropped)
        return dropped

    def peek(self, path: str) -> Any:
        """The value at a path, which stays where it is."""
        return _find(self.tree, _ways(path), remove=False)

    def text(self, *paths: str) -> str | None:
        """A text; a number is one too."""
        value = self.take(*paths)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise wrong(paths[0], value, "a text")
        text = str(value)
        if len(text) > MAX_TEXT:
            raise DecodeError(f"{paths[0]} has {len(text)} characters; at most {MAX_TEXT} are read")
        return text

    def number(self, *paths: str) -> float | None:
        """A finite number; digits in quotes are one too."""
        value = self.take(*paths)
        return None if value is None else number(paths[0], value)

    def integer(self, *paths: str) -> int | None:
        """A whole number."""
        value = self.take(*paths)
        return None if value is None else integer(paths[0], value)

    def port(self, *paths: str) -> int | None:
        """A port; 0 is none."""
        value = self.integer(*paths)
        if value is not None and not 0 <= value <= 65535:
            raise wrong(paths[0], value, "a port")
        return value or None

    def flag(self, *paths: str) -> bool | None:
        """A boolean; 0 and 1 are ones too."""
        value = self.take(*paths)
        if value is None or isinstance(value, bool):
            return value
        if value in (0, 1):
            return bool(value)
        raise wrong(paths[0], value, "true or false")

    def items(self, *paths: str) -> list[Any]:
        """A list; one value alone is a list of it, nothing is an empty one."""
        value = self.take(*paths)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]

    def objects(self, *paths: str) -> Iterator[Fields]:
        """The objects of a list."""
        for item in self.items(*paths):
            if not isinstance(item, dict):
                raise wrong(paths[0], item, "an object")
            yield Fields(item, unknown=self.unknown)


def number(path: str, value: Any) -> float:
    """A finite number.

    Raises:
        DecodeError: it is none.
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            made = float(value)
        except (ValueError, OverflowError):
            raise wrong(path, value, "a number") from None
        if math.isfinite(made):
            return made
    raise wrong(path, value, "a number")


def integer(path: str, value: Any) -> int:
    """A whole number.

    Raises:
        DecodeError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    made = number(path, value)
    if not made.is_integer():
        raise wrong(path, value, "a whole number")
    return int(value) if isinstance(value, str) and value.strip().isdecimal() else int(made)


def wrong(path: str, value: Any, wanted: str) -> DecodeError:
    """The error of a value of the wrong kind; what it is stands in it only where that cannot be an address."""
    shown = repr(value) if isinstance(value, int | float) and abs(value) < 1e18 else type(value).__name__
    return DecodeError(f"{path} is {shown}; {wanted} is needed")


#: The ways a path may be cut into keys: each first key, with the ways of what follows it; none is the end.
_Ways = tuple[tuple[str, "_Ways"], ...]


@lru_cache(maxsize=1024)
def _ways(path: str) -> _Ways:
    parts = path.split(".")
    whole: _Ways = ((path, ()),)
    return whole + tuple(
        (".".join(parts[:count]), _ways(".".join(parts[count:]))) for count in range(len(parts) - 1, 0, -1)
    )


def _find(tree: dict[str, Any], ways: _Ways, *, remove: bool) -> Any:
    for key, beyond in ways:
        if key not in tree:
            continue
        if not beyond:
            return tree.pop(key) if remove else tree[key]
        inner = tree[key]
        if isinstance(inner, dict) and (value := _find(inner, beyond, remove=remove)) is not None:
            if remove and not inner:
                del tree[key]
            return value
    return None


def _drop(tree: dict[str, Any], ways: _Ways, dropped: list[Any]) -> None:
    for key, beyond in ways:
        if not beyond:
            below = key + "."
            names = [name for name in tree if name.startswith(below) or name == key]
            dropped.extend(tree.pop(name) for name in names)
        elif isinstance(inner := tree.get(key), dict):
            _drop(inner, beyond, dropped)

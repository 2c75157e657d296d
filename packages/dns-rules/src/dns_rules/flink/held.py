"""State as Flink keeps it: bytes at rest, decoded while it is at work.

PyFlink writes a value state when a bundle ends, and at a checkpoint at the latest. What is put into one here is
therefore encoded once a bundle, not once an event: pickle asks for its bytes only then, and what it writes is a plain
``bytes`` with no name of ours in it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

S = TypeVar("S")


class Held(Generic[S]):
    """A decoded state that pickles as the bytes it is saved as.

    Args:
        state: decoded; ``None`` before the first event.
        dump: makes its bytes.
    """

    __slots__ = ("dump", "state", "timer")

    def __init__(self, state: S, dump: Callable[[S], bytes]) -> None:
        self.state = state
        self.dump = dump
        self.timer: int | None = None
        """The earliest timer that is set, in milliseconds since 1970; unknown after a restart."""

    def __reduce__(self) -> tuple[Any, ...]:
        return bytes, (self.dump(self.state),)


class Cache(Generic[S]):
    """The decoded states of the keys that came last, so many at most.

    Args:
        size: how many.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._held: OrderedDict[str, Held[S]] = OrderedDict()

    def get(self, key: str) -> Held[S] | None:
        """The state of a key, if it is still here."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
        return found

    def put(self, key: str, held: Held[S]) -> None:
        """Keep a state. Whatever goes for it is in Flink's state already."""
        self._held[key] = held
        if len(self._held) > self._size:
            self._held.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget a state."""
        self._held.pop(key, None)

"""Functions put in place of others, and put back exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import wrapt

if TYPE_CHECKING:
    from collections.abc import Callable


class _Patch(NamedTuple):
    owner: Any
    name: str
    original: Any
    own: bool
    """Whether the owner itself had it; a class may only have inherited it."""


class Patches:
    """What was replaced. `undo` restores each attribute to the object that it was."""

    def __init__(self) -> None:
        self._made: list[_Patch] = []

    def wrap(self, owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
        """Put ``wrapper(wrapped, instance, args, kwargs)`` around an attribute, where there is such."""
        original = vars(owner).get(name, getattr(owner, name, None))
        if original is None:
            return
        self._made.append(_Patch(owner, name, original, name in vars(owner)))
        setattr(owner, name, wrapt.FunctionWrapper(original, wrapper))

    def undo(self) -> None:
        """Put everything back, the last first."""
        while self._made:
            patch = self._made.pop()
            if patch.own:
                setattr(patch.owner, patch.name, patch.original)
            else:
                delattr(patch.owner, patch.name)

"""Detectors of other packages, by the entry-point group ``dns_rules.detectors``.

An entry point names a frozen msgspec Struct. Its fields are what a rule may write as `options`; an instance is called
as `dns_rules.detectors.condition.Detect`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from msgspec import Struct

GROUP = "dns_rules.detectors"


def installed() -> dict[str, EntryPoint]:
    """Every detector of another package, by the name that a rule calls it."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@cache
def kind(name: str) -> type[Struct]:
    """The Struct that a name stands for.

    Raises:
        KeyError: no installed package has it.
        ImportError: one has, and it is none.
    """
    try:
        loaded = installed()[name].load()
    except (AttributeError, ImportError) as error:
        raise ImportError(str(error)) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Struct) and "__call__" in dir(loaded)):
        msg = f"{loaded!r} is no msgspec Struct that can be called"
        raise ImportError(msg)
    return loaded

"""Detectors of other packages, by the entry-point group ``dns_rules.detectors``.

An entry point names a frozen msgspec Struct. Its fields are what a rule may write as `options`; an instance is called
as `dns_rules.detectors.condition.Detect`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

GROUP = "dns_rules.detectors"


def installed() -> dict[str, EntryPoint]:
    """Every detector of another package, by the name that a rule calls it."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}


@cache
def kind(name: str) -> type:
    """The Struct that a name stands for.

    Raises:
        LookupError: no installed package has it.
        ImportError: one has, and cannot be imported.
    """
    entry = installed().get(name)
    if entry is None:
        raise LookupError(name)
    try:
        loaded: type = entry.load()
    except AttributeError as error:
        raise ImportError(str(error)) from error
    return loaded

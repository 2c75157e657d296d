"""One file a scenario: its docstring is what users read, `break_` and `mend` are what it does.

A scenario touches its own zone only, so that several can be active in one lab.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from . import (
    all_servers_down,
    ds_mismatch,
    emptied_record,
    expired_signatures,
    ns_replaced,
    region_stale,
    server_down,
)

if TYPE_CHECKING:
    from types import ModuleType

    from tests.lab.internet import Internet


class _Module(Protocol):
    ZONE: str

    def break_(self, internet: Internet, /) -> tuple[str, ...]: ...

    def mend(self, internet: Internet, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault that the lab knows how to make and to take back."""

    name: str
    zone: str
    sentence: str
    module: _Module

    def break_(self, internet: Internet) -> tuple[str, ...]:
        """Make the fault; who gives the wrong data, or none: name servers by name, or a region."""
        return self.module.break_(internet)

    def mend(self, internet: Internet) -> None:
        """Take the fault back."""
        self.module.mend(internet)


def _scenario(module: ModuleType) -> Scenario:
    assert module.__doc__ is not None
    name = module.__name__.rpartition(".")[2].replace("_", "-")
    typed = cast("_Module", module)
    return Scenario(name, typed.ZONE, " ".join(module.__doc__.split()), typed)


SCENARIOS = {
    scenario.name: scenario
    for scenario in map(
        _scenario,
        (
            server_down,
            all_servers_down,
            ds_mismatch,
            expired_signatures,
            ns_replaced,
            region_stale,
            emptied_record,
        ),
    )
}

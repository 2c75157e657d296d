"""Whom a page goes to: what gets every page, and what the called teams name in their `notify`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dns_rules.inventory import receiver

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dns_rules import Inventory


class Routing(NamedTuple):
    """Ways out, by name."""

    everyone: tuple[str, ...] = ()
    """These get every page."""
    kinds: Mapping[str, str] | None = None
    """The receivers that teams may name, with their types; ``None``: teams' `notify` is not looked at."""

    def of(self, inventory: Inventory, teams: Iterable[str]) -> list[str]:
        """The ways out of a page that is about these teams."""
        found = dict.fromkeys(self.everyone)
        for key in teams if self.kinds is not None else ():
            team = inventory.teams.get(key)
            for reference in team.notify if team is not None else ():
                if (name := receiver(reference, self.kinds or {})) is not None:
                    found[name] = None
        return list(found)

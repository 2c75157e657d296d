"""Who owns what, who approves, whom a page reaches; and what would reach nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from .inventory import Inventory, Zone


class Holding(Struct, frozen=True, kw_only=True):
    """What one team answers for."""

    team: str
    name: str
    notify: tuple[str, ...]
    escalate: tuple[str, ...]
    zones: tuple[str, ...]
    """Each with its criticality, the critical ones first."""
    observes: bool
    """Whether it is paged for the monitoring itself."""


class Map(Struct, frozen=True, kw_only=True):
    """The whole of an inventory."""

    holdings: tuple[Holding, ...]
    gaps: tuple[str, ...]
    """What is missing, a sentence each."""


_ORDER = ("critical", "high", "normal")


def owners(inventory: Inventory) -> Map:
    """The map of an inventory, and its gaps."""
    by_team: dict[str, list[Zone]] = {key: [] for key in inventory.teams}
    for zone in inventory.zones:
        by_team[str(zone.owner)].append(zone)
    holdings = []
    for key, team in inventory.teams.items():
        mine = sorted(by_team[key], key=lambda zone: (_ORDER.index(zone.criticality), zone.zone))
        holdings.append(
            Holding(
                team=key,
                name=team.name,
                notify=team.notify,
                escalate=tuple(f"after {step.after} to {step.to}" for step in team.escalate),
                zones=tuple(f"{zone.zone} ({zone.criticality})" for zone in mine),
                observes=key == inventory.observers,
            )
        )
    return Map(holdings=tuple(holdings), gaps=tuple(_gaps(inventory, by_team)))


def _gaps(inventory: Inventory, by_team: dict[str, list[Zone]]) -> list[str]:
    gaps = []
    if inventory.observers is None:
        gaps.append(
            "no `observers`: a blind probe or a failing resolver is told to the owner of the first zone it is seen in"
        )
    reached = {step.to for team in inventory.teams.values() for step in team.escalate} | {inventory.observers}
    for key, team in inventory.teams.items():
        zones = by_team[key]
        told = bool(zones) or key in reached
        if told and not team.notify:
            gaps.append(f"team {key} has no `notify`: its pages go only where every page goes")
        if not told:
            gaps.append(f"team {key} owns nothing, and nobody escalates to it")
        if any(zone.criticality == "critical" for zone in zones) and not team.escalate:
            gaps.append(f"team {key} has critical zones and no `escalate`: nobody is woken after it")
    gaps += [
        f"zone {zone.zone} is {zone.criticality} and has no `approvers`: no edit of it is authorized by who made it"
        for zone in inventory.zones
        if zone.criticality != "normal" and not zone.approvers
    ]
    return gaps

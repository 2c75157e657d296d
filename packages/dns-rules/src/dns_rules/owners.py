"""Who owns what, who approves, whom a page reaches; and what would reach nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from . import words
from .model import Criticality

if TYPE_CHECKING:
    from .inventory import Hours, Inventory


class Held(Struct, frozen=True, kw_only=True):
    """One zone, or a part of one."""

    name: str
    zone: str
    """Another name than `name` where it is a part."""
    criticality: Criticality
    approvers: tuple[str, ...]
    """Whose edits of the zone are authorized."""


class Holding(Struct, frozen=True, kw_only=True):
    """What one team answers for."""

    team: str
    name: str
    notify: tuple[str, ...]
    escalate: tuple[str, ...]
    hours: str
    """When it is called; nothing where that is always."""
    after_hours: str
    """Who is called at other times, and for what; nothing where there are none."""
    zones: tuple[Held, ...]
    """The critical ones first."""
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
    by_team: dict[str, list[Held]] = {key: [] for key in inventory.teams}
    for zone in inventory.zones:
        parts = {zone.zone: str(zone.owner)} | {part.name: part.owner for part in zone.subdomains}
        for name, owner in parts.items():
            by_team[owner].append(
                Held(name=name, zone=zone.zone, criticality=zone.criticality, approvers=zone.approvers)
            )
    holdings = []
    for key, team in inventory.teams.items():
        mine = sorted(by_team[key], key=lambda held: (_ORDER.index(held.criticality), held.name))
        holdings.append(
            Holding(
                team=key,
                name=team.name,
                notify=team.notify,
                escalate=tuple(f"after {step.after} to {step.to}" for step in team.escalate),
                hours="" if team.hours is None else _hours(team.hours),
                after_hours="" if team.hours is None else f"{team.after_hours or key}, for what is critical",
                zones=tuple(mine),
                observes=key == inventory.observers,
            )
        )
    return Map(holdings=tuple(holdings), gaps=tuple(_gaps(inventory, by_team)))


def _hours(hours: Hours) -> str:
    return f"{hours.from_} to {hours.to} {hours.timezone}, {words.listing(hours.days, most=7)}"


def _gaps(inventory: Inventory, by_team: dict[str, list[Held]]) -> list[str]:
    gaps = []
    if inventory.observers is None:
        gaps.append(
            "no `observers`: a blind probe or a failing resolver is told to the owner of the first zone it is seen in"
        )
    teams = inventory.teams.values()
    reached = {step.to for team in teams for step in team.escalate} | {team.after_hours for team in teams}
    reached.add(inventory.observers)
    for key, team in inventory.teams.items():
        zones = by_team[key]
        told = bool(zones) or key in reached
        if told and not team.notify:
            gaps.append(f"team {key} has no `notify`: its pages go only where every page goes")
        if not told:
            gaps.append(f"team {key} owns nothing, and nobody escalates to it")
        if team.after_hours is not None and inventory.teams[team.after_hours].hours is not None:
            gaps.append(f"team {key} is relieved after hours by {team.after_hours}, which has hours of its own")
        if any(zone.criticality == "critical" for zone in zones) and not team.escalate:
            gaps.append(f"team {key} has critical zones and no `escalate`: nobody is woken after it")
    gaps += [
        f"zone {zone.zone} is {zone.criticality} and has no `approvers`: no edit of it is authorized by who made it"
        for zone in inventory.zones
        if zone.criticality != "normal" and not zone.approvers
    ]
    return gaps

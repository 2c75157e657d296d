"""What a notifier is, and the words of a page."""

from __future__ import annotations

from typing import Any, Protocol

#: So many zones of a shared incident are named in words; the page's body has all of them.
_SHOWN = 30


class DeliveryError(Exception):
    """The page did not get through; it will be tried again."""


class Notifier(Protocol):
    """One way out. `deliver` returns once the page has arrived."""

    name: str

    def deliver(self, key: str, transition: str, incident: dict[str, Any]) -> None:
        """Deliver one page.

        Args:
            key: idempotency key: the same page has the same key, however often it is tried.
            transition: ``firing``, ``graver``, ``escalated`` or ``resolved``.
            incident: the incident, as in the design's format.

        Raises:
            DeliveryError: it did not get through.
        """


def in_words(transition: str, incident: dict[str, Any]) -> str:
    """A page as lines for people: what happened, where, and what to check first."""
    drill = "DRILL " if incident["drill"] else ""
    head = f"{drill}{transition.upper()} {incident['severity']} {incident['title']}"
    if incident.get("part_of"):  # bodies of older versions are without
        return f"{head}\n  {incident['what']} (incident {incident['part_of']})"
    if transition == "resolved":
        ended = f"; {incident['resolution']}" if incident.get("resolution") else ""
        return f"{head} (owner {incident['owner']}, since {incident['since']}{ended})"
    where = incident["where"]
    places = [f"{label} {', '.join(where[label])}" for label in ("regions", "servers", "names") if where[label]]
    if zones := incident.get("zones"):
        more = f" and {len(zones) - _SHOWN} more" if len(zones) > _SHOWN else ""
        places.insert(0, f"zones {', '.join(zones[:_SHOWN])}{more}")
    lines = [head, f"  what: {incident['what']}", f"  where: {'; '.join(places)}"]
    lines += [f"  check first: {text}" for text in incident["check_first"][:3]]
    if calls := incident.get("calls"):
        called = ", ".join(dict.fromkeys(call["team"] for call in calls))
        lines.append(
            f"  called: {called}; nobody has acknowledged it" if transition == "escalated" else f"  called: {called}"
        )
    lines.append(f"  owner: {incident['owner']}; runbook: {incident['runbook']}; incident: {incident['id']}")
    return "\n".join(lines)

"""The words of a page: what happened, where, whose it is, what to check first."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .notifier import Page

#: So many zones of a shared incident are named in words; the page's body has all of them.
_SHOWN = 30
#: Of one fact, in messages.
_MOST = 2000


def headline(transition: str, incident: Mapping[str, Any]) -> str:
    """A page in one line."""
    drill = "DRILL " if incident["drill"] else ""
    return f"{drill}{transition.upper()} {incident['severity']} {' '.join(incident['title'].split())}"


def facts(transition: str, incident: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What there is to know of it: labels and texts; the checks are one text, numbered, of a line each."""
    if transition == "resolved":
        ended = [("how it ended", incident["resolution"])] if incident.get("resolution") else []
        return [("owner", incident["owner"]), ("since", incident["since"]), *ended, ("incident", incident["id"])]
    where = incident["where"]
    places = [f"{label} {', '.join(where[label])}" for label in ("regions", "servers", "names") if where[label]]
    if zones := incident.get("zones"):
        more = f" and {len(zones) - _SHOWN} more" if len(zones) > _SHOWN else ""
        places.insert(0, f"zones {', '.join(zones[:_SHOWN])}{more}")
    found = [("what", incident["what"]), ("where", "; ".join(places) or incident["zone"])]
    checks = [" ".join(text.split()) for text in incident["check_first"][:3]]
    if len(checks) > 1:
        checks = [f"{number}. {text}" for number, text in enumerate(checks, 1)]
    if checks:
        found.append(("check first", "\n".join(checks)))
    if calls := incident.get("calls"):
        called = ", ".join(dict.fromkeys(call["team"] for call in calls))
        nobody = "; nobody has acknowledged it" if transition == "escalated" else ""
        found.append(("called", called + nobody))
    if taken := incident.get("acknowledged"):
        note = f" ({taken['note']})" if taken["note"] else ""
        found.append(("taken on by", taken["by"] + note))
    return [*found, ("owner", incident["owner"]), ("runbook", incident["runbook"]), ("incident", incident["id"])]


def in_words(transition: str, incident: Mapping[str, Any], links: Mapping[str, str] | None = None) -> str:
    """A page as lines for people."""
    head = headline(transition, incident)
    if incident.get("part_of"):  # bodies of older versions are without
        return f"{head}\n  {incident['what']} (incident {incident['part_of']})"
    lines = [f"  {label}:{_beside(text)}" for label, text in facts(transition, incident)]
    return "\n".join([head, *lines, *(f"  {label}: {url}" for label, url in (links or {}).items())])


def in_html(transition: str, incident: Mapping[str, Any], links: Mapping[str, str]) -> str:
    """The same as a piece of HTML."""
    rows = "".join(
        f"<tr><th align=left valign=top nowrap>{html.escape(label)}</th>"
        f"<td>{'<br>'.join(html.escape(text[:_MOST]).splitlines())}</td></tr>"
        for label, text in facts(transition, incident)
    )
    ways = " · ".join(f'<a href="{html.escape(url)}">{html.escape(label)}</a>' for label, url in links.items())
    return f"<h3>{html.escape(headline(transition, incident))}</h3><table cellpadding=4>{rows}</table><p>{ways}</p>"


def _beside(text: str) -> str:
    """A line stands beside its label, several stand below it."""
    return "".join(f"\n    {line}" for line in text.split("\n")) if "\n" in text else f" {text}"


def digest_title(pages: Sequence[Page]) -> str:
    """Several pages in one line."""
    drills = "DRILL " if all(page.incident["drill"] for page in pages) else ""
    zones = len({page.incident["zone"] for page in pages})
    return f"{drills}{len(pages)} pages of {zones} zones waited for this receiver"


def digest_lines(pages: Sequence[Page]) -> list[str]:
    """Several pages, one line each, in their order."""
    return [
        f"{page.incident['updated'][:19]}Z {headline(page.transition, page.incident)} "
        f"(owner {page.incident['owner']}, incident {page.incident['id'][:8]})"
        for page in pages
    ]

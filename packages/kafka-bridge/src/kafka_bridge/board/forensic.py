"""The forensic view: who answered what, what changed before it, and how it is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import structs

from . import charts
from .questions import forensic as ask
from .questions import words

if TYPE_CHECKING:
    from .asking import Reading

#: Rows of a table on the page; the questions' own limits are larger.
MOST_ROWS = 100


def view(reading: Reading) -> dict[str, Any]:
    """The page's values; without a zone only what may be chosen."""
    choice = reading.choice
    if choice.zone is None:
        return {"there": False, "asked": False}
    everything = structs.replace(choice, owner=None)
    if choice.zone not in reading.list(words.ALL["zone"]):
        return {"there": False, "asked": True}
    raw = reading.rows(ask.RAW)
    answers, facts = reading.rows(ask.ANSWERS), reading.rows(ask.FACTS)
    drawn = charts.since_first(choice, [*answers, *facts])
    return {
        "there": True,
        "asked": True,
        "answers": charts.timeline(answers, drawn, known=False),
        "raw": raw[:MOST_ROWS],
        "more_raw": max(0, len(raw) - MOST_ROWS),
        "happened": reading.rows(ask.HAPPENED, everything)[:MOST_ROWS],
        "before": reading.rows(ask.BEFORE_INCIDENTS, everything),
        "facts": charts.timeline(facts, drawn, known=False),
        "delegation": reading.rows(ask.DELEGATION),
        "registrar": reading.rows(ask.REGISTRAR),
        "registration": reading.rows(ask.REGISTRATION),
        "evidence": reading.rows(ask.EVIDENCE)[:MOST_ROWS],
    }

"""The events, as they are on every wire."""

from __future__ import annotations

from typing import get_args

from dns_events import semconv
from dns_events.events import Event

from .structs import sections

_SEEN = "\n\nMade from the types. `python -m dns_events schema` prints them as JSON Schema."


def events() -> str:
    """One page: each event with all that is in it."""
    out = [f"# Events{_SEEN}", "", "As log records on OTLP, their names are:", ""]
    kinds = get_args(Event)
    out += [f"- `{semconv.EVENT_PREFIX}{kind.__struct_config__.tag}`: {_first(kind)}" for kind in kinds]
    made: dict[str, str] = {}
    for kind in kinds:
        for section in sections(kind).split("\n## "):
            name = section.removeprefix("## ").partition("\n")[0]
            made.setdefault(name, section.removeprefix("## "))
    out += ["", *(f"## {text}" for text in made.values())]
    return "\n".join(out)


def _first(kind: type) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0].replace("``", "`")

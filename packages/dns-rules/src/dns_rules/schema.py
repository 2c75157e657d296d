"""The JSON Schemas of what people write: rules, the inventory, and rule tests (JSON Schema 2020-12)."""

from __future__ import annotations

from typing import Any, Literal, get_args

import msgspec

from .inventory import Inventory
from .museum import Recording
from .packs import BUILT_IN, Pack
from .rules import Rule
from .ruletest import Suite

Kind = Literal["rule", "inventory", "test", "pack", "recording"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_TYPES: dict[Kind, Any] = {"rule": Rule, "inventory": Inventory, "test": Suite, "pack": Pack, "recording": Recording}
_TITLES = {
    "rule": "A rule of dns-rules",
    "inventory": "An inventory of dns-rules",
    "test": "Tests of a rule",
    "pack": "A rule pack",
    "recording": "A recording of the museum",
}


def schema(kind: Kind) -> dict[str, Any]:
    """The schema of one kind of file, as editors and CI take it."""
    found = msgspec.json.schema(_TYPES[kind])
    if kind == "rule":
        # Which detectors other packages have, nobody knows here.
        found["$defs"]["Plugged"]["properties"] = {
            "detector": {"type": "string", "not": {"enum": list(BUILT_IN)}},
            "options": {"type": "object"},
        }
        found["$defs"]["Plugged"]["required"] = ["detector", "options"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _TITLES[kind],
        **found,
    }

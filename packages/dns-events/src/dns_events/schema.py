"""The contract as JSON Schema (2020-12)."""

from __future__ import annotations

from typing import Any

import msgspec

from .events import Event


def json_schema() -> dict[str, Any]:
    """A JSON Schema of which every event's JSON is an instance."""
    (schema,), definitions = msgspec.json.schema_components([Event], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dnstower event",
        **schema,
        "$defs": definitions,
    }

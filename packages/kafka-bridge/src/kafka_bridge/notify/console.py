"""Pages on the console: lines for people on stderr, or JSON on stdout."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from .notifier import in_words


class Console:
    """Writes each page as it comes."""

    name = "console"

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json

    def deliver(self, key: str, transition: str, incident: dict[str, Any]) -> None:
        """Write it; a closed terminal is no reason to try again."""
        if self._as_json:
            text = msgspec.json.encode({"page": transition, "key": key, "incident": incident}).decode()
            print(text, flush=True)
        else:
            print(in_words(transition, incident), file=sys.stderr, flush=True)

"""Pages on the console: lines for people on stderr, or JSON on stdout."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from .message import in_words
from .notifier import Notifier, Receipt

if TYPE_CHECKING:
    from .notifier import Page


class Console(Notifier):
    """Writes each page as it comes."""

    name = "console"

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json

    def deliver(self, page: Page) -> Receipt:
        """Write it; a closed terminal is no reason to try again."""
        if self._as_json:
            print(msgspec.json.encode(page.as_json()).decode(), flush=True)
        else:
            print(in_words(page.transition, page.incident), file=sys.stderr, flush=True)
        return Receipt("written")

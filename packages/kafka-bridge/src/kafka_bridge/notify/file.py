"""Pages into a file, one JSON object a line, each once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from .notifier import DeliveryError, Notifier, Receipt

if TYPE_CHECKING:
    from pathlib import Path

    from .notifier import Page

#: How far back a page is looked for that was written just before a crash.
_TAIL = 256 << 10


class File(Notifier):
    """Appends and syncs. What already stands in the file's tail is not written again."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, page: Page) -> Receipt:
        """Write the page, unless the last run did so and died before it could note it.

        Raises:
            DeliveryError: the file cannot be written.
        """
        line = msgspec.json.encode(page.as_json()) + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - _TAIL))
                tail = file.read()
                if f'"key":"{page.key}"'.encode() in tail:
                    return Receipt("stands there already")
                # A line that a crash cut off is closed, so that it spoils no other.
                file.write(line if not tail or tail.endswith(b"\n") else b"\n" + line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            msg = f"{self._path}: {error.strerror}"
            raise DeliveryError(msg) from error
        return Receipt("written")

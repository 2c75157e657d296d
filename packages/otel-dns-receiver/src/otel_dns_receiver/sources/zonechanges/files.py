"""A file that somebody edits, looked at again and again; one that is half written is looked at again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MOST = 64 << 20


class Changed:
    """Gives a file's text once for each state of the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._before: tuple[int, int, int] | None = None

    def look(self) -> str | None:
        """The text, where the file is not what it was, and has stood still since the last look.

        Raises:
            OSError: it is not there or cannot be read.
            ValueError: it is larger than any zone file, or no text.
        """
        stat = self.path.stat()
        now = stat.st_mtime_ns, stat.st_size, stat.st_ino
        still, self._before = now == self._before, now
        if now == self._seen or not still:
            return None
        if stat.st_size > _MOST:
            raise ValueError(f"{self.path}: {stat.st_size} octets; at most {_MOST} are read")
        text = self.path.read_text()
        self._seen = now
        return text

    def again(self) -> None:
        """Look at the same state once more; what was read could not be used."""
        self._seen = None

"""The last known state of each zone, on disk, so that a restart sees what happened meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .difference import Contents, ZoneError, from_text, lines

if TYPE_CHECKING:
    from pathlib import Path


class Copies:
    """Copies in a folder, or in memory only where there is none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, Contents] = {}

    def get(self, key: str, origin: str) -> Contents | None:
        """The state that was kept last; a damaged copy is none.

        Args:
            key: which view of the zone: its primary, its file.
            origin: its apex.
        """
        if key not in self._known and self._folder is not None:
            try:
                self._known[key] = from_text(self._path(key).read_text(), origin)
            except (OSError, ZoneError, UnicodeDecodeError):
                return None
        return self._known.get(key)

    def put(self, key: str, origin: str, state: Contents) -> None:
        """Keep a state.

        Raises:
            OSError: it cannot be written; in memory it is kept all the same.
        """
        self._known[key] = state
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        apex = f"{origin}." if origin != "." else "."
        head = f"{apex} 0 IN SOA . . {state.serial} 0 0 0 0\n"
        path = self._path(key)
        fresh = path.with_suffix(".new")
        fresh.write_text(head + "".join(f"{line}\n" for line in lines(state.records)))
        fresh.replace(path)

    def _path(self, key: str) -> Path:
        assert self._folder is not None
        return self._folder / ("".join(c if c.isalnum() or c in "-." else "_" for c in key) + ".zone")

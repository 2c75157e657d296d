"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODE = 0o644


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file to write that takes the place of another at the end; after an error that one is as it was.

    Args:
        path: whose place it takes, and whose mode; it need not be there. Behind a link, the link stays.
    """
    place = path.resolve()
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.", suffix=".new")
    os.close(handle)
    new = Path(name)
    try:
        yield new
        with new.open("rb") as file:
            os.fsync(file.fileno())
        new.chmod(place.stat().st_mode & 0o7777 if place.exists() else _MODE)
        new.replace(place)
    finally:
        new.unlink(missing_ok=True)

"""For all tests: databases that run as another user than root live in a folder that is gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_VARIABLE = "DNSTOWER_SHARED_DIR"


def pytest_configure(config: pytest.Config) -> None:
    """Before anything starts, processes of the tests included."""
    folder = Path(tempfile.mkdtemp(prefix="dnstower-tests-"))
    folder.chmod(0o755)  # pytest's own folders are closed to the user that PostgreSQL runs as
    os.environ[_VARIABLE] = str(folder)
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))

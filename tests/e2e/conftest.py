"""The lab must be there; a healthy lab is watched from the beginning of the session, beside everything else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.tower import Tower
from tests.lab import missing

ABSENT = missing()
SOAK: dict[str, Tower] = {}
SOAK_SECONDS = float(os.environ.get("DNSTOWER_SOAK_SECONDS", "600"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and ABSENT:
            reason = f"not installed: apt-get install {' '.join(sorted({package for _, package in ABSENT}))}"
            item.add_marker(pytest.mark.skip(reason=reason))
    # It needs the most time: everything else runs while it does.
    items.sort(key=lambda item: item.get_closest_marker("soak") is not None)


def pytest_runtestloop(session: pytest.Session) -> None:
    wanted = any(item.get_closest_marker("soak") for item in session.items)
    if wanted and not ABSENT and not session.config.option.collectonly:
        directory = session.config._tmp_path_factory.mktemp("soak")  # type: ignore[attr-defined]
        SOAK["tower"] = Tower(directory)


def pytest_sessionfinish() -> None:
    for tower in SOAK.values():
        tower.stop()

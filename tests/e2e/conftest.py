"""The lab must be there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import missing

ABSENT = missing()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and ABSENT:
            reason = f"not installed: apt-get install {' '.join(sorted({package for _, package in ABSENT}))}"
            item.add_marker(pytest.mark.skip(reason=reason))

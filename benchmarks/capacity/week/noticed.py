"""How long it takes by the rules alone, where nothing waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.capacity.times import STEP

if TYPE_CHECKING:
    import random

    from .setting import Setting


def noticed(setting: Setting, chance: random.Random) -> float:
    """Seconds that are meant, from a zone's fault to its incident: most of the window has to have failed."""
    return (
        chance.uniform(setting.share, 1.0) * setting.window
        + chance.uniform(0.0, STEP) + setting.lateness + setting.hold
    )  # fmt: skip

"""What a program that judges sets for its process."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Look for garbage seldom: the judgement holds many small objects that live long, and that costs a fifth."""
    gc.set_threshold(50_000, 50, 100)

"""Lengths of time that the model and the simulation share, in seconds."""

from __future__ import annotations

HOUR, DAY, WEEK = 3600.0, 86400.0, 7 * 86400.0
#: Of one step of the rules, and of the half hour within which most rules look.
STEP, WINDOW = 5.0, 1800.0

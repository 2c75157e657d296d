"""The one error of the lab."""

from __future__ import annotations


class LabError(Exception):
    """What went wrong, on which server or file, and what to do next."""

"""The one exception root of dns-rules."""

from __future__ import annotations


class RulesError(ValueError):
    """An inventory, a rule or an event file that cannot be used; the message names file and line."""


class StateError(RulesError):
    """Saved state that this version cannot read."""

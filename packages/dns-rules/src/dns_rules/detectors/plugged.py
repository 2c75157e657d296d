"""The detector of another package, whose errors are its own: they are counted, and all other rules go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_rules.rules import Plugged
from dns_rules.state import fail

from .condition import Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState


def detect(state: ZoneState, rule: Rule, zone: Zone, now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Plugged)
    try:
        reading = rule.detect.asked(state, rule, zone, now)
        return Reading(dict(reading.holds), frozenset(reading.cleared))
    except Exception as error:  # noqa: BLE001 - a stranger's code
        fail(state, rule.id, f"{type(error).__name__}: {error}", now)
        return Reading({}, frozenset())

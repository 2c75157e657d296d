"""The correlation of faults: the one part that does not grow in a straight line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.capacity.coefficients import Coefficients


def correlation(findings: float, figures: Coefficients, *, teams: int = 0) -> float:
    """CPU seconds until the correlation is through with so many findings of one fault.

    Args:
        findings: one of each zone.
        figures: that were measured.
        teams: that own the zones, where they share the cause; 0 where each is an incident of its own.
    """
    incidents = min(findings, teams) if teams else findings
    joined = findings / incidents if incidents else 0.0
    # They open one after the other, so that half of them are open on average; later ones find all of them open.
    opened = incidents - incidents**2 / (2 * findings) if findings else 0.0
    each = figures["correlate_cpu"] + opened * figures["correlate_open"]
    return findings * (each + (joined / 2 * figures["correlate_joined"] if teams else 0.0))

"""Findings of other rules that follow each other as in an attack: what one alone does not say."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from dns_events import durations

from dns_rules import words
from dns_rules.model import Offender
from dns_rules.rules import Sequence
from dns_rules.state import MICROS, micros

from .condition import Condition, Reading

if TYPE_CHECKING:
    from dns_rules.inventory import Zone
    from dns_rules.model import Finding
    from dns_rules.rules import Rule
    from dns_rules.state import ZoneState

_OVER = Reading({}, frozenset({""}))


def detect(state: ZoneState, rule: Rule, _zone: Zone, _now: int) -> Reading:
    """See `dns_rules.detectors.condition.Detect`."""
    assert isinstance(rule.detect, Sequence)
    if len(state.active) < rule.detect.least:
        return _OVER
    made = [found for step in rule.detect.steps if (found := _first(state, step)) is not None]
    times = [micros(finding.since) for finding in made]
    within = durations.seconds(rule.detect.within) * MICROS
    if len(made) < rule.detect.least or max(times) - min(times) > within:
        return _OVER
    in_order = sum(a <= b for a, b in pairwise(times)) / (len(times) - 1)
    closeness = 1 - (max(times) - min(times)) / within if within else 1.0
    complete = len(made) / len(rule.detect.steps)
    told = sorted(made, key=lambda finding: (finding.since, finding.rule))
    story = ", then ".join(f"{finding.rule} at {finding.since:%H:%M:%S}Z" for finding in told)
    return Reading(
        {
            "": Condition(
                where=Offender(
                    regions=tuple(sorted({region for finding in made for region in finding.where.regions})),
                    servers=tuple(sorted({server for finding in made for server in finding.where.servers})),
                    names=tuple(sorted({name for finding in made for name in finding.where.names})),
                ),
                what=f"{story}: {len(made)} of {len(rule.detect.steps)} steps within "
                f"{words.duration((max(times) - min(times)) / MICROS)}",
                facts={
                    "why": ", then ".join(finding.rule for finding in told),
                    "regions": max((finding.facts.get("regions", "") for finding in made), key=len),
                    **{word: next((v for f in made if (v := f.facts.get(word))), "") for word in ("before", "after")},
                    "count": str(len(made)),
                    "total": str(len(rule.detect.steps)),
                },
                verdict="contradicted" if any(f.verdict == "contradicted" for f in made) else "undeclared",
                confidence=round(0.4 + 0.2 * in_order + 0.2 * closeness + 0.2 * complete, 2),
                evidence=tuple(id_ for finding in told for id_ in finding.evidence[:2]),
                since=min(times),
            )
        },
        frozenset(),
    )


def _first(state: ZoneState, step: tuple[str, ...]) -> Finding | None:
    """The earliest of the findings that make a step."""
    found = [finding for key, finding in sorted(state.active.items()) if key.split("\t")[0] in step]
    return min(found, key=lambda finding: finding.since, default=None)

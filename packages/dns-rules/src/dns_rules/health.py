"""How a zone is now, and why: a score that can be explained line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import vantage, words
from .model import Health
from .propagation import NO_ANSWER, steady
from .rules import scaled
from .state import MICROS, moment

if TYPE_CHECKING:
    from .inventory import Zone
    from .rules import Rules
    from .state import ZoneState

#: Health looks at the questions of the last minutes.
WINDOW = 120 * MICROS
#: Rules that could not be evaluated are told of for so long.
_FAILED = 3600 * MICROS
_DEDUCTION = {"critical": 70, "warning": 25, "info": 5}
_AT_RISK_SHARE = 0.02


def assess(state: ZoneState, zone: Zone, rules: Rules) -> Health:
    """The zone's health at the last evaluation."""
    now = state.sealed
    regions: dict[str, list[int]] = {}
    statuses: set[str] = set()
    unseen = _unseen(state)
    for vantages in state.latest.values():
        for key, latest in vantages.items():
            region, role, server = vantage.parts(key)
            pair = regions.setdefault(region, [0, 0])
            if region in unseen:
                continue
            unreached = role == "authoritative" and vantage.way(region, server) not in state.reached
            if latest.time < now - WINDOW or unreached:
                continue
            pair[0] += 1
            pair[1] += latest.outcome in NO_ANSWER
            if latest.dnssec is not None and role == "authoritative":
                statuses.add(latest.dnssec)
    total, failed = (sum(pair[i] for pair in regions.values()) for i in (0, 1))
    shares = _shares(state, zone, rules)
    reasons: list[str] = []
    score = 100
    worst = "healthy"
    for finding in sorted(state.active.values(), key=lambda f: (f.rule, f.key)):
        rule = rules.rule(finding.rule)
        if rule is not None and rule.to == "observers":
            reasons.append(f"of the monitoring: {finding.what}")
            continue
        severity = rule.severity_for(zone.criticality) if rule is not None else "warning"
        score -= _DEDUCTION[severity]
        worst = "unhealthy" if severity == "critical" else worst if worst == "unhealthy" else "at_risk"
        reasons.append(f"−{_DEDUCTION[severity]}: {finding.what}")
    if total and failed / total > _AT_RISK_SHARE:
        lost = max(1, round(30 * failed / total))
        score -= lost
        reasons.append(f"−{lost}: {words.percent(failed / total)} of the latest answers failed")
        worst = "at_risk" if worst == "healthy" else worst
    failed_rules = tuple(
        f"rule {rule} could not be evaluated {failure.number} times: {failure.text}"
        for rule, failure in sorted(state.failures.items())
        if failure.time > now - _FAILED
    )
    return Health(
        zone=state.zone,
        time=moment(now),
        status="unknown" if total == 0 else worst,  # type: ignore[arg-type]  # one of the three above
        score=max(0, score),
        reasons=(tuple(reasons) if total else ("no answer from any probe in the last two minutes",)) + failed_rules,
        agreement=round(min(shares), 4) if shares else None,
        dnssec=_dnssec(statuses),
        regions={
            region: "unknown" if asked == 0 else "failing" if bad * 2 > asked else "ok"
            for region, (asked, bad) in sorted(regions.items())
        },
    )


def _unseen(state: ZoneState) -> set[str]:
    """Regions of which all probes are blind. Where all are blind, it may be the zone that all of them ask."""
    seeing = {state.probes.get(probe, probe) for probe in state.heard if probe not in state.blind}
    return {state.probes.get(probe, probe) for probe in state.blind} - seeing if seeing else set()


def _shares(state: ZoneState, zone: Zone, rules: Rules) -> list[float]:
    """How far the regions agree on each question, of those on which they agreed for long enough before."""
    if not rules.of_regions:
        return []
    first = min(rules.of_regions, key=lambda detect: scaled(detect.learn, zone.criticality))
    learn = scaled(first.learn, zone.criticality) * MICROS
    found = []
    for question, known in state.agreement.items():
        name, _, qtype = question.rpartition("/")
        expectation = zone.expectation(name, qtype)
        differs = qtype in first.ignore or (expectation is not None and expectation.split)
        if (
            known.share is not None
            and steady(known, state.sealed) >= learn
            and question in state.latest
            and not differs
        ):
            found.append(known.share)
    return found


def _dnssec(statuses: set[str]) -> str | None:
    """The worst that is said: one bogus server is enough to hurt."""
    return next((s for s in ("bogus", "indeterminate", "insecure", "secure") if s in statuses), None)

"""Rules that page well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_events import durations
from msgspec import structs

from dns_rules.ruletest import load_suite

from .registry import rule_check

if TYPE_CHECKING:
    from dns_rules.rules import Rule, Rules

    from .registry import Reasons

#: Seconds between two questions, as the receiver asks unless it is told otherwise.
INTERVAL = 30


@rule_check(f"one lost answer is no outage; the receiver asks every {INTERVAL} s")
def window_short(rule: Rule, _rules: Rules) -> Reasons:
    """A window is three intervals long at least."""
    window = structs.asdict(rule.detect).get("window")
    texts = [window] if isinstance(window, str) else list((window or {}).values())
    if any(durations.seconds(text) < 3 * INTERVAL for text in texts):
        yield (
            ".detect.window",
            f"shorter than three intervals; write {3 * INTERVAL}s or more, or ignore it where you ask more often",
        )


@rule_check("a rule that was never seen to fire may not")
def test_missing(rule: Rule, rules: Rules) -> Reasons:
    """A rule has tests beside it."""
    if load_suite(rules, rule) is None:
        yield ".id", f"no tests; write {rule.id}.test.yaml beside it, with a case that fires and one that does not"


@rule_check("who is paged needs to know what to do")
def runbook_missing(rule: Rule, rules: Rules) -> Reasons:
    """A rule's runbook is beside the rules, in `runbooks` or `../runbooks`."""
    name = f"{rule.runbook}.md"
    if not any((folder / place / name).exists() for folder in rules.folders for place in ("runbooks", "../runbooks")):
        yield ".runbook", f"no {name} in `runbooks` or `../runbooks`; write it"


@rule_check("of two that explain each other none is the cause")
def explains_circle(rule: Rule, rules: Rules) -> Reasons:
    """No rule explains itself, also not by way of others."""
    seen: set[str] = set()
    ahead = list(rule.explains)
    while ahead:
        name = ahead.pop()
        other = rules.rule(name)
        if name == rule.id:
            yield ".explains", f"{rule.id} explains itself by way of others; take one out"
            return
        if name not in seen and other is not None:
            ahead += other.explains
        seen.add(name)


@rule_check("a page says what it is about")
def title_without_name(rule: Rule, _rules: Rules) -> Reasons:
    """A title names the zone, or the names, or for the monitoring's own team the probe."""
    if not any(f"{{{word}}}" in rule.title for word in ("zone", "names", "zones", "probe", "servers")):
        yield ".title", "names no zone; write {zone} or {names} into it"


@rule_check("not every zone is worth a night")
def severity_unsplit(rule: Rule, _rules: Rules) -> Reasons:
    """A rule for the owners of zones has a severity for each criticality."""
    if isinstance(rule.severity, str) and rule.to == "owner":
        yield ".severity", f"{rule.severity} for all; write `{{critical: …, high: …, normal: …}}`"

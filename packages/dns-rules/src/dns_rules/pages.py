"""One Markdown page a rule, from the rule and its tests alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import checks, sentences, words
from .ruletest import load_suite

if TYPE_CHECKING:
    from pathlib import Path

    from .rules import Check, Rule, Rules


def page(rule: Rule, rules: Rules, runbooks: str) -> str:
    """A rule's page.

    Args:
        rule: of the pack.
        rules: the pack.
        runbooks: link to the folder of runbooks, as seen from the page.
    """
    parts = [
        f"# {rule.id}",
        f"> {rule.title}",
        rule.about.strip(),
        f"Class: {rule.class_}. Runbook: [{rule.runbook}]({runbooks}/{rule.runbook}.md).",
        "## When",
        sentences.when(rule),
        sentences.life(rule),
    ]
    causes = [f"[{other.id}]({other.id}.md)" for other in rules.rules if rule.id in other.explains]
    effects = [f"[{other}]({other}.md)" for other in rule.explains]
    if effects:
        parts.append(f"It explains, and takes into its incident: {', '.join(effects)}.")
    if causes:
        parts.append(f"Explained by, and then a part of: {', '.join(causes)}.")
    parts += [
        "## What to check first",
        "\n".join(f"{n}. {_check(check)}" for n, check in enumerate(rule.check_first, 1)),
    ]
    suite = load_suite(rules, rule)
    if suite is not None:
        cases = "\n".join(
            f"- {'fires' if case.fires is not None else 'is silent'}: {case.name}" for case in suite.cases
        )
        parts += ["## Tested", cases]
    return "\n\n".join(parts) + "\n"


def _check(check: str | Check) -> str:
    if isinstance(check, str):
        return check
    return f"{check.text} (First for {words.listing(map(words.cause, check.when), last='or')}.)"


def index(rules: Rules) -> str:
    """The list of all rules."""
    rows = "\n".join(
        f"| [{rule.id}]({rule.id}.md) | {rule.class_} | {rule.severity_for('critical')} | {rule.title} |"
        for rule in sorted(rules.rules, key=lambda rule: (rule.class_, rule.id))
    )
    also = "What `dns-rules check` checks beside: [checks](checks.md).\n\n"
    return f"# The rules\n\n{also}| rule | class | severity, critical zones | says |\n|---|---|---|---|\n{rows}\n"


def of_checks() -> str:
    """All checks of `dns-rules check`."""
    parts = [
        "# The checks",
        "`dns-rules check --set all --inventory FILE` makes them all; `--ignore ID` leaves one out.",
    ]
    for kind, title in (
        ("rfc", "Wrong by an RFC (`--set rfc`, the default; exit code 1)"),
        ("best-practice", "Advice (`--set best-practice`; exit code 3)"),
    ):
        listed = [check for _, check in sorted(checks.CHECKS.items()) if check.set == kind]
        rows = "\n".join(f"| `{each.id}` | {each.of} | {each.sentence} | {each.source} |" for each in listed)
        parts.append(f"## {title}\n\n| id | of a | so is it | source |\n|---|---|---|---|\n{rows}")
    return "\n\n".join(parts) + "\n"


def write(rules: Rules, folder: Path, runbooks: str) -> list[Path]:
    """Write a page for each rule, their index and the checks; pages of rules that are no more are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"{rule.id}.md": page(rule, rules, runbooks) for rule in rules.rules} | {
        "README.md": index(rules),
        "checks.md": of_checks(),
    }
    for stale in {path.name for path in folder.glob("*.md")} - set(texts):
        (folder / stale).unlink()
    for name, text in sorted(texts.items()):
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in sorted(texts)]

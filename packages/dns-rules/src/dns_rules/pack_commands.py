"""``dns-rules coverage|diff|museum|new|vendor``: what a team does with its own rules."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from . import comparing, guide, starting, vendoring
from . import museum as halls
from .inventory import load_inventory
from .packs import load_rules
from .replay import replay, shown
from .ruletest import run_tests

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
RulesDir = Annotated[Path | None, Parameter(name="--rules", help="A folder of rules; the packaged pack without.")]


def coverage(*, rules: RulesDir = None, as_json: Json = False) -> int:
    """Run all tests and say which rules no test fires, or keeps silent.

    Args:
        rules: a folder of rules.
        as_json: print JSON.
    """
    results = [result for result in run_tests(rules) if result.case]
    rows = []
    for rule in load_rules(rules).rules:
        own = [result for result in results if result.rule == rule.id]
        fires = sum(rule.id in result.fired for result in own)
        others = sum(rule.id in result.fired for result in results) - fires
        rows.append({"rule": rule.id, "fires": fires, "silent": len(own) - fires, "elsewhere": others})
    bare = [row for row in rows if not row["fires"] or not row["silent"]]
    if as_json:
        print(json.dumps(rows))
    else:
        print(f"{'rule':32} {'fires':>5} {'silent':>6} {'elsewhere':>9}")
        for row in rows:
            print(f"{row['rule']:32} {row['fires']:>5} {row['silent']:>6} {row['elsewhere']:>9}")
        for row in bare:
            lacking = "fires" if not row["fires"] else "keeps silent"
            print(f"no test {lacking} {row['rule']}", file=sys.stderr)
    return 3 if bare else 0


def diff(
    events: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    inventory: Path,
    rules: Path,
    than: Path | None = None,
    as_json: Json = False,
) -> int:
    """What a change in rules would have paged, from a recording: incidents that come, go, or read differently.

    Args:
        events: the recording, NDJSON of events.
        inventory: the inventory file.
        rules: the folder with the changed rules.
        than: the folder to compare with; the packaged pack without.
        as_json: one JSON object a difference.
    """
    loaded = load_inventory(inventory)
    before, after = (replay(events, loaded, load_rules(pack), progress=shown(events)) for pack in (than, rules))
    differences = comparing.compare(before, after)
    for difference in differences:
        print(msgspec.json.encode(difference).decode() if as_json else difference)
    print(f"{len(before)} incidents before, {len(after)} after, {len(differences)} differences", file=sys.stderr)
    return 3 if differences else 0


def museum(
    *recording: str,
    rules: RulesDir = None,
    folder: Path | None = None,
    page: Path | None = None,
    as_json: Json = False,
) -> int:
    """Judge recordings of real incidents and of quiet days, and say who is told what, and how soon.

    Args:
        recording: only these; all without.
        rules: a folder of rules.
        folder: of other recordings; the packaged ones without.
        page: write the guide to this file of Markdown too.
        as_json: one JSON object a recording.
    """
    pack = load_rules(rules)
    verdicts = [halls.judge(document, found, pack) for document, found in halls.recordings(folder, recording)]
    if as_json:
        for verdict in verdicts:
            sums = {"delay": verdict.delay, "false_pages": verdict.false_pages}
            print(json.dumps(msgspec.to_builtins(verdict) | sums, ensure_ascii=False))
    else:
        print(guide.table(verdicts))
    if page is not None:
        page.write_text(guide.page(verdicts), encoding="utf-8")
    return 1 if any(verdict.failures for verdict in verdicts) else 0


def new(rule_id: str, /, *, like: str, folder: Path, rules: RulesDir = None, as_json: Json = False) -> int:
    """Begin a rule as a copy of another one, with its tests and its runbook.

    Args:
        rule_id: of the new rule.
        like: the rule that it begins as.
        folder: where its files go, for instance a pack of your own.
        rules: the folder of rules with that one.
        as_json: print JSON.
    """
    written = starting.begin(rule_id, like, load_rules(rules), folder)
    if as_json:
        print(json.dumps([str(path) for path in written]))
    else:
        for path in written:
            print(path)
    return 0


def vendor(folder: Path, /, *, as_json: Json = False) -> int:
    """Copy the packaged rules and runbooks into a folder, or bring such a copy up to date.

    What you changed stays and is told (exit code 3); what you did not is replaced.

    Args:
        folder: of the copy, for instance in your own repository.
        as_json: print JSON.
    """
    copied = vendoring.vendor(folder)
    if as_json:
        print(msgspec.json.encode(copied).decode())
    else:
        for each in copied:
            print(f"{each.what:8} {each.path}")
    kept = sum(each.what == "kept" for each in copied)
    print(f"{folder}: {len(copied) - kept} files brought up to date, {kept} kept as you changed them", file=sys.stderr)
    return 3 if kept else 0

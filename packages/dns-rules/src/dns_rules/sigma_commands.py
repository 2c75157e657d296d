"""``dns-rules sigma import|export``: rules from and for others' detection stacks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from cyclopts import App, Parameter

from .errors import RulesError
from .packs import load_rules
from .sigma_writing import exported

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
RulesDir = Annotated[Path | None, Parameter(name="--rules", help="A folder of rules; the packaged pack without.")]

sigma = App(
    name="sigma",
    help="Make rules of Sigma rules on DNS query logs, and Sigma rules of rules.",
    result_action="return_value",
)


@sigma.command(name="import")
def import_(first: Path, /, *more: Path, into: Path | None = None, as_json: Json = False) -> int:
    """Make `match` rules of Sigma rules. What cannot be expressed is told with file and line (exit code 1).

    Args:
        first: a file with a Sigma rule on DNS query logs.
        more: others.
        into: write a file a rule into this folder, instead of printing them.
        as_json: print JSON.
    """
    try:
        from .sigma_reading import read  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = f"Sigma rules are read by pySigma: pip install 'dns-rules[sigma]' ({error})"
        raise RulesError(msg) from error
    found: dict[str, list[dict[str, Any]]] = {}
    failed = 0
    for path in (first, *more):
        try:
            rule = read(path)
            if f"{rule['id']}.yaml" in found:
                msg = f"{path}: another file gave {rule['id']}; rename one of them"
                raise RulesError(msg)  # noqa: TRY301 - told like the others
        except RulesError as error:
            failed += 1
            print(f"dns-rules: {error}", file=sys.stderr)
            continue
        found[f"{rule['id']}.yaml"] = [rule]
    _put(found, into, as_json=as_json)
    return 1 if failed else 0


@sigma.command
def export(*rule_id: str, into: Path | None = None, rules: RulesDir = None, as_json: Json = False) -> int:
    """Write rules as Sigma rules over the events; why others cannot be is told on stderr.

    Args:
        rule_id: these rules (exit code 1 where one cannot be expressed); without, all of class security.
        into: write a file a rule into this folder, instead of printing them.
        rules: a folder of rules.
        as_json: print JSON.
    """
    pack = load_rules(rules)
    named = [pack.named(id_) for id_ in rule_id] or [rule for rule in pack.rules if rule.class_ == "security"]
    found, reasons = exported(named)
    for id_, reason in reasons.items():
        print(f"{id_} cannot be a Sigma rule: {reason}", file=sys.stderr)
    _put({f"{id_}.yml": documents for id_, documents in found.items()}, into, as_json=as_json)
    return 1 if rule_id and reasons else 0


def _put(files: Mapping[str, list[dict[str, Any]]], into: Path | None, *, as_json: bool) -> None:
    """Print the documents of files, or write them and print where they are."""
    if into is None:
        documents = [document for each in files.values() for document in each]
        print(json.dumps(documents) if as_json else _text(documents), end="\n" if as_json else "")
        return
    into.mkdir(parents=True, exist_ok=True)
    if taken := next((into / name for name in files if (into / name).exists()), None):
        msg = f"{taken} is there already; remove it, or write into another folder"
        raise RulesError(msg)
    for name, documents in files.items():
        (into / name).write_text(_text(documents), encoding="utf-8")
    paths = [str(into / name) for name in files]
    print(json.dumps(paths) if as_json else "\n".join(paths))


def _text(documents: list[dict[str, Any]]) -> str:
    return "---\n".join(yaml.safe_dump(each, sort_keys=False, allow_unicode=True, width=118) for each in documents)

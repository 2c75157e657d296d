"""``dns-rules check``: what cannot be loaded, what is wrong by an RFC, and advice."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from dns_events.yamlfile import Document

from . import checks
from .checks.registry import Sets  # noqa: TC001 - cyclopts reads annotations at run time
from .errors import RulesError
from .inventory import Inventory, checked
from .packs import load_rules

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
RulesDir = Annotated[Path | None, Parameter(name="--rules", help="A folder of rules; the packaged pack without.")]


def check(
    *,
    inventory: Path | None = None,
    rules: RulesDir = None,
    sets: Annotated[Sets, Parameter(name="--set")] = "rfc",
    ignore: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    listed: Annotated[bool, Parameter(name="--list", negative="")] = False,
    as_json: Json = False,
) -> int:
    """Check an inventory and a rule pack; errors and findings name file:line:column.

    Exit code 1: it cannot be loaded, or is wrong by an RFC; 3: there is advice.

    Args:
        inventory: the inventory file.
        rules: a folder of rules.
        sets: what is wrong by an RFC, advice, both, or only whether it can be loaded.
        ignore: the id of a check that is not made; as often as needed. For one zone, write `ignore: [ID]` into it.
        listed: print the checks and their sources, and check nothing.
        as_json: print JSON.
    """
    wanted = checks.wanted("all" if listed else sets, ignore)
    if listed:
        rows = [{"id": c.id, "set": c.set, "of": c.of, "source": c.source, "sentence": c.sentence} for c in wanted]
        for row in [] if as_json else rows:
            print(f"{row['id']:26} {row['set']:13} {row['sentence']} ({row['source']})")
        if as_json:
            print(json.dumps(rows))
        return 0
    pack = load_rules(rules)
    loaded = None
    # Of the packaged rules nobody who uses them has to be told.
    found = of_rules = checks.of_rules(pack, wanted) if rules is not None else []
    if inventory is not None:
        document = Document(inventory, RulesError)
        loaded = checked(document, document.convert(Inventory))
        found = of_rules + checks.of_inventory(document, loaded, dt.datetime.now(dt.UTC), wanted)
    summary = {
        "rules": len(pack.rules),
        "zones": len(loaded.zones) if loaded is not None else None,
        "teams": len(loaded.teams) if loaded is not None else None,
        "findings": msgspec.to_builtins(found),
    }
    if as_json:
        print(json.dumps(summary))
    else:
        for finding in found:
            print(finding)
        print(f"{len(pack.rules)} rules {_verdict(len(of_rules))}")
        if loaded is not None:
            of_zones = _verdict(len(found) - len(of_rules))
            print(f"{inventory}: {len(loaded.zones)} zones of {len(loaded.teams)} teams {of_zones}")
    if any(finding.set == "rfc" for finding in found):
        return 1
    return 3 if found else 0


def _verdict(findings: int) -> str:
    if not findings:
        return "are fine"
    return "with 1 finding" if findings == 1 else f"with {findings} findings"

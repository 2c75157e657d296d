"""``dns-rules``: check, list, explain, test, replay and the rest. stdout is data, stderr is for people."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter
from dns_events import DnsEventsError, ndjson, normalize

from . import (
    alertmanager,
    check_command,
    grafana_commands,
    inventory_commands,
    pack_commands,
    pages,
    sentences,
    sigma_commands,
)
from .account import account
from .errors import RulesError
from .flink.commands import flink
from .inventory import load_inventory
from .owners import owners
from .packs import load_rules
from .programs import collect_seldom
from .replay import replay as replay_file
from .replay import shown
from .ruletest import run_tests
from .schema import Kind, schema
from .version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns_events import Event

    from .model import Criticality

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
RulesDir = Annotated[Path | None, Parameter(name="--rules", help="A folder of rules; the packaged pack without.")]

app = App(
    name="dns-rules",
    help="The judgement of DNS events: findings and incidents from rules and an inventory.\n\n"
    "Exit codes: 0 fine, 1 failed, 2 usage, 3 found something.",
    version=__version__,
    result_action="return_value",
)

render_app = App(name="render", help="An inventory as another program's configuration.")
app.command(render_app)


@app.command(name="owners")
def show_owners(inventory: Path, /, *, as_json: Json = False) -> int:
    """Who owns which zones, whom a page reaches, and where it would reach nobody (exit code 3).

    Args:
        inventory: the inventory file.
        as_json: print JSON.
    """
    found = owners(load_inventory(inventory))
    if as_json:
        print(msgspec.json.encode(found).decode())
        return 3 if found.gaps else 0
    for holding in found.holdings:
        print(f"{holding.team}: {holding.name}{', and the monitoring itself' if holding.observes else ''}")
        told, then = ", ".join(holding.notify), ", ".join(holding.escalate)
        print(f"    told by {told or 'nothing of its own'}; {then or 'then nobody'}")
        if holding.hours:
            print(f"    within {holding.hours}; at other times {holding.after_hours}")
        for held in holding.zones:
            part = "" if held.name == held.zone else f", in {held.zone}"
            approvers = f"; approved by {', '.join(held.approvers)}" if held.approvers else ""
            print(f"    {held.name} ({held.criticality}{part}){approvers}")
    for gap in found.gaps:
        print(gap, file=sys.stderr)
    return 3 if found.gaps else 0


@render_app.command(name="alertmanager")
def render_alertmanager(inventory: Path, /) -> int:
    """Print routes, inhibitions and receivers to be merged into alertmanager.yml, by owner, team and severity.

    Args:
        inventory: the inventory file.
    """
    print(alertmanager.render(load_inventory(inventory)), end="")
    return 0


@app.command(name="list")
def list_rules(*, rules: RulesDir = None, as_json: Json = False) -> int:
    """List the rules.

    Args:
        rules: a folder of rules.
        as_json: print JSON.
    """
    pack = load_rules(rules)
    if as_json:
        print(msgspec.json.encode(pack.rules).decode())
        return 0
    for rule in pack.rules:
        severity = rule.severity if isinstance(rule.severity, str) else rule.severity["critical"]
        print(f"{rule.id:32} {rule.class_:13} {severity:9} {rule.title}")
    return 0


@app.command
def explain(
    rule_id: str,
    /,
    *,
    zone: str | None = None,
    inventory: Path | None = None,
    events: Path | None = None,
    rules: RulesDir = None,
    as_json: Json = False,
) -> int:
    """Say in sentences when a rule fires, and what it tells a responder; or, of a recording, why an incident was there.

    Args:
        rule_id: the rule's id, as `dns-rules list` prints it; with --events the incident's, or its beginning.
        zone: with the thresholds as they apply to this zone of the inventory.
        inventory: the inventory file, with --zone or --events.
        events: the recording that gave the incident, NDJSON of events.
        rules: a folder of rules.
        as_json: print JSON.
    """
    if events is not None:
        return _account(rule_id, events, inventory, rules, as_json=as_json)
    rule = load_rules(rules).named(rule_id)
    criticality = _criticality(zone, inventory)
    when, life = sentences.when(rule, criticality), sentences.life(rule, criticality)
    if as_json:
        print(json.dumps({**msgspec.to_builtins(rule), "when": when, "life": life}))
        return 0
    print(f"{rule.id} ({rule.class_})\n\n{rule.about.strip()}\n\n{when}\n{life}\n\nTitle: {rule.title}")
    if rule.explains:
        print(f"Explains (same incident): {', '.join(rule.explains)}")
    print("Check first:")
    for number, text in enumerate(rule.checks, 1):
        print(f"  {number}. {text}")
    print(f"Runbook: {rule.runbook}")
    return 0


@app.command(name="pages")
def write_pages(
    folder: Path, /, *, rules: RulesDir = None, runbooks: str = "../runbooks", as_json: Json = False
) -> int:
    """Write one Markdown page a rule, and their index.

    Args:
        folder: where; pages of rules that are no more are removed.
        rules: a folder of rules.
        runbooks: link to the folder of runbooks, as seen from the pages.
        as_json: print JSON.
    """
    written = pages.write(load_rules(rules), folder, runbooks)
    if as_json:
        print(json.dumps([str(path) for path in written]))
    else:
        print(f"{folder}: {len(written)} pages")
    return 0


@app.command(name="schema")
def print_schema(kind: Kind, /) -> int:
    """Print the JSON Schema of a rule, an inventory or a file of tests, for editors and CI.

    Args:
        kind: rule, inventory, test, pack or recording.
    """
    print(json.dumps(schema(kind), indent=2))
    return 0


for _command in (
    check_command.check,
    pack_commands.coverage,
    pack_commands.diff,
    pack_commands.museum,
    pack_commands.new,
    pack_commands.vendor,
):
    app.command(_command)
app.command(inventory_commands.inventory)
app.command(sigma_commands.sigma)
app.command(grafana_commands.grafana)
app.command(flink)


@app.command
def replay(
    events: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    inventory: Path,
    rules: RulesDir = None,
    all_states: bool = False,
    as_json: Json = False,
) -> int:
    """Judge a recording (NDJSON of events) and print its incidents, one JSON object a line with --json.

    Args:
        events: the recording; "-" for standard input.
        inventory: the inventory file.
        rules: a folder of rules.
        all_states: print every change of an incident instead of its last state.
        as_json: print JSON.
    """
    loaded, pack = load_inventory(inventory), load_rules(rules)
    incidents = replay_file(events, loaded, pack, all_states=all_states, progress=shown(events))
    for incident in incidents:
        if as_json:
            print(msgspec.json.encode(incident).decode())
            continue
        print(f"{incident.since:%Y-%m-%d %H:%M:%S}Z {incident.state:8} {incident.severity:8} {incident.title}")
        print(f"    owner {incident.owner}; runbook {incident.runbook}; {incident.what}")
        for text in incident.check_first:
            print(f"    check: {text}")
    return 3 if any(incident.state == "firing" for incident in incidents) else 0


@app.command(name="test")
def test_rules(*rule_id: str, rules: RulesDir = None, as_json: Json = False) -> int:
    """Run the tests that stand beside the rules (ID.test.yaml).

    Args:
        rule_id: only these rules' tests.
        rules: a folder of rules.
        as_json: print JSON.
    """
    results = run_tests(rules, rule_id)
    failed = [result for result in results if result.failures]
    if as_json:
        print(msgspec.json.encode(results).decode())
    else:
        for result in results:
            print(f"{'FAIL' if result.failures else 'ok  '} {result.rule}: {result.case}")
            for text in result.failures:
                print(f"     {result.file}:{result.line}:{result.column}: {text}")
        print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _account(id_: str, events: Path, inventory: Path | None, rules: Path | None, *, as_json: bool) -> int:
    if inventory is None:
        msg = "--events goes with --inventory"
        raise RulesError(msg)
    loaded, pack = load_inventory(inventory), load_rules(rules)
    # Read twice: first what happened, and then of all the events only those that show it.
    changes = replay_file(events, loaded, pack, all_states=True, progress=shown(events))
    zone = next((loaded.zone(i.zone) for i in changes if i.id.startswith(id_)), None)
    wanted = {one for i in changes if i.id.startswith(id_) for one in i.evidence}
    found: dict[str, Event] = {}
    with events.open("rb") as lines:
        for event in ndjson.decode_lines(lines, where=str(events)):
            if event.id in wanted:
                found[event.id] = event
    told = account(id_, changes, found, zone, pack)
    if as_json:
        print(msgspec.json.encode(told).decode())
        return 0
    print(f"{told.incident.title}\n")
    for turn in told.life:
        print(f"{turn.time:%Y-%m-%d %H:%M:%S}Z {turn.state:8} {turn.title}")
    for heading, listed in (("Thresholds", told.rules), ("Events", told.events), ("Prevented by", (told.prevented,))):
        print(f"\n{heading}:")
        for text in listed:
            print(f"  {text}")
    return 0


def _criticality(zone: str | None, inventory: Path | None) -> Criticality | None:
    if (zone is None) != (inventory is None):
        msg = "--zone and --inventory go together"
        raise RulesError(msg)
    if zone is None or inventory is None:
        return None
    entry = load_inventory(inventory).zone(normalize(zone))
    if entry is None:
        msg = f"{inventory}: no zone {zone}"
        raise RulesError(msg)
    return entry.criticality


def main() -> None:
    """Run the command line and exit."""
    run()


def run(arguments: Sequence[str] | None = None) -> None:
    """Run a command line, this process's own without one, and exit."""
    collect_seldom()
    try:
        code = app() if arguments is None else app(arguments)
    except (RulesError, DnsEventsError, OSError) as error:
        print(f"dns-rules: {error}", file=sys.stderr)
        code = 1
    except BrokenPipeError:
        code = 0
    sys.exit(code if isinstance(code, int) else 0)

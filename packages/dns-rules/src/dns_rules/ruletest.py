"""Tests that stand beside the rules: ``<id>.test.yaml``, each case a timeline that fires or does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from dns_events.yamlfile import Document
from msgspec import Struct

from .engine import Engine
from .errors import RulesError
from .generate import Span, events
from .inventory import Expectation, Inventory, Team, Zone
from .packs import load_rules
from .replay import tell_failures

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from .model import Incident
    from .rules import Rule, Rules


class Expected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The one incident that must fire. Without an `Expected` nothing may."""

    rule: str | None = None
    """Another rule than the tested one, which then must lead."""
    title: str | None = None
    """A part of the title."""
    what: str | None = None
    """A part of what is said to have happened."""
    regions: tuple[str, ...] | None = None
    servers: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    verdict: str | None = None
    findings: tuple[str, ...] | None = None
    owner: str | None = None
    zones: tuple[str, ...] | None = None
    absorbs: tuple[str, ...] = ()
    """Rules whose incidents fired before and became a part of it."""
    resolves: bool = False


class Case(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One case."""

    name: str
    zone: dict[str, Any] = {}
    """Fields of the inventory's zone, over ``example.com`` owned by ``web``, critical."""
    also: tuple[str, ...] = ()
    """Zones with the same fields, and the same timeline."""
    timeline: tuple[Span, ...]
    fires: Expected | None = None


class Suite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of cases."""

    rule: str
    cases: tuple[Case, ...]


class Result(Struct, frozen=True, kw_only=True):
    """What became of one case."""

    rule: str
    case: str
    file: str
    line: int
    column: int = 1
    failures: tuple[str, ...]
    fired: tuple[str, ...] = ()
    """Rules that led incidents, or belonged to them."""


def run_tests(directory: str | Path | None = None, only: Collection[str] = ()) -> list[Result]:
    """Run the tests beside the rules of a folder; ``None`` is the packaged pack.

    A rule without a case that fires and one that does not fails by itself.

    Args:
        directory: of the rules.
        only: ids of the rules whose tests are run; none: all.

    Raises:
        RulesError: a rule or a test file that cannot be read, or a rule that is not there.
    """
    rules = load_rules(directory)
    for id_ in only:
        rules.named(id_)
    results = []
    for rule in rules.rules:
        if only and rule.id not in only:
            continue
        path = _beside(rules, rule)
        if not path.exists():
            results.append(
                Result(rule=rule.id, case="", file=str(path), line=1, failures=("no tests beside the rule",))
            )
            continue
        document = Document(path, RulesError)
        suite = document.convert(Suite)
        for index, case in enumerate(suite.cases):
            line, column = document.place(f"$.cases[{index}]")
            incidents = _judged(case, rules)
            failures = tuple(_failures(suite.rule, case, incidents))
            fired = tuple(sorted({name for i in incidents if i.state == "firing" for name in i.findings}))
            results.append(
                Result(
                    rule=rule.id,
                    case=case.name,
                    file=str(path),
                    line=line,
                    column=column,
                    failures=failures,
                    fired=fired,
                )
            )
        results += _both_ways(rule.id, suite, path)
    return results


def load_suite(rules: Rules, rule: Rule) -> Suite | None:
    """The tests beside a rule.

    Raises:
        RulesError: names file and line.
    """
    path = _beside(rules, rule)
    return Document(path, RulesError).convert(Suite) if path.exists() else None


def _beside(rules: Rules, rule: Rule) -> Path:
    name = f"{rule.id}.test.yaml"
    found = (folder / name for folder in rules.folders)
    return next((path for path in found if path.exists()), rules.folders[0] / name)


def judge_timeline(zone: Zone, timeline: tuple[Span, ...], rules: Rules, also: tuple[str, ...] = ()) -> list[Incident]:
    """The incidents of a timeline: for each, its last state that was firing or resolved, and its pages.

    The team ``web`` owns the zones, ``tower`` watches them.

    Args:
        zone: whose timeline it is.
        timeline: of the zone.
        rules: to judge by.
        also: zones that have the same timeline.
    """
    zones = (zone, *(msgspec.structs.replace(zone, zone=name) for name in also))
    teams = {"web": Team(name="Web"), "tower": Team(name="Tower")}
    happened = [event for each in zones for event in events(each.zone, timeline)]
    happened.sort(key=lambda event: (event.time, event.id))
    engine = Engine(Inventory(version=1, teams=teams, observers="tower", zones=zones), rules)
    incidents = engine.run(happened)
    tell_failures(engine)
    return incidents


def _both_ways(rule: str, suite: Suite, path: Path) -> list[Result]:
    missing = []
    if not any(case.fires is not None and case.fires.rule in (None, rule) for case in suite.cases):
        missing.append("no case in which it fires")
    if not any(case.fires is None for case in suite.cases):
        missing.append("no case in which nothing fires")
    return [Result(rule=rule, case="", file=str(path), line=1, failures=(text,)) for text in missing]


def _judged(case: Case, rules: Rules) -> list[Incident]:
    fields = {"zone": "example.com", "owner": "web", "criticality": "critical", **case.zone}
    zone = msgspec.convert(fields, Zone)
    zone = msgspec.structs.replace(
        zone,
        records=tuple(msgspec.convert(msgspec.to_builtins(r), Expectation) for r in zone.records),
        nameservers=tuple(sorted(zone.nameservers)),
    )
    return judge_timeline(zone, case.timeline, rules, case.also)


def _failures(rule: str, case: Case, incidents: list[Incident]) -> list[str]:
    fired = {i.id: i for i in incidents if i.state == "firing"}
    resolved = {i.id for i in incidents if i.state == "resolved"}
    parts = {i.id for i in incidents if i.part_of is not None}
    absorbed = tuple(sorted(incident.rule for id_, incident in fired.items() if id_ in parts))
    fired = {id_: incident for id_, incident in fired.items() if id_ not in parts}
    if case.fires is None:
        return [f"fired: {incident.title}" for incident in fired.values()]
    if len(fired) != 1:
        titles = "; ".join(f"{i.rule}: {i.title}" for i in fired.values())
        return [f"{len(fired)} incidents fired instead of one{': ' if titles else ''}{titles}"]
    (incident,) = fired.values()
    if absorbed != tuple(sorted(case.fires.absorbs)):
        return [f"absorbs: expected {case.fires.absorbs}, got {absorbed}"]
    return _differences(case.fires, incident, rule, resolved=incident.id in resolved)


def _differences(expected: Expected, incident: Incident, rule: str, *, resolved: bool) -> list[str]:
    failures = []
    if expected.title is not None and expected.title not in incident.title:
        failures.append(f"title {incident.title!r} is without {expected.title!r}")
    if expected.what is not None and expected.what not in incident.what:
        failures.append(f"what {incident.what!r} is without {expected.what!r}")
    found = {
        "rule": (expected.rule or rule, incident.rule),
        "regions": (expected.regions, incident.where.regions),
        "servers": (expected.servers, incident.where.servers),
        "names": (expected.names, incident.where.names),
        "verdict": (expected.verdict, incident.verdict),
        "findings": (expected.findings, incident.findings),
        "owner": (expected.owner, incident.owner),
        "zones": (expected.zones, incident.zones),
        "resolves": (expected.resolves, resolved),
    }
    for field, (wanted, got) in found.items():
        if wanted is not None and wanted != got:
            failures.append(f"{field}: expected {wanted}, got {got}")
    return failures

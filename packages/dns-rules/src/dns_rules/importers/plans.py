"""What octoDNS and DNSControl say that they will change: the record sets as they will be, without data where they go.

octoDNS's ``PlanJson`` has the whole sets. DNSControl's ``preview --report`` has only the records that come and go; the
others of a set are those that the inventory expects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from dns_events import InvalidNameError, normalize
from msgspec import Struct, structs

from dns_rules.errors import RulesError

from . import octodns, rdata
from .source import Collector, RecordSet, SourceZone, read
from .yamlnodes import Nodes

if TYPE_CHECKING:
    from pathlib import Path

    import yaml

    from dns_rules.inventory import Inventory

_CHANGE = re.compile(r"[+±-] (CREATE|DELETE|MODIFY) (\S+) ([A-Z0-9]+) (.+)").fullmatch
_BOTH = re.compile(r"\((.+)\) -> \((.+)\)").fullmatch
_TTL = re.compile(r" ttl=\d+$")
Question = tuple[str, str]


class _Item(Struct):
    domain: str
    corrections: int = 0
    correction_details: list[str] = []


def of_octodns(path: Path) -> tuple[SourceZone, ...]:
    """The JSON of octoDNS's ``PlanJson``, of version 1.9.1 and newer.

    Raises:
        RulesError: names file and line.
    """
    nodes = Nodes(path)
    if nodes.root is None:
        msg = f"{path}: empty; let octoDNS write it by a plan output of the class octodns.provider.plan.PlanJson"
        raise RulesError(msg)
    found: dict[str, tuple[Collector, set[Question]]] = {}
    for target in nodes.mapping(nodes.root, "a plan of octoDNS").values():
        for zone, plan in nodes.mapping(target, "a target").items():
            listed = nodes.mapping(plan, "a zone's plan")
            if "changes" not in listed:
                raise nodes.error(plan, "a zone without changes; write what PlanJson has written")
            try:
                collector, gone = found.setdefault(normalize(zone), (Collector(zone), set()))
                for change in nodes.items(listed["changes"]):
                    _octodns_change(nodes, collector, gone, change)
            except InvalidNameError as error:
                raise nodes.error(plan, str(error)) from error
    return tuple(_finished(*each) for each in found.values())


def of_dnscontrol(path: Path, inventory: Inventory) -> tuple[SourceZone, ...]:
    """The JSON of ``dnscontrol preview --report``.

    A set is left out where the inventory does not say what of it stays.

    Raises:
        RulesError: names the file: no such report, or one that has only the number of changes.
    """
    try:
        items = msgspec.json.decode(read(path), type=list[_Item])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        msg = f"{path}: no report of `dnscontrol preview --report`: {error}"
        raise RulesError(msg) from error
    found: dict[str, tuple[Collector, set[Question]]] = {}
    for item in items:
        if item.corrections and not item.correction_details:
            msg = f"{path}: {item.domain} has only the number of its changes; use a newer DNSControl, or its print-ir"
            raise RulesError(msg)
        try:
            collector, gone = found.setdefault(normalize(item.domain), (Collector(item.domain), set()))
            for question, (come, go) in _sides(item, collector).items():
                # A name has one CNAME (RFC 2181 §10.1).
                stay = go if question[1] == "CNAME" else _expected(inventory, collector.zone, question)
                if stay is None or not go <= stay:
                    why = f"neither report nor inventory has the whole {question[1]} set; use print-ir"
                    collector.leave_out(question[0], why)
                    continue
                for data in (stay - go) | come:
                    collector.add(*question, data)
                if stay <= go and not come:
                    gone.add(question)
        except ValueError as error:
            msg = f"{path}: {item.domain}: {error}"
            raise RulesError(msg) from error
    return tuple(_finished(*each) for each in found.values())


def _octodns_change(nodes: Nodes, collector: Collector, gone: set[Question], node: yaml.Node) -> None:
    change = nodes.mapping(node, "a change")
    if not {"name", "record_type"} <= change.keys():
        raise nodes.error(node, "a change without name and record_type; octoDNS writes them since 1.9.1")
    label, rdtype = (nodes.text(change[key], key) for key in ("name", "record_type"))
    if "new" in change:
        octodns.take(nodes, collector, label, change["new"], rdtype)
    elif "existing" in change:
        gone.add((normalize(f"{label}.{collector.zone}" if label else collector.zone), rdtype))
    else:
        raise nodes.error(node, "a change without new and existing; write what PlanJson has written")


def _sides(item: _Item, collector: Collector) -> dict[Question, tuple[set[str], set[str]]]:
    """By name and type, what comes and what goes."""
    found: dict[Question, tuple[set[str], set[str]]] = {}
    for line in item.correction_details:
        change = _CHANGE(line)
        if change is None or not rdata.is_standard(change[3]):
            if "MODIFY-TTL" not in line:
                collector.leave_out(collector.zone, f"{line[:80]!r} is no change of records that servers answer with")
            continue
        how, name, rdtype, text = change.groups()
        both = _BOTH(text)
        before, after = (
            rdata.canonical(rdtype, _TTL.sub("", each)) for each in (both.groups() if both else (text, text))
        )
        come, go = found.setdefault((normalize(name), rdtype), (set(), set()))
        if how != "DELETE":
            come.add(after)
        if how != "CREATE":
            go.add(before)
    return found


def _expected(inventory: Inventory, apex: str, question: Question) -> set[str] | None:
    """The whole set, where the inventory says it."""
    zone = inventory.zone(apex)
    if zone is None:
        return None
    expectation = zone.expectation(*question)
    expect = zone.nameservers if question == (apex, "NS") else expectation.expect if expectation is not None else None
    return {rdata.canonical(question[1], each) for each in expect} if isinstance(expect, tuple) else None


def _finished(collector: Collector, gone: set[Question]) -> SourceZone:
    zone = collector.finish()
    # A set may go at one provider and come at another; those of a delegation are none of the zone's own.
    gone = {each for each in gone if each[1] != "NS"} - {(record.name, record.type) for record in zone.records}
    removed = tuple(RecordSet(name=name, type=rdtype, data=()) for name, rdtype in sorted(gone))
    return structs.replace(zone, records=(*zone.records, *removed))

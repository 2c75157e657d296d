"""An inventory filled from sources: a new one, or one that is there, with all that people wrote in it kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import yaml
from msgspec import structs

from dns_rules.errors import RulesError
from dns_rules.inventory import load_inventory
from dns_rules.replacing import replacing

from .differences import answers, owned

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from dns_rules.inventory import Change, Inventory, Zone
    from dns_rules.model import Criticality

    from .source import RecordSet, SourceZone


class _Line(dict[str, Any]):
    """A mapping that stands on one line."""


class _Dumper(yaml.SafeDumper):
    """Lists within their keys, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, indentless=False)


_Dumper.add_representer(
    _Line, lambda dumper, line: dumper.represent_mapping("tag:yaml.org,2002:map", line, flow_style=True)
)


def fresh(sources: Sequence[SourceZone], owner: str, criticality: Criticality) -> str:
    """A whole inventory of these zones, all of one team."""
    document = {
        "version": 1,
        "teams": {owner: {"name": owner}},
        "zones": [_zone(source, owner, criticality) for source in sources],
    }
    text = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=float("inf"), allow_unicode=True
    )  # fmt: skip
    return f"# Say whom a page reaches: `notify` of team {owner}, and `observers`.\n{text}"


def merged(path: Path, sources: Sequence[SourceZone], types: set[str], owner: str, criticality: Criticality) -> str:
    """The text of an inventory with these zones in it: new ones added, of others name servers and records replaced.

    What is expected as ``any`` or without data, and what is split, stays, and so does all else that people wrote.

    Args:
        path: the inventory.
        sources: zones with records of these types.
        types: entries of other types stay.
        owner: of new zones; a team of the inventory.
        criticality: of new zones.

    Raises:
        RulesError: the inventory is not fine, the team is not in it, or the extra ``import`` is not installed.
    """
    inventory, editor, document = _opened(path)
    new = [source for source in sources if inventory.zone(source.zone) is None]
    if new and owner not in inventory.teams:
        msg = f"{path}: team {owner!r} is not under `teams` ({', '.join(sorted(inventory.teams))}); add it there first"
        raise RulesError(msg)
    by_name = {source.zone: source for source in sources}
    for entry, zone in zip(document["zones"], inventory.zones, strict=True):
        if zone.zone in by_name:
            _replace(entry, zone, owned(inventory, by_name[zone.zone]), types)
    for source in new:
        document["zones"].append(_flowing(_zone(owned(inventory, source), owner, criticality)))
    return _text(editor, document)


def planned(changes: Mapping[str, Change]) -> str:
    """Changes by zone, as they stand in an inventory."""
    zones = [{"zone": zone, "changes": [_change(change)]} for zone, change in changes.items()]
    return yaml.dump(
        {"zones": zones}, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=float("inf"),
        allow_unicode=True,
    )  # fmt: skip


def with_changes(path: Path, changes: Mapping[str, Change]) -> str:
    """The text of an inventory with these changes in it, by zone, and all else as people wrote it.

    Raises:
        RulesError: the inventory is not fine, a zone has a change of that id, or the extra ``import`` is not installed.
    """
    inventory, editor, document = _opened(path)
    for entry, zone in zip(document["zones"], inventory.zones, strict=True):
        change = changes.get(zone.zone)
        if change is None:
            continue
        if change.id in {known.id for known in zone.changes}:
            msg = f"{path}: zone {zone.zone} has a change {change.id} already; choose another --id, or take it out"
            raise RulesError(msg)
        if not entry.get("changes"):
            entry.fa.set_block_style()
            entry["changes"] = _flowing([])
        entry["changes"].fa.set_block_style()
        entry["changes"].append(_flowing(_change(change)))
    return _text(editor, document)


def _opened(path: Path) -> tuple[Inventory, Any, Any]:
    """An inventory, an editor that writes its file as it is, and the file's content."""
    try:
        from ruamel.yaml import YAML  # noqa: PLC0415 - an extra
    except ImportError as error:
        msg = "to change an inventory needs ruamel.yaml: pip install 'dns-rules[import]'"
        raise RulesError(msg) from error
    inventory = load_inventory(path)
    editor = YAML()
    editor.preserve_quotes = True
    editor.width = 1 << 20
    document = editor.load(path.read_text(encoding="utf-8"))
    # As the file indents its lists, so that the other lines stay as they are.
    offset = 0 if document["zones"].fa.flow_style() else document["zones"].lc.col
    editor.indent(mapping=max(offset, 2), sequence=offset + 2, offset=offset)
    return inventory, editor, document


def _text(editor: Any, document: Any) -> str:
    written = io.StringIO()
    editor.dump(document, written)
    return written.getvalue()


def _change(change: Change) -> dict[str, Any]:
    records = [_Line(name=one.name, type=one.type, data=list(one.data)) for one in change.records]
    return {"id": change.id, "start": change.start, "end": change.end, "records": records}


def replace(path: Path, before: str, after: str, fields: Collection[str]) -> None:
    """Put a new text in the place of an inventory, once it is seen to be fine and to keep what it must.

    Args:
        path: the inventory.
        before: its text, as it was read.
        after: its text, as it is to be.
        fields: of zones that are there already, all that may become another.

    Raises:
        RulesError: the new text is not a fine inventory, or changes what a source has no say in, or the file was
            changed meanwhile; the file is as it was.
    """
    with replacing(path) as new:
        new.write_text(after, encoding="utf-8")
        _check(path, new, fields)
        if path.read_text(encoding="utf-8") != before:
            msg = f"{path}: changed meanwhile; import again"
            raise RulesError(msg)


def _check(place: Path, new: Path, fields: Collection[str]) -> None:
    try:
        old, now = load_inventory(place), load_inventory(new)
    except RulesError as error:
        msg = f"{place} is left as it was: {error}"
        raise RulesError(msg) from error
    if _without(now, now.zones[: len(old.zones)], fields) != _without(old, old.zones, fields):
        said = " and ".join(sorted(fields))
        msg = f"{place} is left as it was: it could not be written without changing more than {said}; write by hand"
        raise RulesError(msg)


def _without(inventory: Inventory, zones: tuple[Zone, ...], fields: Collection[str]) -> Inventory:
    """What has to stay."""
    empty = dict.fromkeys(fields, ())
    return structs.replace(inventory, zones=tuple(structs.replace(zone, **empty) for zone in zones))


def _zone(source: SourceZone, owner: str, criticality: Criticality) -> dict[str, Any]:
    entry: dict[str, Any] = {"zone": source.zone, "owner": owner, "criticality": criticality}
    if source.nameservers:
        entry["nameservers"] = list(source.nameservers)
    if source.records:
        entry["records"] = [_record(record) for record in source.records]
    return entry


def _record(record: RecordSet) -> _Line:
    what = {"expect": "any", "split": True} if record.split else {"expect": list(record.data)}
    return _Line(name=record.name, type=record.type, **what)


def _replace(entry: Any, zone: Zone, source: SourceZone, types: set[str]) -> None:
    """Bring one zone's entry, as ruamel has it, to what the source says."""
    if source.nameservers and source.nameservers != zone.nameservers:
        entry["nameservers"] = _flowing(list(source.nameservers))
    records = {(record.name, record.type): record for record in source.records}
    listed = entry.get("records")
    gone = []
    for index, expectation in enumerate(zone.records):
        if zone.expectation(expectation.name, expectation.type) is not expectation:
            continue  # of two entries the first counts
        record = records.pop((expectation.name, expectation.type), None)
        if answers(expectation, record):
            continue
        if record is None:
            if expectation.type in types and isinstance(expectation.expect, tuple):
                gone.append(index)
        elif record.split:
            listed[index]["expect"], listed[index]["split"] = "any", True
        else:
            listed[index]["expect"] = _flowing(list(record.data))
    for index in reversed(gone):
        del listed[index]
    if not records:
        return
    if not listed:
        entry.fa.set_block_style()
        listed = entry["records"] = _flowing([])
    listed.fa.set_block_style()
    listed.extend(_flowing(_record(record)) for record in records.values())


def _flowing(value: Any) -> Any:
    """Plain values as ruamel's, with records and lists of words on one line."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq  # noqa: PLC0415 - an extra

    if isinstance(value, dict):
        mapping = CommentedMap({key: _flowing(each) for key, each in value.items()})
        if isinstance(value, _Line):
            mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(map(_flowing, value))
        if value and not isinstance(value[0], dict):
            sequence.fa.set_flow_style()
        return sequence
    return value

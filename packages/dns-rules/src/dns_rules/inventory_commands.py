"""``dns-rules inventory import|diff|plan|export``: the inventory and what other tools have of the same zones."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import sys
from functools import partial
from pathlib import Path  # noqa: TC003 - cyclopts reads annotations at run time
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from cyclopts import App, Parameter
from dns_events import durations, normalize
from dns_events.yamlfile import MAX_BYTES

from .errors import RulesError
from .importers import dnscontrol, octodns, plans, zonefile
from .importers.differences import SPLIT, differences, expected, stated
from .importers.filling import fresh, merged, planned, replace, with_changes
from .importers.source import TYPES, chosen
from .inventory import Change, Planned, load_inventory
from .model import Criticality
from .replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Callable

    from .importers.differences import Difference
    from .importers.source import SourceZone
    from .inventory import Inventory

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON for programs.")]
Yes = Annotated[bool, Parameter(name="--yes", negative="", help="Write without asking.")]
Source = Literal["octodns", "dnscontrol", "zonefile"]
Planning = Literal["octodns", "dnscontrol", "zonefile", "octodns-plan", "dnscontrol-report"]
Form = Literal["octodns", "zonefile", "json"]
Level = Criticality

_READERS = {"octodns": octodns.zones, "dnscontrol": dnscontrol.zones, "zonefile": zonefile.zones}
_DEFAULT = ",".join(TYPES)

inventory = App(
    name="inventory",
    help="Fill the inventory from octoDNS, DNSControl or zone files, compare it with them, or write it in their form.",
    result_action="return_value",
)


@inventory.command(name="import")
def import_(
    source: Source,
    first: Path,
    /,
    *more: Path,
    owner: str,
    criticality: Level = "normal",
    types: str = _DEFAULT,
    into: Path | None = None,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Make an inventory of zones that are there already, or bring one up to date with them.

    Without --into, a whole inventory is printed. With it, new zones are added, and of the others `nameservers` and
    `records` are replaced; all else that you wrote stays. The difference is printed, and written with --yes or when
    you say so; what is not written is exit code 3.

    Args:
        source: what the files are: octodns, dnscontrol (print-ir), or zonefile (also AXFR dumps).
        first: a file; for octodns a folder too.
        more: more of them.
        owner: the team of new zones.
        criticality: of new zones: critical, high or normal.
        types: the record types that are imported, with commas between them; NS are the zone's own.
        into: the inventory to bring up to date.
        yes: write without asking.
        as_json: print JSON.
    """
    kinds = _kinds(types)
    sources = _read(_READERS[source], (first, *more), kinds)
    if into is None:
        text = fresh(sources, owner, criticality)
        if len(text.encode()) > MAX_BYTES:
            msg = f"an inventory of more than {MAX_BYTES} bytes; import fewer zones, or fewer --types"
            raise RulesError(msg)
        print(json.dumps({"inventory": text, "zones": [each.zone for each in sources]}) if as_json else text, end="")
        if as_json:
            print()
        return 0
    found = differences(load_inventory(into), sources, kinds)
    after = merged(into, sources, kinds, owner, criticality)
    return _put(into, after, ("nameservers", "records"), found, yes=yes, as_json=as_json)


def _put(
    into: Path, after: str, fields: tuple[str, ...], found: tuple[Difference, ...], *, yes: bool, as_json: bool
) -> int:
    """Show what becomes of an inventory, and write it where that is wanted."""
    before = into.read_text(encoding="utf-8")
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), str(into), f"{into} (new)", n=2
    )
    if not as_json:
        print("".join(lines), end="")
    written = before != after and (yes or (not as_json and _confirmed(into)))
    if written:
        replace(into, before, after, fields)
    if as_json:
        print(json.dumps({"file": str(into), "written": written, "differences": msgspec.to_builtins(found)}))
    told = "is up to date" if before == after else "is written" if written else "is not written; say --yes to write it"
    print(f"{into}: {told}", file=sys.stderr)
    return 0 if written or before == after else 3


@inventory.command
def diff(
    inventory: Path, source: Source, first: Path, /, *more: Path, types: str = _DEFAULT, as_json: Json = False
) -> int:
    """What the inventory expects otherwise than a source has it, a line each; exit code 3 where there is something.

    `+` only the source has it, `-` only the inventory, `~` both, and otherwise. Only zones of the source are compared.

    Args:
        inventory: the inventory file.
        source: what the files are: octodns, dnscontrol (print-ir), or zonefile (also AXFR dumps).
        first: a file; for octodns a folder too.
        more: more of them.
        types: the record types that are compared, with commas between them.
        as_json: one JSON object a difference.
    """
    loaded, kinds = load_inventory(inventory), _kinds(types)
    sources = _read(_READERS[source], (first, *more), kinds)
    found = differences(loaded, sources, kinds)
    for difference in found:
        print(msgspec.json.encode(difference).decode() if as_json else difference)
    others = {zone.zone for zone in loaded.zones} - {each.zone for each in sources}
    aside = f"; not in the source, so not compared: {', '.join(sorted(others))}" if others else ""
    print(f"{len(sources)} zones compared, {len(found)} differences{aside}", file=sys.stderr)
    return 3 if found else 0


@inventory.command
def plan(
    inventory: Path,
    source: Planning,
    first: Path,
    /,
    *more: Path,
    id_: Annotated[str, Parameter(name="--id")],
    start: dt.datetime,
    for_: Annotated[str, Parameter(name="--for")],
    types: str = _DEFAULT,
    into: Annotated[bool, Parameter(name="--into", negative="")] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """What a source is going to change, as a change window that allows exactly that.

    The source is what will be: octoDNS's zone files or DNSControl's print-ir of the branch to be merged, or the zone
    file to be loaded. What it has otherwise than the inventory is the plan. Or it is a plan of theirs.

    Args:
        inventory: the inventory file.
        source: what the files are: octodns, dnscontrol (print-ir), zonefile (also AXFR dumps), octodns-plan (PlanJson),
            or dnscontrol-report (preview --report), of which sets that the inventory does not have are left out.
        first: a file; for octodns a folder too.
        more: more of them.
        id_: of the change, for instance the ticket's.
        start: when it begins (UTC where it says no zone), for instance 2026-11-26T06:00:00.
        for_: how long it takes, for instance 2h.
        types: the record types that are compared, with commas between them.
        into: put it into the inventory, with all else left as it is, instead of printing it.
        yes: write without asking.
        as_json: print JSON.
    """
    loaded, kinds = load_inventory(inventory), _kinds(types)
    begin = start if start.tzinfo is not None else start.replace(tzinfo=dt.UTC)
    try:
        end = begin + dt.timedelta(seconds=durations.seconds(for_))
    except (ValueError, OverflowError) as error:
        msg = f"--for: {error}"
        raise RulesError(msg) from error
    found = _going_to_change(loaded, source, (first, *more), kinds)
    changes = _changes(found, id_, begin, end)
    if as_json and not into:
        print(msgspec.json.encode(changes).decode())
    elif not into:
        print(planned(changes), end="")
    if not into or not changes:
        print(f"{sum(len(each.records) for each in changes.values())} record sets are going to change", file=sys.stderr)
        return 0
    return _put(inventory, with_changes(inventory, changes), ("changes",), found, yes=yes, as_json=as_json)


def _going_to_change(
    loaded: Inventory, source: Planning, paths: tuple[Path, ...], kinds: set[str]
) -> tuple[Difference, ...]:
    if source == "octodns-plan":
        return stated(loaded, _read(plans.of_octodns, paths, kinds))
    if source == "dnscontrol-report":
        return stated(loaded, _read(partial(plans.of_dnscontrol, inventory=loaded), paths, kinds))
    return differences(loaded, _read(_READERS[source], paths, kinds), kinds)


def _changes(found: tuple[Difference, ...], id_: str, start: dt.datetime, end: dt.datetime) -> dict[str, Change]:
    """Differences as one change a zone."""
    sets: dict[str, list[Planned]] = {}
    for each in found:
        if each.type == "zone":
            print(f"{each.zone}: left out: the inventory does not have this zone", file=sys.stderr)
        elif each.source == SPLIT:
            print(f"{each.zone}: left out: {each.name} {each.type} differs by region", file=sys.stderr)
        else:
            sets.setdefault(each.zone, []).append(Planned(name=each.name, type=each.type, data=each.source))
    return {zone: Change(id=id_, start=start, end=end, records=tuple(records)) for zone, records in sets.items()}


@inventory.command
def export(
    inventory: Path,
    /,
    *,
    to: Form,
    zone: str | None = None,
    folder: Path | None = None,
    as_json: Json = False,
) -> int:
    """Write what the inventory expects as octoDNS's zone files, master files, or a JSON object a zone.

    Args:
        inventory: the inventory file.
        to: octodns, zonefile (without SOA) or json.
        zone: only this zone; the others have one file a zone, and need --folder.
        folder: write a file a zone here instead of printing: example.com.yaml, example.com.zone, example.com.json.
        as_json: as --to json, or with --folder the files that were written.
    """
    loaded = load_inventory(inventory)
    form: Form = "json" if as_json and folder is None else to
    wanted = loaded.zones
    if zone is not None:
        entry = loaded.zone(normalize(zone))
        if entry is None:
            msg = f"{inventory}: no zone {zone}"
            raise RulesError(msg)
        wanted = (entry,)
    if folder is None and form != "json" and len(wanted) > 1:
        msg = f"{inventory} has {len(wanted)} zones, and {form} has one a file; choose one with --zone, or use --folder"
        raise RulesError(msg)
    written = []
    for each in map(expected, wanted):
        _tell(each.left_out, each.zone)
        text, suffix = _text(each, form)
        if folder is None:
            print(text, end="")
            continue
        if "/" in each.zone:
            msg = f"zone {each.zone} has no name that a file can have; print it with --zone"
            raise RulesError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{each.zone}.{suffix}"
        with replacing(file) as new:
            new.write_text(text, encoding="utf-8")
        written.append(str(file))
    if folder is not None:
        print(json.dumps(written) if as_json else "\n".join(written))
    return 0


def _read(
    reader: Callable[[Path], tuple[SourceZone, ...]], paths: tuple[Path, ...], kinds: set[str]
) -> list[SourceZone]:
    found: dict[str, SourceZone] = {}
    for path in paths:
        for each in reader(path):
            if each.zone in found:
                msg = f"{path}: zone {each.zone} was in a file before; import one of them"
                raise RulesError(msg)
            taken = chosen(each, kinds)
            _tell(taken.left_out, taken.zone)
            found[each.zone] = taken
    if not found:
        msg = f"{', '.join(map(str, paths))}: no zones"
        raise RulesError(msg)
    return list(found.values())


def _kinds(types: str) -> set[str]:
    kinds = {each.strip().upper() for each in types.split(",")} - {"", "SOA"}
    if not kinds:
        msg = f"--types {types!r} names nothing to import; write for instance --types {_DEFAULT}"
        raise RulesError(msg)
    return kinds


def _tell(left_out: tuple[str, ...], zone: str) -> None:
    for text in left_out:
        print(f"{zone}: left out: {text}", file=sys.stderr)


def _text(each: SourceZone, form: Form) -> tuple[str, str]:
    if form == "octodns":
        return octodns.write(each), "yaml"
    if form == "zonefile":
        return zonefile.write(each), "zone"
    return msgspec.json.encode(each).decode() + "\n", "json"


def _confirmed(path: Path) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"write this to {path}? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}

"""What the inventory expects otherwise than a source says, question by question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dns_events import within
from msgspec import Struct, structs

from dns_rules.errors import RulesError
from dns_rules.facts import plain

from . import rdata
from .source import RecordSet, SourceZone

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dns_rules.inventory import Expectation, Inventory, Zone


#: In place of data.
SPLIT = ("data that differs by region",)


class Difference(Struct, frozen=True, kw_only=True):
    """One question of which inventory and source say different things."""

    what: Literal["+", "-", "~"]
    """``+`` only the source has it, ``-`` only the inventory, ``~`` both, and otherwise."""
    zone: str
    name: str
    type: str
    """A record type; ``zone`` for a whole zone."""
    inventory: tuple[str, ...] = ()
    source: tuple[str, ...] = ()

    def __str__(self) -> str:
        """A line for people."""
        said = {
            "+": f"the source has {_listed(self.source)}, the inventory expects nothing",
            "-": f"the inventory expects {_listed(self.inventory)}, the source has nothing",
            "~": f"the inventory expects {_listed(self.inventory)}, the source has {_listed(self.source)}",
        }
        if self.type == "zone":
            return f"{self.what} {self.name}: the source has this zone, the inventory does not"
        return f"{self.what} {self.name} {self.type}: {said[self.what]}"


def differences(inventory: Inventory, sources: Iterable[SourceZone], types: Iterable[str]) -> tuple[Difference, ...]:
    """Of the zones of a source, what the inventory says otherwise; other zones are not compared.

    Where the source leaves its name servers to a provider, they are not compared either.

    Args:
        inventory: what is expected.
        sources: zones with records of these types.
        types: the types that are compared.
    """
    found: list[Difference] = []
    kinds = set(types)
    for source in sources:
        zone = inventory.zone(source.zone)
        if zone is None:
            found.append(Difference(what="+", zone=source.zone, name=source.zone, type="zone"))
        else:
            found += _of_zone(zone, owned(inventory, source), kinds)
    return tuple(found)


def stated(inventory: Inventory, sources: Iterable[SourceZone]) -> tuple[Difference, ...]:
    """The record sets of plans, of the zones of the inventory."""
    found: list[Difference] = []
    for source in sources:
        if inventory.zone(source.zone) is None:
            found.append(Difference(what="+", zone=source.zone, name=source.zone, type="zone"))
            continue
        sets = [(record.name, record.type, _said(record)) for record in owned(inventory, source).records]
        sets += [(source.zone, "NS", source.nameservers)] if source.nameservers else []
        found += [
            Difference(what="~" if data else "-", zone=source.zone, name=name, type=rdtype, source=data)
            for name, rdtype, data in sets
        ]
    return tuple(found)


def answers(expectation: Expectation, record: RecordSet | None) -> bool:
    """Whether what the source has of a question is what the inventory expects."""
    if expectation.expect is None:
        return True  # watched without expectation
    if record is None:
        # Names that are split by design are often kept elsewhere, by who answers differently.
        return expectation.split
    if expectation.expect == "any":
        return True
    return not record.split and _compared(expectation.type, expectation.expect) == _compared(record.type, record.data)


def expected(zone: Zone) -> SourceZone:
    """What the inventory expects of a zone, as a source would have it; `left_out` says what has no data.

    Raises:
        RulesError: data that is none of its type.
    """
    records, left = [], []
    for record in zone.records:
        if zone.expectation(record.name, record.type) is not record:
            continue  # of two entries the first counts
        if not isinstance(record.expect, tuple) or not record.expect:
            left.append(f"{record.name} {record.type}: expected without data")
            continue
        try:
            data = tuple(sorted({rdata.canonical(record.type, item) for item in record.expect}))
        except ValueError as error:
            msg = f"zone {zone.zone}: {record.name}: {error}; correct `expect` in the inventory"
            raise RulesError(msg) from error
        records.append(RecordSet(name=record.name, type=record.type, data=data))
    records.sort(key=lambda record: (record.name != zone.zone, record.name, record.type))
    return SourceZone(zone=zone.zone, nameservers=zone.nameservers, records=tuple(records), left_out=tuple(left))


def owned(inventory: Inventory, source: SourceZone) -> SourceZone:
    """The zone without the names of another zone of the inventory below it."""
    below = {zone.zone for zone in inventory.zones if zone.zone != source.zone and within(zone.zone, source.zone)}
    kept = tuple(record for record in source.records if not any(within(record.name, zone) for zone in below))
    return structs.replace(source, records=kept) if below else source


def _of_zone(zone: Zone, source: SourceZone, types: set[str]) -> list[Difference]:
    found = []

    def note(
        what: Literal["+", "-", "~"], question: tuple[str, str], expect: Iterable[str], has: Iterable[str]
    ) -> None:
        name, rdtype = question
        found.append(
            Difference(
                what=what, zone=zone.zone, name=name, type=rdtype, inventory=tuple(expect), source=tuple(has)
            )
        )  # fmt: skip

    if source.nameservers and source.nameservers != zone.nameservers:
        note("~" if zone.nameservers else "+", (zone.zone, "NS"), zone.nameservers, source.nameservers)
    records = {(record.name, record.type): record for record in source.records}
    for question, record in records.items():
        expectation = zone.expectation(*question)
        if expectation is None:
            note("+", question, (), _said(record))
        elif not answers(expectation, record):
            note("~", question, expectation.expect or (), _said(record))
    for expectation in zone.records:
        question = (expectation.name, expectation.type)
        if expectation.type in types and question not in records and not answers(expectation, None):
            expect = expectation.expect
            note("-", question, expect if isinstance(expect, tuple) else ("any data",), ())
    return found


def _said(record: RecordSet) -> tuple[str, ...]:
    return SPLIT if record.split else record.data


def _compared(rdtype: str, data: Iterable[str]) -> set[str]:
    return {plain(_canonical(rdtype, item)) for item in data}


def _canonical(rdtype: str, data: str) -> str:
    try:
        return rdata.canonical(rdtype, data)
    except ValueError:
        return data


def _listed(data: tuple[str, ...]) -> str:
    return ", ".join(data) or "nothing"

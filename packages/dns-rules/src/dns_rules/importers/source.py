"""What a source says of a zone, as plain values, and the collector that every importer fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_events import InvalidNameError, normalize, within
from msgspec import Struct, structs

from dns_rules.errors import RulesError

from . import rdata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

#: A larger source is a mistake; an inventory itself may be 4 MiB.
MAX_BYTES = 64 << 20
#: Few bytes can ask for many records, by YAML's aliases; no zone that a person owns has as many.
MAX_RECORDS = 2_000_000
#: What the rules compare. SOA changes with every edit, and DS and DNSKEY are the parent's and the signer's.
TYPES = ("A", "AAAA", "CNAME", "MX", "TXT", "CAA", "NS")

#: RFC 4034 §2.5.
_BESIDE_CNAME = frozenset({"CNAME", "RRSIG", "NSEC"})

#: What the parent has at a delegation (RFC 4035 §2.6).
_AT_A_CUT = frozenset({"DS", "NSEC", "RRSIG"})


class RecordSet(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All records of one name and type."""

    name: str
    type: str
    data: tuple[str, ...]
    """Sorted, as `dns_events.Record.data` has it."""
    ttl: int | None = None
    """Seconds; ``None`` where the source leaves it to a default."""
    split: bool = False
    """Answers differ by region by design, and `data` is what is given elsewhere."""


class SourceZone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A zone as a source has it."""

    zone: str
    nameservers: tuple[str, ...] = ()
    """Sorted, without last dots; none where the source leaves them to the provider."""
    records: tuple[RecordSet, ...] = ()
    left_out: tuple[str, ...] = ()
    """What was not taken, a sentence each."""


class Collector:
    """Records of one zone as they come, normalized.

    Raises:
        InvalidNameError: the zone is no name.
    """

    def __init__(self, zone: str) -> None:
        self.zone = normalize(zone)
        self._sets: dict[tuple[str, str], tuple[set[str], int | None, bool]] = {}
        self._types: dict[str, set[str]] = {}
        self._left: dict[str, list[str]] = {}
        self._number = 0

    def add(self, name: str, rdtype: str, data: str, ttl: int | None = None, *, split: bool = False) -> None:
        """One record.

        Args:
            name: absolute, with or without its last dot.
            rdtype: its type.
            data: presentation form with absolute names.
            ttl: seconds.
            split: whether answers differ by region.

        Raises:
            ValueError: no name of this zone, no data of this type, or too many.
        """
        self._number += 1
        if self._number > MAX_RECORDS:
            msg = f"more than {MAX_RECORDS} records; divide the zone"
            raise ValueError(msg)
        owner = self._owner(name)
        if not rdata.is_standard(rdtype):
            self.leave_out(owner, f"{rdtype} is no type that servers answer with")
            return
        types = self._types.setdefault(owner, set())
        types.add(rdtype)
        if "CNAME" in types and not types <= _BESIDE_CNAME:
            msg = f"{owner} has CNAME and {', '.join(sorted(types - _BESIDE_CNAME))}; keep one (RFC 2181 §10.1)"
            raise ValueError(msg)
        known, least, either = self._sets.get((owner, rdtype), (set(), ttl, False))
        known.add(rdata.canonical(rdtype, data))
        ttls = [one for one in (least, ttl) if one is not None]
        self._sets[owner, rdtype] = known, min(ttls, default=None), either or split

    def leave_out(self, name: str, why: str) -> None:
        """A name of which something is not taken, to be told in the end."""
        self._left.setdefault(why, []).append(name)

    def finish(self) -> SourceZone:
        """The zone; what stands below a delegation is not its own (RFC 1034 §4.2.1)."""
        cuts = {name for name, rdtype in self._sets if rdtype == "NS" and name != self.zone}
        records = []
        for (name, rdtype), (data, ttl, split) in sorted(self._sets.items(), key=self._order):
            cut = next((above for above in _ancestors(name) if above in cuts), None)
            if rdtype == "NS" and cut == name:
                self.leave_out(name, "a delegation; list it as a zone of its own")
            elif cut is not None and (cut != name or rdtype not in _AT_A_CUT):
                self.leave_out(name, f"below the delegation of {cut}")
            elif rdtype != "NS":
                records.append(RecordSet(name=name, type=rdtype, data=tuple(sorted(data)), ttl=ttl, split=split))
        servers, _, _ = self._sets.get((self.zone, "NS"), (set(), None, False))
        return SourceZone(
            zone=self.zone,
            nameservers=tuple(sorted(map(normalize, servers))),
            records=tuple(records),
            left_out=tuple(f"{_listed(names)}: {why}" for why, names in self._left.items()),
        )

    def _owner(self, name: str) -> str:
        try:
            owner = normalize(name)
        except InvalidNameError as error:
            raise ValueError(str(error)) from error
        if not within(owner, self.zone):
            msg = f"{owner} is not in zone {self.zone}; move it to its own zone"
            raise ValueError(msg)
        return owner

    def _order(self, item: tuple[tuple[str, str], object]) -> tuple[bool, str, str]:
        (name, rdtype), _ = item
        return name != self.zone, name, rdtype


def chosen(source: SourceZone, types: Iterable[str]) -> SourceZone:
    """The zone with records of these types only; the others are told by number."""
    wanted = {rdtype.upper() for rdtype in types} - {"SOA"}
    others: dict[str, int] = {}
    for record in source.records:
        if record.type not in wanted and record.type != "SOA":
            others[record.type] = others.get(record.type, 0) + 1
    counted = ", ".join(f"{number} {rdtype}" for rdtype, number in sorted(others.items()))
    return structs.replace(
        source,
        nameservers=source.nameservers if "NS" in wanted else (),
        records=tuple(record for record in source.records if record.type in wanted),
        left_out=(*source.left_out, *((f"{counted}: not among --types",) if counted else ())),
    )


def read(path: Path) -> bytes:
    """A file that is not too large.

    Raises:
        RulesError: names the file.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise RulesError(msg) from error
    if len(content) > MAX_BYTES:
        msg = f"{path}: more than {MAX_BYTES} bytes; import its zones one by one"
        raise RulesError(msg)
    return content


def _ancestors(name: str) -> Iterator[str]:
    """The name and those above it; an escaped dot begins no label."""
    yield name
    for at, character in enumerate(name):
        if character == "." and name[:at].count("\\") % 2 == 0:
            yield name[at + 1 :]


def _listed(names: list[str]) -> str:
    shown = list(dict.fromkeys(names))
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")

"""Master files (RFC 1035 §5), also as ``dig axfr`` prints them."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.zonefile
from dns_events import InvalidNameError, normalize

from dns_rules.errors import RulesError

from .source import Collector, read

if TYPE_CHECKING:
    from pathlib import Path

    from .source import SourceZone

#: Where nothing says what names are relative to; no zone can have it (RFC 6761 §6.4).
_UNKNOWN = dns.name.from_text("origin-unknown.invalid.")
_ORIGIN = re.compile(rb"^\$ORIGIN\s+(\S+\.)\s*(?:;.*)?$", re.MULTILINE | re.IGNORECASE)
_DECORATION = re.compile(r"^(?:db|master|pri)\.|\.(?:zone|db|dns|axfr|txt|hosts|signed)$")
_WHERE = re.compile(r"^.*?:\d+: ")
_STRANGE = re.compile(r"unknown rdatatype '([A-Z][A-Z0-9_-]*)'")
_ADVICE = {
    "$INCLUDE": "write in what it includes",
    "$GENERATE": "write in what it makes (named-compilezone -o - ZONE FILE does)",
    "Missing default TTL": "write `$TTL 3600` as the first line",
    "not zone's class": "only class IN is read",
}


def zones(path: Path) -> tuple[SourceZone, ...]:
    """The zone of a master file.

    Its name is that of its SOA record, or of its first ``$ORIGIN``, or of the file (``example.com.zone``,
    ``db.example.com``). ``$INCLUDE`` and ``$GENERATE`` are refused, for the file may be anybody's.

    Raises:
        RulesError: names file and line.
    """
    content = read(path)
    named = _of_file(path)
    found, strange = _records(path, content, named)
    apexes = sorted({record.name for record in found if record.rdtype == dns.rdatatype.SOA})
    if len(apexes) > 1:
        msg = f"{path}: SOA records of {' and '.join(map(str, apexes))}; write a file for each zone"
        raise RulesError(msg)
    if apexes:
        zone = apexes[0].to_text()
    elif first := _ORIGIN.search(content):
        zone = first[1].decode(errors="replace")
    elif named is not None:
        zone = named.to_text()
    else:
        msg = f"{path}:1: of which zone is this? Write `$ORIGIN example.com.` as the first line, or keep its SOA"
        raise RulesError(msg)
    collector = Collector(zone)
    for name, why in strange:
        collector.leave_out(name, why)
    for record in found:
        try:
            if record.is_relative:
                msg = f"a name has no last dot, and there is no $ORIGIN; write `$ORIGIN {zone}` as the first line"
                raise ValueError(msg)  # noqa: TRY301 - told as all the others are
            collector.add(record.name.to_text(), dns.rdatatype.to_text(record.rdtype), record.data, record.ttl)
        except ValueError as error:
            msg = f"{path}:{record.line}: {error}"
            raise RulesError(msg) from error
    return (collector.finish(),)


def write(source: SourceZone, ttl: int = 3600) -> str:
    """A master file of a zone's records, without SOA; `ttl` where the zone says none."""
    lines = [f"$ORIGIN {source.zone.rstrip('.')}.", f"$TTL {ttl}"]
    lines += [f"@ IN NS {server}." for server in source.nameservers]
    for record in source.records:
        given = "" if record.ttl is None else f"{record.ttl} "
        lines += [f"{record.name.rstrip('.')}. {given}IN {record.type} {data}" for data in record.data]
    return "".join(f"{line}\n" for line in lines)


class _Record(NamedTuple):
    line: int
    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    ttl: int
    data: str

    @property
    def is_relative(self) -> bool:
        return self.name.is_subdomain(_UNKNOWN) or _UNKNOWN.to_text() in self.data


class _Sink:
    """What `dns.zonefile.Reader` writes to. A zone of dnspython's own would drop what is not in it without a word."""

    def __init__(self, text: str) -> None:
        self.file = io.StringIO(text)
        self.records: list[_Record] = []
        self.manager = self
        self._text = text
        self._line, self._at = 1, 0

    def line(self) -> int:
        """The line of what was read last; the tokenizer's own count is a line ahead after the last word of one."""
        at = max(self.file.tell() - 1, 0)
        self._line += self._text.count("\n", self._at, at)
        self._at = at
        return self._line

    def origin_information(self) -> tuple[dns.name.Name, bool, dns.name.Name]:
        return dns.name.root, False, dns.name.root

    def check_put_rdataset(self, check: object) -> None:
        """The collector checks."""

    def add(self, name: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
        self.records.append(_Record(self.line(), name, rdata.rdtype, ttl, rdata.to_text()))

    def add_unicode(self, value: str) -> None:
        """How dnspython would write the zone again."""

    def _set_origin(self, origin: dns.name.Name) -> None:
        """The reader keeps it itself."""


def _records(path: Path, content: bytes, named: dns.name.Name | None) -> tuple[list[_Record], list[tuple[str, str]]]:
    """The records of a file; and names with types that only one program knows, with why these are left out."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        msg = f"{path}:{line}: not UTF-8; write other octets as \\DDD"
        raise RulesError(msg) from error
    sink = _Sink(text if text.endswith("\n") else text + "\n")
    tok = dns.tokenizer.Tokenizer(sink.file, filename=str(path), idna_codec=dns.name.IDNA_2008_Practical)
    allowed = ("$ORIGIN", "$TTL", "$UNICODE")
    reader = dns.zonefile.Reader(tok, dns.rdataclass.IN, cast("Any", sink), allow_directives=allowed)
    reader.current_origin = reader.last_name = named or _UNKNOWN
    strange: list[tuple[str, str]] = []
    skipping = False
    while True:
        try:
            while skipping:
                skipping = not tok.get().is_eol_or_eof()
            reader.read()
        except (dns.exception.DNSException, ValueError) as error:
            told = _WHERE.sub("", str(error)).rstrip(".")
            unknown = _STRANGE.search(told)
            if unknown:
                name = reader.last_name.to_text(omit_final_dot=True)
                strange.append((name, f"{unknown[1]} is no type that servers answer with"))
                skipping = True
                continue
            advice = next((advice for part, advice in _ADVICE.items() if part in told), None)
            line = sink.line()
            written = text.split("\n", line)[line - 1].strip()[:60]
            msg = f"{path}:{line}: {told} in {written!r}" + (f"; {advice}" if advice else "")
            raise RulesError(msg) from error
        return sink.records, strange


def _of_file(path: Path) -> dns.name.Name | None:
    """The zone that the file's name tells."""
    name = _DECORATION.sub("", path.name)
    try:
        return dns.name.from_text(normalize(name)) if "." in name else None
    except InvalidNameError:
        return None

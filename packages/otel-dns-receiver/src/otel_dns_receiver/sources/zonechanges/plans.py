"""Plans of octoDNS and DNSControl: what somebody is about to change, before the servers show it. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import msgspec
from dns.rdtypes.ANY.TXT import TXT
from dns_events import DnsEventsError, Record, normalize

from .difference import MOST_LISTED

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST = 16 << 20


class PlanError(ValueError):
    """A file that is no plan."""


class Planned(NamedTuple):
    """One zone's part of a plan."""

    zone: str
    added: tuple[Record, ...]
    removed: tuple[Record, ...]


def octodns(text: str) -> list[Planned]:
    """The JSON of octoDNS' ``PlanJson`` output: by target, zone and change, the ``existing`` and the ``new`` set.

    Raises:
        PlanError: it is something else.
    """
    tree = _json(text)
    if not isinstance(tree, dict):
        raise PlanError("no octoDNS plan: not a JSON object of targets")
    found: dict[str, tuple[set[Record], set[Record]]] = {}
    for zones in tree.values():
        if not isinstance(zones, dict):
            raise PlanError("no octoDNS plan: a target without zones")
        for zone, plan in zones.items():
            changes = plan.get("changes") if isinstance(plan, dict) else None
            if not isinstance(changes, list):
                raise PlanError(f"no octoDNS plan: zone {str(zone)[:80]} has no changes")
            apex = _name(str(zone))
            added, removed = found.setdefault(apex, (set(), set()))
            for change in changes:
                if not isinstance(change, dict):
                    raise PlanError("no octoDNS plan: a change that is no object")
                before, after = (set(_octodns_records(apex, change, side)) for side in ("existing", "new"))
                removed |= before - after
                added |= after - before
    return [_planned(zone, added, removed) for zone, (added, removed) in sorted(found.items())]


def _octodns_records(zone: str, change: dict[str, Any], side: str) -> Iterator[Record]:
    record = change.get(side)
    if record is None:
        return
    name, rdtype = change.get("name"), change.get("record_type")
    if not isinstance(name, str) or not isinstance(rdtype, str):
        raise PlanError("no octoDNS plan: a change without name and record_type, as octoDNS writes them since 1.9.1")
    if not isinstance(record, dict):
        raise PlanError("no octoDNS plan: a record that is no object")
    values = record.get("values", [record["value"]] if "value" in record else [])
    for value in values if isinstance(values, list) else [values]:
        yield _record(f"{name}.{zone}".strip("."), rdtype, record.get("ttl", 0), _data(rdtype, value))


#: The fields of octoDNS' values in the order of presentation form; in the file they are in the order of their names.
_FIELDS = {
    "CAA": "flags tag value",
    "DS": "key_tag algorithm digest_type digest",
    "HTTPS": "svcpriority targetname svcparams",
    "LOC": "lat_degrees lat_minutes lat_seconds lat_direction long_degrees long_minutes long_seconds long_direction "
    "altitude size precision_horz precision_vert",
    "MX": "preference exchange",
    "NAPTR": "order preference flags service regexp replacement",
    "SRV": "priority weight port target",
    "SSHFP": "algorithm fingerprint_type fingerprint",
    "SVCB": "svcpriority targetname svcparams",
    "TLSA": "certificate_usage selector matching_type certificate_association_data",
    "URI": "priority weight target",
}
_QUOTED = {("CAA", "value"), ("NAPTR", "flags"), ("NAPTR", "service"), ("NAPTR", "regexp"), ("URI", "target")}


def _data(rdtype: str, value: object) -> str:
    """A value in presentation form, as servers give it; of types that octoDNS alone has, as it stands there."""
    text = str(value)
    if isinstance(value, dict):
        names = _FIELDS[rdtype].split() if rdtype in _FIELDS else sorted(value)
        text = " ".join(_field(rdtype, name, value.get(name, "")) for name in names)
    try:
        return _strings(text) if rdtype in {"TXT", "SPF"} else dns.rdata.from_text("IN", rdtype, text).to_text()
    except (dns.exception.DNSException, ValueError):
        return text


def _field(rdtype: str, name: str, value: object) -> str:
    if isinstance(value, dict):  # parameters of a service, RFC 9460
        listed = ((key, ",".join(map(str, each)) if isinstance(each, list) else each) for key, each in value.items())
        return " ".join(str(key) if each is None else f'{key}="{each}"' for key, each in listed)
    return _quoted(str(value)) if (rdtype, name) in _QUOTED else str(value)


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace('"', '\\"'))


def _strings(text: str) -> str:
    """A text, in which octoDNS escapes semicolons and not quotes, in as many strings as it needs (RFC 1035 §3.3)."""
    octets = dns.tokenizer.Tokenizer(_quoted(text)).get().unescape_to_bytes().value
    assert isinstance(octets, bytes)
    strings = [octets[at : at + 255] for at in range(0, len(octets), 255)] or [b""]
    return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings).to_text()


_HEADING = re.compile(r"^\*+ Domain: (\S+)")
_CHANGE = re.compile(
    r"^(?:#\d+: )?(?P<how>[+±-]|CREATE|DELETE|MODIFY)\s+(?P<how2>CREATE|DELETE|MODIFY|MODIFY-TTL)?\s*"
    r"(?P<name>\S+)\s+(?P<type>[A-Z0-9]+)\s+(?P<rest>.+)$"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_TTL = re.compile(r"\s*\bttl=(\d+)\b\s*")


def dnscontrol(text: str) -> list[Planned]:
    """What ``dnscontrol preview`` prints: corrections under a heading for each domain.

    Raises:
        PlanError: there is no heading of a domain in it.
    """
    found: dict[str, tuple[set[Record], set[Record]]] = {}
    zone = None
    for raw in _COLOUR.sub("", text[:_MOST]).splitlines():
        line = raw[:2000].strip()
        if heading := _HEADING.match(line):
            zone = _name(heading[1])
            found.setdefault(zone, (set(), set()))
        elif zone is not None and (change := _CHANGE.match(line)):
            added, removed = found[zone]
            _dnscontrol_change(change, added, removed)
    if not found:
        raise PlanError("no preview of DNSControl: no line as `******************** Domain: example.com`")
    return [_planned(zone, added, removed) for zone, (added, removed) in sorted(found.items())]


def _dnscontrol_change(change: re.Match[str], added: set[Record], removed: set[Record]) -> None:
    how = change["how2"] or change["how"]
    before, arrow, after = change["rest"].partition(" -> ")

    def record(text: str) -> Record:
        text = text.strip()
        if text.startswith("(") and text.endswith(")"):
            text = text[1:-1]
        ttl = _TTL.search(text)
        return _record(change["name"], change["type"], int(ttl[1]) if ttl else 0, _TTL.sub(" ", text).strip())

    if how.startswith("MODIFY") or (how == "±" and arrow):
        removed.add(record(before))
        added.add(record(after))
    elif how in {"CREATE", "+"}:
        added.add(record(before))
    else:
        removed.add(record(before))


def _planned(zone: str, added: set[Record], removed: set[Record]) -> Planned:
    def ordered(records: set[Record]) -> tuple[Record, ...]:
        return tuple(sorted(records, key=lambda r: (r.name, r.type, r.data)))[:MOST_LISTED]

    return Planned(zone, ordered(added), ordered(removed))


def _record(name: str, rdtype: str, ttl: object, data: str) -> Record:
    try:
        seconds = int(ttl) if isinstance(ttl, int | str) else 0
        return Record(name=_name(name), type=rdtype.upper(), ttl=seconds, data=data)
    except (ValueError, TypeError) as error:
        raise PlanError(f"a record that is none: {error}") from error


def _name(text: str) -> str:
    try:
        return normalize(text)
    except DnsEventsError as error:
        raise PlanError(str(error)) from error


def _json(text: str) -> object:
    if len(text) > _MOST:
        raise PlanError(f"a plan of more than {_MOST} characters")
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlanError("not JSON") from error

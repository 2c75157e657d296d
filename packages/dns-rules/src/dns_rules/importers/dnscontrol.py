"""DNSControl's intermediate representation, as ``dnscontrol print-ir`` writes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from dns_rules.errors import RulesError

from . import rdata
from .source import Collector, read

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .source import SourceZone

#: Types whose data has more than a target, with their fields in the order of presentation form.
_FIELDS = {
    "MX": ("mxpreference", "target"),
    "SRV": ("srvpriority", "srvweight", "srvport", "target"),
    "CAA": ("caaflag", "caatag", "target"),
    "TLSA": ("tlsausage", "tlsaselector", "tlsamatchingtype", "target"),
    "SSHFP": ("sshfpalgorithm", "sshfpfingerprint", "target"),
    "DS": ("dskeytag", "dsalgorithm", "dsdigesttype", "dsdigest"),
    "HTTPS": ("svcpriority", "target", "svcparams"),
    "SVCB": ("svcpriority", "target", "svcparams"),
}
#: What a newer print-ir calls fields, in an object of their own beside the target.
_NEWER = {"mxpreference": "preference", "srvpriority": "priority", "srvweight": "weight", "srvport": "port",
          "caaflag": "flag", "caatag": "tag"}  # fmt: skip
_NAMED = frozenset({"CNAME", "NS", "PTR", "DNAME", "MX", "SRV", "HTTPS", "SVCB"})
_PLAIN = frozenset({"A", "AAAA", "CNAME", "NS", "PTR", "DNAME"})
_WORDS = frozenset({"caatag", "dsdigest", "svcparams"})


class _Nameserver(Struct):
    name: str


class _Domain(Struct):
    name: str
    records: list[dict[str, Any]] = []
    nameservers: list[_Nameserver] = []


class _Config(Struct):
    domains: list[_Domain]


def zones(path: Path) -> tuple[SourceZone, ...]:
    """The zones of a ``dnsconfig.js``, by ``dnscontrol print-ir > ir.json``.

    Of a zone with several views (``example.com!inside``) the one without a tag is taken.

    Raises:
        RulesError: names the file, and the domain and record as ``domains[0].records[3]``.
    """
    content = read(path)
    try:
        config = msgspec.json.decode(content, type=_Config)
    except msgspec.ValidationError as error:
        msg = f"{path}: {error}; write what `dnscontrol print-ir` prints"
        raise RulesError(msg) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"{path}:{_place(content)}: not JSON: {error}; write what `dnscontrol print-ir` prints"
        raise RulesError(msg) from error
    untagged = {domain.name for domain in config.domains if "!" not in domain.name}
    found: dict[str, SourceZone] = {}
    for index, domain in enumerate(config.domains):
        name, _, tag = domain.name.partition("!")
        if tag and name in untagged:
            continue
        source = _zone(f"{path}: domains[{index}]", name, domain)
        if source.zone in found:
            msg = f"{path}: domains[{index}]: zone {source.zone} has several views; keep the one that the world sees"
            raise RulesError(msg)
        found[source.zone] = source
    return tuple(found.values())


def _zone(where: str, name: str, domain: _Domain) -> SourceZone:
    try:
        collector = Collector(name)
        for server in domain.nameservers:
            collector.add(name, "NS", rdata.absolute(server.name))
    except ValueError as error:
        msg = f"{where}: {error}"
        raise RulesError(msg) from error
    for number, record in enumerate(domain.records):
        try:
            _record(collector, name, record)
        except ValueError as error:
            position = f" ({record['filepos']} of dnsconfig.js)" if isinstance(record.get("filepos"), str) else ""
            msg = f"{where}.records[{number}]{position}: {error}"
            raise RulesError(msg) from error
    return collector.finish()


def _record(collector: Collector, zone: str, record: Mapping[str, Any]) -> None:
    rdtype, label = (_text(record, key) for key in ("type", "name"))
    owner = zone if label in {"", "@"} else label if label.endswith(".") else f"{label}.{zone}"
    ttl = _number(record, "ttl") if "ttl" in record else None
    if rdtype == "TXT":
        collector.add(owner, rdtype, rdata.strings(_text(record, "target").encode()), ttl)
    elif rdtype in _PLAIN:
        collector.add(owner, rdtype, _target(record, rdtype, zone), ttl)
    elif rdtype in _FIELDS:
        words = [_field(record, key, rdtype, zone) for key in _FIELDS[rdtype]]
        collector.add(owner, rdtype, " ".join(words), ttl)
    else:
        collector.leave_out(owner, f"type {rdtype} is not imported from DNSControl")


def _field(record: Mapping[str, Any], key: str, rdtype: str, zone: str) -> str:
    if key == "target":
        target = _target(record, rdtype, zone)
        return rdata.quoted(target.encode()) if rdtype == "CAA" else target
    if key in _WORDS:
        return _text(record, key) if key in record else _text(_newer(record), _NEWER.get(key, key), "")
    # A number that is not there is 0: print-ir leaves zeros out.
    return str(_number(record, key) if key in record else _number(_newer(record), _NEWER.get(key, key)))


def _newer(record: Mapping[str, Any]) -> dict[str, Any]:
    inner = record.get("rdata", record.get("Fields"))
    return {key.lower(): value for key, value in inner.items()} if isinstance(inner, dict) else {}


def _target(record: Mapping[str, Any], rdtype: str, zone: str) -> str:
    target = _text(record, "target")
    if rdtype not in _NAMED or target.endswith("."):
        return target
    if target == "@":
        return f"{zone}."
    if "." in target:
        msg = f"target {target!r} has no last dot; write {target + '.'!r}, or leave out --raw of print-ir"
        raise ValueError(msg)
    below = record.get("subdomain")
    return f"{target}.{below}.{zone}." if isinstance(below, str) and below else f"{target}.{zone}."


def _text(record: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = record.get(key, default)
    if value is None:
        msg = f"{key!r} is missing"
        raise ValueError(msg)
    if not isinstance(value, str):
        msg = f"{key!r} is {value!r}; it must be a text"
        raise ValueError(msg)  # noqa: TRY004 - the file is wrong, not a caller
    return value


def _number(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 32:
        msg = f"{key!r} is {value!r}; it must be a whole number of 32 bits"
        raise ValueError(msg)
    return value


def _place(content: bytes) -> str:
    """Line and column at which it is not JSON."""
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        return f"{error.lineno}:{error.colno}"
    except (ValueError, RecursionError):
        pass
    return "1:1"

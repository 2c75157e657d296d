r"""octoDNS's zone files (YamlProvider): ``example.com.yaml``, or split into ``example.com./*.yaml``.

The format: https://github.com/octodns/octodns/blob/main/docs/records.md. TXT values have no quotes and ``\;``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import dns.tokenizer
import yaml

from dns_rules.errors import RulesError

from . import rdata
from .source import Collector
from .yamlnodes import Nodes

if TYPE_CHECKING:
    from pathlib import Path

    from .source import SourceZone

#: The keys of a value in the order of presentation form; of an older name for one, either is read.
_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "MX": (("preference", "priority"), ("exchange", "value")),
    "SRV": (("priority",), ("weight",), ("port",), ("target",)),
    "CAA": (("flags",), ("tag",), ("value",)),
    "TLSA": (("certificate_usage",), ("selector",), ("matching_type",), ("certificate_association_data",)),
    "SSHFP": (("algorithm",), ("fingerprint_type",), ("fingerprint",)),
    "DS": (("key_tag",), ("algorithm",), ("digest_type",), ("digest",)),
}
_DEFAULTS = {("CAA", "flags"): "0"}
#: What holds a name, which octoDNS wants with its last dot.
_NAMES = {"MX": "exchange", "SRV": "target", "CNAME": "", "NS": "", "PTR": "", "DNAME": ""}
#: Keys whose values are numbers; a fingerprint of digits only is none.
_NUMBERS = frozenset(
    {"preference", "priority", "weight", "port", "flags", "certificate_usage", "selector", "matching_type"}
    | {"algorithm", "fingerprint_type", "key_tag", "digest_type"}
)
_WORDS = frozenset({"A", "AAAA", "CNAME", "NS", "PTR", "DNAME"})
#: octoDNS has one value of these in a name.
_SINGLE = frozenset({"CNAME", "DNAME"})


def zones(path: Path) -> tuple[SourceZone, ...]:
    """The zones of a folder as YamlProvider has it, of one zone's file, or of one zone's folder of files.

    Raises:
        RulesError: names file and line.
    """
    files: dict[str, list[Path]] = {}
    if not path.is_dir():
        files[path.name.removesuffix(".yaml").removesuffix(".yml")] = [path]
    elif path.name.endswith("."):
        files[path.name] = sorted(path.glob("*.yaml"))
    else:
        for file in sorted(path.glob("*.yaml")):
            if file.is_file():
                files[file.name.removesuffix(".yaml")] = [file]
        for folder in sorted(path.glob("*.")):
            files.setdefault(folder.name.removesuffix("."), []).extend(sorted(folder.glob("*.yaml")))
    found = [_zone(name, listed) for name, listed in files.items() if listed]
    if not found:
        msg = f"{path}: no zone files; octoDNS names them as their zone: example.com.yaml, or example.com./www.yaml"
        raise RulesError(msg)
    return tuple(found)


def write(source: SourceZone) -> str:
    """A zone's records as one file of YamlProvider, in the order that it enforces."""
    data: dict[str, list[dict[str, Any]]] = {}
    if source.nameservers:
        servers = tuple(f"{server}." for server in source.nameservers)
        data[""] = [_written("NS", servers, None)]
    for record in source.records:
        label = record.name.removesuffix(source.zone).removesuffix(".")
        data.setdefault(label, []).append(_written(record.type, record.data, record.ttl))
    ordered = {
        name: each[0] if len(each) == 1 else each for name, each in sorted(data.items(), key=lambda i: _natural(i[0]))
    }
    return "---\n" + yaml.safe_dump(ordered, sort_keys=False, default_flow_style=False, width=float("inf"))


def _zone(name: str, files: list[Path]) -> SourceZone:
    try:
        collector = Collector(name)
    except ValueError as error:
        msg = f"{files[0]}: octoDNS names a file as its zone, as example.com.yaml; {error}"
        raise RulesError(msg) from error
    for file in files:
        nodes = Nodes(file)
        if nodes.root is None:
            continue
        for label, node in nodes.mapping(nodes.root, "a zone file").items():
            if label in {"providers", "zones", "manager"} and isinstance(node, yaml.MappingNode):
                if "type" not in nodes.mapping(node, label):
                    raise nodes.error(node, "this is octoDNS's configuration, no zone file; keep it in another folder")
            elif label == "@":
                raise nodes.error(node, "octoDNS's name of the apex is ''; write '' for '@'")
            for record in nodes.items(node):
                _record(nodes, collector, label, record)
    return collector.finish()


def _record(nodes: Nodes, collector: Collector, label: str, node: yaml.Node) -> None:
    where = f"record {label!r}"
    record = nodes.mapping(node, where)
    if "type" not in record:
        raise nodes.error(node, f"{where} has no type; write for instance `type: A`")
    take(nodes, collector, label, node, nodes.text(record["type"], "type"))


def take(nodes: Nodes, collector: Collector, label: str, node: yaml.Node, rdtype: str) -> None:
    """A record set, as it stands in a zone file or in a plan.

    Raises:
        RulesError: names file and line.
    """
    where = f"record {label!r}"
    record = nodes.mapping(node, where)
    name = f"{label}.{collector.zone}" if label else collector.zone
    ttl = nodes.number(record["ttl"], "ttl") if "ttl" in record else None
    if "octodns" in record:
        ignored = nodes.mapping(record["octodns"], "octodns").get("ignored")
        if ignored is not None and nodes.text(ignored, "ignored").lower() in {"true", "yes", "on"}:
            collector.leave_out(name, f"{rdtype} that octoDNS ignores")
            return
    if rdtype not in _KEYS and rdtype not in _WORDS and rdtype not in {"TXT", "SPF"}:
        collector.leave_out(name, f"type {rdtype} is not imported from octoDNS")
        return
    given = record.get("values", record.get("value"))
    values = [] if given is None else nodes.items(given)
    if not values:
        raise nodes.error(node, f"{where} of type {rdtype} has no value; write `value:`, or `values:` and a list")
    for value in values:
        data = _data(nodes, rdtype, value)
        try:
            collector.add(name, rdtype, data, ttl, split="geo" in record or "dynamic" in record)
        except ValueError as error:
            raise nodes.error(value, str(error)) from error


def _data(nodes: Nodes, rdtype: str, value: yaml.Node) -> str:
    """Presentation form of one value."""
    if rdtype in {"TXT", "SPF"}:
        text = nodes.text(value, rdtype)
        if text.startswith('"'):
            text = text[1:-1]
        return rdata.strings(rdata.unescaped(text.replace('" "', "")))
    if rdtype in _WORDS or isinstance(value, yaml.ScalarNode):
        text = nodes.text(value, rdtype)
        return _dotted(nodes, value, text) if rdtype in _NAMES else text
    given = nodes.mapping(value, f"a value of {rdtype}")
    words = []
    for keys in _KEYS[rdtype]:
        key = next((key for key in keys if key in given), None)
        if key is None and (rdtype, keys[0]) in _DEFAULTS:
            words.append(_DEFAULTS[rdtype, keys[0]])
        elif key is None:
            raise nodes.error(value, f"a value of {rdtype} has no {keys[0]}; write `{keys[0]}:`")
        else:
            text = nodes.text(given[key], key)
            if keys[0] == _NAMES.get(rdtype):
                text = _dotted(nodes, given[key], text)
            words.append(rdata.quoted(rdata.unescaped(text)) if (rdtype, keys[0]) == ("CAA", "value") else text)
    return " ".join(words)


def _dotted(nodes: Nodes, node: yaml.Node, name: str) -> str:
    if not name.endswith("."):
        raise nodes.error(node, f"{name!r} has no last dot; write {name + '.'!r}")
    return name


def _written(rdtype: str, data: tuple[str, ...], ttl: int | None) -> dict[str, Any]:
    values = [_value(rdtype, item) for item in data]
    record: dict[str, Any] = {} if ttl is None else {"ttl": ttl}
    if len(values) == 1 or rdtype in _SINGLE:
        return record | {"type": rdtype, "value": values[0]}
    return record | {"type": rdtype, "values": values}


def _value(rdtype: str, data: str) -> Any:
    if rdtype == "TXT":
        return _plain_text(rdata.text_of(data))
    if rdtype not in _KEYS:
        return data
    tokens = dns.tokenizer.Tokenizer(data)
    value: dict[str, Any] = {}
    for keys in _KEYS[rdtype]:
        text = tokens.get().value
        if (rdtype, keys[0]) == ("CAA", "value"):
            text = _plain_text(rdata.unescaped(text)).replace("\\;", ";")  # only in TXT octoDNS escapes it
        value[keys[0]] = int(text) if keys[0] in _NUMBERS else text
    return dict(sorted(value.items()))


def _plain_text(octets: bytes) -> str:
    r"""A text as octoDNS has it: ``\;`` for a semicolon, and by number what it would take for its own quotes."""
    escaped = {ord(";"): "\\;", ord('"'): "\\034", ord("\\"): "\\092"}
    return "".join(escaped.get(each, chr(each) if 32 <= each < 127 else f"\\{each:03}") for each in octets)


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Numbers in names as numbers, as octoDNS sorts: www2 before www10."""
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", name)]

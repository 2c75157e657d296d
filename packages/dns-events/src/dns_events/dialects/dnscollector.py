"""DNS-collector's JSON, nested or flat (``json`` and ``flat-json`` of its loggers)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dns.edns

from dns_events.errors import DecodeError
from dns_events.events import Ede

from . import answers, codes, taps
from .building import Reading, asked, beside, each, observation, server
from .fields import Fields, integer, wrong
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events.events import Event, Observation, Record

    from .framing import Record as Message

_CLIENTS = (
    "network.query-ip", "network.query-port", "geoip", "bgp", "extracted", "powerdns.original-request-subnet",
    "powerdns.requestor-id", "powerdns.initial-requestor-id", "powerdns.device-id", "powerdns.device-name",
)  # fmt: skip
_CSUBNET, _EDE = 8, 15
_RR = ("name", "rdatatype", "ttl", "class", "rdata")
_OPTION = ("code", "name", "data")
#: Columns of the flat form, which joins a list's values by ``|``.
_PLURALS = {"class": "classes"}


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """Responses are observations; a query's own record is not, unless DNS-collector says that it timed out."""
    return each(data, reading, _one)


def _one(message: Message, reading: Reading) -> Observation:
    fields = Fields(message.tree, unknown="-")
    operation = fields.text("dnstap.operation")
    if operation is None:
        raise DecodeError("no dnstap.operation: not a record of DNS-collector")
    flags = codes.flags({flag: fields.flag(f"dns.flags.{flag}") for flag in codes.FLAGS})
    fields.take("dns.flags.qr")
    kind = taps.kind(operation, flags)
    rcode = fields.text("dns.rcode")
    # Its latency transformer gives this code to queries that nobody answered.
    unanswered = not kind.response and rcode == "TIMEOUT"
    if not kind.response and not unanswered:
        raise taps.query_alone(operation)
    root = "." if fields.peek("dns.qname") == "" else None
    opcode, qclass = fields.text("dns.opcode"), fields.text("dns.qclass")
    name = asked(fields.text("dns.qname") or root, qclass, opcode)
    qtype = codes.qtype(fields.text("dns.qtype") or "")
    found, ttls = _answers(fields)
    authority = _rows(Fields(dict(fields.tree), unknown="-"), "dns.resource-records.ns", _RR, peek=True)
    code = None if rcode is None or unanswered else codes.rcode(rcode)
    if unanswered:
        outcome: Any = "timeout"
    elif fields.flag("dns.malformed-packet") or code is None:
        outcome = "malformed"
    else:
        types = [str(row.get("rdatatype")) for row in authority]
        outcome = answers.outcome(code, qtype, found, role=kind.role, flags=flags, authority=types)
    latency = fields.number("dnstap.latency")
    fields.take("dnstap.latency_ms")
    soa = [(record.type, record.data) for record in found]
    soa += [(str(row.get("rdatatype")), str(row.get("rdata"))) for row in authority]
    return observation(
        reading,
        message.raw,
        time=moment("dnstap.timestamp-rfc3339ns", fields.take("dnstap.timestamp-rfc3339ns")),
        identity=fields.text("dnstap.identity"),
        name=name,
        qtype=qtype,
        server=server(
            reading, fields.text("network.response-ip"), kind.role, port=fields.port("network.response-port")
        ),
        outcome=outcome,
        source=kind.source,
        transport=codes.transport("network.protocol", fields.take("network.protocol")) or "udp",
        rcode=code,
        flags=() if unanswered else flags,
        ede=_options(fields, reading),
        answers=found,
        ttl=answers.lowest_ttl(ttls),
        serial=answers.serial(soa),
        # 0 where query and response were not paired.
        latency=None if unanswered or not latency else latency,
        extra=beside(fields, reading, _CLIENTS),
    )


def _answers(fields: Fields) -> tuple[tuple[Record, ...], list[int | None]]:
    found, ttls = [], []
    for row in _rows(fields, "dns.resource-records.an", _RR):
        if row.get("rdatatype") is None or row.get("rdata") is None:
            raise DecodeError("dns.resource-records.an: a record without rdatatype or rdata")
        ttl = None if row.get("ttl") is None else integer("dns.resource-records.an.ttl", row["ttl"])
        found.append(answers.record(str(row.get("name") or "."), str(row["rdatatype"]), str(row["rdata"]), ttl))
        ttls.append(ttl)
    return tuple(found), ttls


def _options(fields: Fields, reading: Reading) -> tuple[Ede, ...]:
    """The extended errors; other options stay, but for the client's subnet (RFC 7871)."""
    found, others = [], []
    for row in _rows(fields, "edns.options", _OPTION):
        code = None if row.get("code") is None else integer("edns.options.code", row["code"])
        number, _, text = str(row.get("data") or "").partition(" ")
        if code == _EDE and number.isdecimal() and int(number) <= 65535:
            found.append(Ede(code=int(number), text=_said(int(number), text)))
        elif code != _CSUBNET or reading.clients:
            others.append(row)
    fields.take("edns.optionscount")
    if others:
        fields.tree["edns.options"] = others
    return tuple(found)


def _said(code: int, text: str) -> str:
    """EXTRA-TEXT alone: before it stands the code's purpose, or ``-``; ``-`` is none."""
    try:
        purpose = dns.edns.EDECode(code).name.replace("_", " ")
    except ValueError:
        purpose = "-"
    if text.upper().startswith(purpose):
        text = text[len(purpose) :].strip()
    return "" if text == "-" else text.removeprefix("- ")


def _rows(fields: Fields, path: str, columns: tuple[str, ...], *, peek: bool = False) -> list[dict[str, Any]]:
    """A list of objects in any of the three forms it is written in: nested, by index, or joined by ``|``."""
    listed = fields.peek(path) if peek else fields.take(path)
    if isinstance(listed, list):
        for item in listed:
            if not isinstance(item, dict):
                raise wrong(path, item, "an object")
        return listed
    by_index: dict[int, dict[str, Any]] = {}
    for key in [key for key in fields.tree if key.startswith(path + ".")]:
        index, _, column = key.removeprefix(path + ".").partition(".")
        if index.isdecimal() and len(index) < 5 and column in columns:
            value = fields.tree[key] if peek else fields.tree.pop(key)
            by_index.setdefault(int(index), {})[column] = None if value == "-" else value
    if by_index:
        return [by_index[index] for index in sorted(by_index)]
    return _joined(fields, path, columns)


def _joined(fields: Fields, path: str, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    texts = {column: fields.text(f"{path}.{_PLURALS.get(column, column + 's')}") for column in columns}
    split = {column: text.split("|") for column, text in texts.items() if text is not None}
    if not split:
        return []
    count = min(map(len, split.values()))
    if any(len(values) != count for values in split.values()):
        raise DecodeError(f"{path}: lists of different lengths, for data with a | in it; let it write nested JSON")
    return [{column: values[at] for column, values in split.items()} for at in range(count)]

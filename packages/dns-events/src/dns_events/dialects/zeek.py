"""Zeek's dns.log as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dns_events.errors import DecodeError, NotAnObservationError

from . import answers, codes
from .building import Reading, asked, beside, each, observation, server
from .fields import Fields, integer, number, wrong
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events.events import Event, Observation, Outcome, Record

    from .framing import Record as Message

_CLIENTS = ("id.orig_h", "id.orig_p", "id.orig_l2_addr", "orig_l2_addr")
#: Zeek logs these as DNS too; nobody's server answers them.
_MULTICAST = {137: "NetBIOS", 5353: "mDNS", 5355: "LLMNR"}
#: What it gives of these is a part: an exchange without its preference, an SOA's first name.
_PARTIAL = frozenset({"MX", "SOA", "SRV", "CAA", "HINFO", "NAPTR"})


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """A query and its response are one observation; without a response it timed out."""
    return each(data, reading, _one)


def _one(message: Message, reading: Reading) -> Observation:
    fields = Fields(message.tree)
    time = fields.take("ts")
    address, port = fields.text("id.resp_h"), fields.port("id.resp_p")
    if time is None or address is None:
        raise DecodeError("no ts or id.resp_h: not a record of Zeek's dns.log")
    if port in _MULTICAST:
        raise NotAnObservationError(f"port {port}: {_MULTICAST[port]} asks no server")
    root = "." if fields.peek("query") == "" else None
    name = asked(
        fields.text("query") or root,
        fields.text("qclass_name", "qclass"),
        fields.text("opcode_name", "opcode"),
    )
    qtype = codes.qtype(fields.text("qtype", "qtype_name") or "")
    code = fields.text("rcode", "rcode_name")
    rcode = None if code is None else codes.rcode(code)
    flags = codes.flags({flag: fields.flag(flag.upper()) for flag in codes.FLAGS})
    fields.take("Z")
    found, ttls = _answers(fields, name, qtype)
    role = answers.role_of(flags)
    outcome: Outcome = "timeout"
    if rcode is not None:
        partial = rcode == "NOERROR" and fields.peek("answers") is not None
        outcome = "answer" if partial else answers.outcome(rcode, qtype, found, role=role, flags=flags)
    latency = fields.number("rtt")
    return observation(
        reading,
        message.raw,
        time=moment("ts", time),
        identity=fields.text("_system_name", "agent.name", "host.name"),
        name=name,
        qtype=qtype,
        server=server(reading, address, role, port=port),
        outcome=outcome,
        source="authoritative_log" if role == "authoritative" else "resolver_log",
        transport=codes.transport("proto", fields.take("proto")) or "udp",
        rcode=rcode,
        flags=flags,
        answers=found,
        ttl=answers.lowest_ttl(ttls),
        latency=None if rcode is None else latency,
        extra=beside(fields, reading, _CLIENTS),
    )


def _answers(fields: Fields, name: str, qtype: str) -> tuple[tuple[Record, ...], list[int | None]]:
    """Zeek gives data without owner and type; both follow from the question. Partial data stays beside."""
    data, seconds = fields.take("answers") or [], fields.take("TTLs") or []
    if not isinstance(data, list) or not isinstance(seconds, list):
        raise wrong("answers", data, "a list")
    if len(data) > answers.MAX_RECORDS:
        raise DecodeError(f"{len(data)} answers; a DNS message holds {answers.MAX_RECORDS} at most")
    ttls: list[int | None] = [integer("TTLs", round(number("TTLs", ttl))) for ttl in seconds]
    ttls += [None] * (len(data) - len(ttls))
    if qtype in _PARTIAL and data:
        fields.tree["answers"] = data
        return (), ttls
    listed: list[tuple[str | None, str, int | None]] = []
    for item, ttl in zip(data, ttls, strict=False):
        if not isinstance(item, str):
            raise wrong("answers", item, "a text")
        kind, text = _unmarked(item) if qtype in {"TXT", "SPF"} else (None, item)
        listed.append((kind, text, ttl))
    return answers.chained(name, qtype, listed), ttls


def _unmarked(text: str) -> tuple[str, str]:
    """``TXT 5 hello`` is the text ``hello``; the count says where the next one starts. Else it is an alias."""
    strings, at = [], 0
    while at < len(text):
        kind, _, rest = text[at:].partition(" ")
        count, _, rest = rest.partition(" ")
        if kind not in {"TXT", "SPF"} or not count.isdecimal() or int(count) > len(rest):
            return "CNAME", text
        strings.append(rest[: int(count)])
        at = len(text) - len(rest) + int(count) + 1
    return "TXT", "".join(strings)

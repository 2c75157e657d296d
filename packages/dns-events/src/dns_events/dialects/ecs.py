"""Elastic Common Schema: documents of Packetbeat and others in, every event out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

from dns_events import semconv
from dns_events.errors import DecodeError, NotAnObservationError
from dns_events.events import SILENT, Observation, Registration, Traffic, ZoneChange, type_of
from dns_events.otlp import error_type

from . import answers, codes, own
from .building import Reading, asked, beside, each, literal_of, observation, server
from .fields import Fields, wrong
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events.events import Event, Outcome, Record

    from .framing import Record as Message

ECS_VERSION = "8.17.0"
#: `network.community_id` is a hash of the addresses, which are few enough to try.
_CLIENTS = (
    "client", "source", "src", "client_ip", "client_port", "related", "user", "process", "host.ip", "host.mac",
    "network.community_id", "dns.opt.subnet",
)  # fmt: skip
# Packetbeat's words. Of a query without response it gives the query's own header, with its code of 0.
_NO_RESPONSE = "No response to this query"
_REPEATED = "Another query with the same DNS ID"
_PACKETBEAT_FLAGS = {
    "aa": "authoritative", "tc": "truncated_response", "rd": "recursion_desired", "ra": "recursion_available",
    "ad": "authentic_data", "cd": "checking_disabled",
}  # fmt: skip
# Packetbeat spreads the data of these over keys.
_PARTS = {
    "MX": ("preference", "data"),
    "SRV": ("priority", "weight", "port", "data"),
    "SOA": ("data", "rname", "serial", "refresh", "retry", "expire", "minimum"),
}
# What `write` says that follows from the rest.
_DERIVED = (
    "ecs", "event.kind", "event.category", "event.type", "event.module", "event.dataset", "event.outcome",
    "event.reason", "network.type", "network.protocol", "dns.resolved_ip", "dns.type", "error", "observer",
)  # fmt: skip
_MAPPED = {"id", "time", "name", "qtype", "rcode", "flags", "answers", "latency"}
_KINDS: dict[str, tuple[str, str, str]] = {
    "observation": ("event", "network", "protocol"),
    "traffic": ("metric", "network", "info"),
    "delegation": ("state", "configuration", "info"),
    "registration": ("state", "configuration", "info"),
    "zone_change": ("event", "configuration", "change"),
}


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """Documents with ``dns.question.name``, and whatever `write` wrote."""
    return each(data, reading, _one)


def _one(message: Message, reading: Reading) -> Event:
    fields = Fields(message.tree)
    ours = fields.take(semconv.SCOPE)
    time, event_id = fields.take("@timestamp"), fields.text("event.id") if ours is not None else None
    if (event := own.whole(ours, event_id, time)) is not None:
        return event
    name = asked(fields.text("dns.question.name"), fields.text("dns.question.class"), fields.text("dns.op_code"))
    qtype = codes.qtype(fields.text("dns.question.type") or "")
    flags = _flags(fields)
    found, ttls = _answers(fields, name, qtype)
    code = fields.text("dns.response_code")
    role = answers.role_of(flags)
    failed, kind = fields.peek("error") is not None, fields.peek("dns.type")
    notes = [str(note) for note in fields.items("error.message", "notes")]
    rcode: str | None = None
    outcome: Outcome
    if any(_NO_RESPONSE in note for note in notes):
        outcome, flags = "timeout", ()
    elif any(_REPEATED in note for note in notes):
        raise NotAnObservationError("a query that its client sent again: what came of it stands with the later one")
    elif kind == "query" and not found and not own.is_lookup(ours):
        raise NotAnObservationError("dns.type query: a query without its response is no observation")
    elif code is not None:
        rcode = codes.rcode(code)
        outcome = answers.outcome(rcode, qtype, found, role=role, flags=flags)
    elif own.is_lookup(ours):
        outcome = "malformed"  # until the one that was written takes its place
    elif found:
        outcome = "answer"
    elif failed:
        outcome = "error"
    else:
        raise DecodeError("neither dns.response_code nor dns.answers nor error: no outcome is known")
    if ours is not None:
        for path in _DERIVED:
            fields.drop(path)
    nanoseconds = fields.number("event.duration")
    address = fields.text("server.ip", "server.address", "destination.ip", "destination.address")
    domain = fields.text("server.domain", "destination.domain")
    port = fields.port("server.port", "destination.port")
    made = observation(
        reading,
        message.raw,
        time=moment("@timestamp", time),
        identity=fields.text("observer.name", "agent.name", "host.name"),
        name=name,
        qtype=qtype,
        server=server(reading, address, role, port=port, name=domain),
        outcome=outcome,
        source="authoritative_log" if role == "authoritative" else "resolver_log",
        transport=codes.transport("network.transport", fields.take("network.transport")) or "udp",
        rcode=rcode,
        flags=flags,
        answers=found,
        ttl=answers.lowest_ttl(ttls),
        serial=answers.serial((record.type, record.data) for record in found),
        latency=None if nanoseconds is None or outcome in SILENT else nanoseconds / 1e9,
        detail="; ".join(notes)[:1024] or None,
        extra=beside(fields, reading, _CLIENTS),
    )
    return own.completed(made, ours, event_id, _MAPPED) if own.is_lookup(ours) else made


def _flags(fields: Fields) -> tuple[str, ...]:
    named = fields.take("dns.header_flags")
    if named is not None:
        fields.drop("dns.flags")  # the same once more
    else:
        listed = fields.peek("dns.flags")
        named = fields.take("dns.flags") if isinstance(listed, list | str) else None
    if named is not None:
        words = named if isinstance(named, list) else [named]
        return codes.flags({str(word).lower(): True for word in words})
    found = {flag: fields.flag(f"dns.flags.{word}") for flag, word in _PACKETBEAT_FLAGS.items()}
    return codes.flags(found)


def _answers(fields: Fields, name: str, qtype: str) -> tuple[tuple[Record, ...], list[int | None]]:
    """ECS asks for nothing but `data`; owner and type follow from the question where they are left out."""
    items = fields.items("dns.answers")
    if len(items) > answers.MAX_RECORDS:
        raise DecodeError(f"{len(items)} dns.answers; a DNS message holds {answers.MAX_RECORDS} at most")
    found: list[Record] = []
    ttls: list[int | None] = []
    for item in items:
        if not isinstance(item, dict | str):
            raise wrong("dns.answers", item, "an object")
        answer = Fields({"data": item} if isinstance(item, str) else item)
        kind = answer.text("type")
        parts = [answer.peek(part) for part in _PARTS.get(kind or "", ())]
        data = " ".join(map(str, parts)) if parts and None not in parts else answer.text("data")
        if data is None:
            raise DecodeError("dns.answers: an answer without data")
        ttls.append(answer.integer("ttl"))
        owner = answer.text("name")
        found.extend(answers.chained(asked(owner or answers.next_owner(name, found)), qtype, [(kind, data, ttls[-1])]))
    return tuple(found), ttls


def write(event: Event) -> dict[str, Any]:
    """The event as an ECS document.

    What ECS has no place for stands under ``dnstower``, in the words of the event; `read` makes the same event
    of it. Index templates should map ``dnstower.extra`` as ``flattened``.
    """
    kind = type_of(event)
    told = _KINDS[kind]
    document: dict[str, Any] = {
        "@timestamp": _rfc3339(event.time),
        "ecs": {"version": ECS_VERSION},
        "event": {
            "id": event.id,
            "kind": told[0],
            "category": [told[1]],
            "type": [told[2]],
            "module": semconv.SCOPE,
            "dataset": f"{semconv.SCOPE}.{kind}",
        },
        "observer": {"name": event.probe.id},
    }
    if event.probe.region is not None:
        document["observer"]["geo"] = {"name": event.probe.region}
    if isinstance(event, Observation):
        _write_observation(document, event)
        document[semconv.SCOPE] = own.left(event, _MAPPED - _lossy(event))
        return document
    document[semconv.SCOPE] = own.left(event, {"id", "time"})
    match event:
        case Traffic():
            document["event"]["start"] = _rfc3339(event.time - dt.timedelta(seconds=event.window))
            document["event"]["end"] = document["@timestamp"]
            document["event"]["duration"] = round(event.window * 1e9)
        case ZoneChange(actor=str(actor)):
            document["user"] = {"name": actor}
        case Registration(error=str(error)):
            document["event"]["outcome"] = "failure"
            document["error"] = {"message": error}
        case _:
            pass
    return document


def _write_observation(document: dict[str, Any], event: Observation) -> None:
    said = document["event"]
    failed = error_type(event)
    said["outcome"] = "success" if failed is None else "failure"
    if event.latency is not None:
        said["duration"] = round(event.latency * 1e9)
    if failed is not None or event.detail is not None:
        error = {"type": failed, "message": event.detail}
        document["error"] = {key: value for key, value in error.items() if value is not None}
    dns: dict[str, Any] = {
        "type": "query" if event.outcome in SILENT else "answer",
        "question": {"name": event.name, "type": event.qtype, "class": "IN"},
        "header_flags": [flag.upper() for flag in event.flags],
        "answers": [_answer(record, known=event.ttl is not None) for record in event.answers],
        "resolved_ip": [record.data for record in event.answers if record.type in {"A", "AAAA"}],
    }
    if event.rcode is not None:
        dns["response_code"] = event.rcode
    document["dns"] = {key: value for key, value in dns.items() if value}
    literal = literal_of(event.server.address)
    place: dict[str, Any] = {"address": event.server.address, "ip": literal, "port": event.server.port}
    if event.server.name is not None:
        place["domain"] = event.server.name
    document["server"] = {key: value for key, value in place.items() if value is not None}
    # Detection rules for network traffic look here.
    document["destination"] = {**document["server"]}
    document["network"] = {
        "protocol": "dns",
        "transport": "udp" if event.transport in {"udp", "doq"} else "tcp",
    }
    if literal is not None:
        document["network"]["type"] = "ipv6" if ":" in literal else "ipv4"


def _lossy(event: Observation) -> set[str]:
    """Fields of which a reader would make something else."""
    spelled = all(answers.presentation(record.type, record.data) == record.data for record in event.answers)
    same = {
        "answers": spelled and (event.ttl is not None or not any(record.ttl for record in event.answers)),
        "flags": event.flags == codes.flags(dict.fromkeys(event.flags, True)),
        "latency": event.latency is None or event.latency == round(event.latency * 1e9) / 1e9,
    }
    return {field for field, kept in same.items() if not kept}


def _answer(record: Record, *, known: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"name": record.name, "type": record.type, "class": "IN", "data": record.data}
    if known or record.ttl:
        answer["ttl"] = record.ttl
    return answer


def _rfc3339(time: dt.datetime) -> str:
    return str(msgspec.to_builtins(time))

"""Open Cybersecurity Schema Framework: DNS Activity (class 4003) in; lookups, traffic and zone changes out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import dns.rcode
import msgspec

from dns_events import semconv
from dns_events.errors import DecodeError, ExportError, NotAnObservationError
from dns_events.events import SILENT, Observation, Traffic, ZoneChange, type_of
from dns_events.otlp import error_type
from dns_events.version import __version__

from . import answers, codes, own
from .building import Reading, asked, beside, each, literal_of, observation, server
from .fields import Fields, integer
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events.events import Event, Outcome, Record

    from .framing import Record as Message

OCSF_VERSION = "1.8.0"
DNS_ACTIVITY, ENTITY_MANAGEMENT = 4003, 3004
_QUERY, _RESPONSE, _TRAFFIC, _UPDATE = 1, 2, 6, 3
_FLAG_IDS = dict(enumerate(codes.FLAGS, 1))
_FLAG_NAMES = (
    "Authoritative Answer", "Truncated Response", "Recursion Desired", "Recursion Available", "Authentic Data",
    "Checking Disabled",
)  # fmt: skip
#: 24 to 99 are words for "something else", which `rcode` spells out.
_RCODE_IDS = frozenset({*range(12), *range(16, 24)})
_RCODE_NAMES = {
    0: "NoError", 1: "FormError", 2: "ServError", 3: "NXDomain", 4: "NotImp", 5: "Refused", 6: "YXDomain",
    7: "YXRRSet", 8: "NXRRSet", 9: "NotAuth", 10: "NotZone",
}  # fmt: skip
_UNASSIGNED, _OTHER = 24, 99
_SEVERITIES = {1: "Informational", 2: "Low", 3: "Medium"}
_CLIENTS = (
    "src_endpoint", "device", "actor", "observables", "proxy", "proxy_endpoint", "raw_data", "unmapped.raw_data",
    "query_additional",
)  # fmt: skip
# What `write` says that follows from the rest.
_DERIVED = (
    "activity_name", "category_uid", "category_name", "class_name", "type_uid", "type_name", "severity",
    "severity_id", "status", "status_id", "status_detail", "metadata", "flags", "flag_ids", "duration",
    "connection_info",
)  # fmt: skip
_MAPPED = {"id", "time", "name", "qtype", "rcode", "answers"}


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """Events of class DNS Activity that tell what came of the query, and whatever `write` wrote."""
    return each(data, reading, _one)


def _one(message: Message, reading: Reading) -> Event:
    fields = Fields(message.tree)
    class_uid = fields.take("class_uid")
    ours = fields.take(f"unmapped.{semconv.SCOPE}")
    exact, time = fields.take("time_dt"), fields.take("time")
    event_id = fields.text("metadata.uid") if ours is not None else None
    if (event := own.whole(ours, event_id, exact or time)) is not None:
        return event
    if class_uid != DNS_ACTIVITY:
        raise DecodeError(f"class_uid is not {DNS_ACTIVITY}: not a DNS Activity of OCSF")
    activity = fields.integer("activity_id")
    name = asked(fields.text("query.hostname"), fields.text("query.class"), fields.text("opcode_id", "query.opcode_id"))
    qtype = codes.qtype(fields.text("query.type") or "")
    found, ttls, flags = _answers(fields, name, qtype)
    rcode = _rcode(fields)
    role = answers.role_of(flags) if flags else "recursive"
    outcome: Outcome
    if rcode is not None:
        outcome = answers.outcome(rcode, qtype, found, role=role, flags=flags)
    elif own.is_lookup(ours):
        outcome = "malformed"  # until the one that was written takes its place
    elif found:
        outcome = "answer"
    elif activity in {_QUERY, None}:
        raise NotAnObservationError("activity Query: a query without its response is no observation")
    else:
        raise DecodeError("neither rcode nor answers: no outcome is known")
    asked_at, answered_at = fields.take("query_time"), fields.take("response_time")
    latency = None
    if asked_at is not None and answered_at is not None:
        taken = moment("response_time", answered_at) - moment("query_time", asked_at)
        latency = taken.total_seconds() if taken >= dt.timedelta(0) else None
    detail = fields.text("status_detail") if ours is not None else None
    identity = fields.text("metadata.log_provider", "metadata.reporter.hostname", "metadata.reporter.name")
    if ours is not None:
        for path in _DERIVED:
            fields.drop(path)
    made = observation(
        reading,
        message.raw,
        time=moment("time", time if exact is None else exact),
        identity=identity,
        name=name,
        qtype=qtype,
        server=server(
            reading,
            fields.text("dst_endpoint.ip", "dst_endpoint.hostname"),
            role,
            port=fields.port("dst_endpoint.port"),
            name=fields.text("dst_endpoint.name"),
        ),
        outcome=outcome,
        source="authoritative_log" if role == "authoritative" else "resolver_log",
        transport=codes.transport("connection_info.protocol_name", fields.take("connection_info.protocol_name"))
        or "udp",
        rcode=rcode,
        flags=flags,
        answers=found,
        ttl=answers.lowest_ttl(ttls),
        serial=answers.serial((record.type, record.data) for record in found),
        latency=latency,
        detail=detail,
        extra=beside(fields, reading, _CLIENTS),
    )
    return own.completed(made, ours, event_id, _MAPPED) if own.is_lookup(ours) else made


def _rcode(fields: Fields) -> str | None:
    number, text = fields.integer("rcode_id"), fields.text("rcode")
    if number is not None and number in _RCODE_IDS:
        return codes.rcode(number)
    return None if text is None else codes.rcode(text)


def _answers(fields: Fields, name: str, qtype: str) -> tuple[tuple[Record, ...], list[int | None], tuple[str, ...]]:
    """Answers, their TTLs, and the header's flags, which stood with each answer before OCSF 1.9."""
    ids = list(fields.items("flag_ids"))
    items = list(fields.objects("answers"))
    if len(items) > answers.MAX_RECORDS:
        raise DecodeError(f"{len(items)} answers; a DNS message holds {answers.MAX_RECORDS} at most")
    found: list[Record] = []
    ttls: list[int | None] = []
    for answer in items:
        ids += answer.items("flag_ids")
        data = answer.text("rdata")
        if data is None:
            raise DecodeError("answers: an answer without rdata")
        ttls.append(answer.integer("ttl"))
        owner = asked(answer.text("hostname") or answers.next_owner(name, found))
        found.extend(answers.chained(owner, qtype, [(answer.text("type"), data, ttls[-1])]))
    fields.take("flags")
    flags = codes.flags({_FLAG_IDS.get(integer("flag_ids", number), ""): True for number in ids})
    return tuple(found), ttls, flags


def write(event: Event) -> dict[str, Any]:
    """The event as one of OCSF.

    A lookup is DNS Activity with query and response (activity Traffic), or with the query alone where nothing
    came back; counts are DNS Activity over a span of time; a change of a zone is Entity Management. What OCSF
    has no place for, such as extended errors, DNSSEC and the NSID, stands in ``unmapped.dnstower``.

    Raises:
        ExportError: OCSF has no class for readings of a delegation or a registration.
    """
    match event:
        case Observation():
            return _observation(event)
        case Traffic():
            return _traffic(event)
        case ZoneChange():
            return _zone_change(event)
    raise ExportError(f"OCSF has no class for a {type_of(event)} event; write it as ecs, or leave its type out")


def _base(event: Event, class_uid: int, activity: int, severity: int) -> dict[str, Any]:
    return {
        "class_uid": class_uid,
        "category_uid": class_uid // 1000,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "severity_id": severity,
        "severity": _SEVERITIES[severity],
        "time": _milliseconds(event.time),
        # Milliseconds are not enough to be the same event again; this is of the profile `datetime`.
        "time_dt": msgspec.to_builtins(event.time),
        "metadata": {
            "version": OCSF_VERSION,
            "profiles": ["datetime"],
            "uid": event.id,
            "product": {"name": semconv.SCOPE, "vendor_name": semconv.SCOPE, "version": __version__},
            "log_name": type_of(event),
            "log_provider": event.probe.id,
        },
    }


def _observation(event: Observation) -> dict[str, Any]:
    failed = error_type(event)
    severity = 1 if failed is None else (2 if event.outcome in {*SILENT, "refused"} else 3)
    silent = event.outcome in SILENT
    made = _base(event, DNS_ACTIVITY, _QUERY if silent else _TRAFFIC, severity) | {
        "status_id": 1 if failed is None else 2,
        "status": "Success" if failed is None else "Failure",
        "query": {"hostname": event.name, "type": event.qtype, "class": "IN"},
        "query_time": _milliseconds(event.time),
        "dst_endpoint": _endpoint(event),
        "connection_info": _connection(event),
    }
    if event.detail is not None:
        made["status_detail"] = event.detail
    if event.latency is not None:
        made["response_time"] = _milliseconds(event.time + dt.timedelta(seconds=min(event.latency, 1e9)))
        made["duration"] = round(event.latency * 1000)
    if event.rcode is not None:
        made |= _rcode_fields(event.rcode)
    if event.answers:
        ids = [number for number, flag in _FLAG_IDS.items() if flag in event.flags]
        flags = {"flag_ids": ids, "flags": [_FLAG_NAMES[number - 1] for number in ids]} if ids else {}
        made["answers"] = [_answer(record, known=event.ttl is not None) | flags for record in event.answers]
    if event.source in {"probe", "application"}:
        made["src_endpoint"] = {"uid": event.probe.id}
    # Before 1.9 an answer has no place for its owner.
    mapped = _MAPPED if answers.follow(event.name, event.qtype, event.answers) else _MAPPED - {"answers"}
    made["unmapped"] = {semconv.SCOPE: own.left(event, mapped)}
    return made


def _traffic(event: Traffic) -> dict[str, Any]:
    made = _base(event, DNS_ACTIVITY, _TRAFFIC, 1) | {
        "count": event.queries,
        "start_time": _milliseconds(event.time - dt.timedelta(seconds=event.window)),
        "end_time": _milliseconds(event.time),
        "duration": round(event.window * 1000),
        "message": f"{event.queries} queries for {event.zone} in {event.window:g} s",
        "unmapped": {semconv.SCOPE: own.left(event, {"id", "time"})},
    }
    # The class wants an endpoint: where it is not known which server was asked, those whose traffic the probe sees.
    made["dst_endpoint"] = {"uid": event.probe.id} if event.server is None else _endpoint(event)
    return made


def _zone_change(event: ZoneChange) -> dict[str, Any]:
    entity: dict[str, Any] = {"name": event.zone, "type": "DNS zone"}
    if event.serial_to is not None:
        entity["version"] = str(event.serial_to)
    made = _base(event, ENTITY_MANAGEMENT, _UPDATE, 1) | {
        "entity": entity,
        "message": f"{len(event.added)} records added to {event.zone}, {len(event.removed)} removed",
        "unmapped": {semconv.SCOPE: own.left(event, {"id", "time"})},
    }
    if event.actor is not None:
        made["actor"] = {"user": {"name": event.actor}}
    return made


def _endpoint(event: Observation | Traffic) -> dict[str, Any]:
    place = event.server
    assert place is not None
    literal = literal_of(place.address)
    made: dict[str, Any] = {"port": place.port}
    if literal is not None:
        made["ip"] = literal
    if (name := place.name or (None if literal else place.address)) is not None:
        made["hostname"] = name
    return made


def _connection(event: Observation) -> dict[str, Any]:
    over_udp = event.transport in {"udp", "doq"}
    made: dict[str, Any] = {
        "protocol_name": "udp" if over_udp else "tcp",
        "protocol_num": 17 if over_udp else 6,
        "direction_id": 2 if event.source == "probe" else 0,
    }
    if (literal := literal_of(event.server.address)) is not None:
        made["protocol_ver_id"] = 6 if ":" in literal else 4
    return made


def _rcode_fields(rcode: str) -> dict[str, Any]:
    try:
        number = int(dns.rcode.from_text(rcode))
    except dns.rcode.UnknownRcode:
        return {"rcode_id": _OTHER, "rcode": rcode}
    if number in _RCODE_IDS:
        return {"rcode_id": number, "rcode": _RCODE_NAMES.get(number, rcode)}
    return {"rcode_id": _UNASSIGNED, "rcode": rcode}


def _answer(record: Record, *, known: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"type": record.type, "class": "IN", "rdata": record.data}
    if known or record.ttl:
        answer["ttl"] = record.ttl
    return answer


def _milliseconds(time: dt.datetime) -> int:
    return int((time - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) / dt.timedelta(milliseconds=1))

"""The JSON of Vector's dnstap source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dns_events.errors import DecodeError
from dns_events.events import Ede

from . import answers, codes, taps
from .building import Reading, asked, beside, each, observation, server
from .fields import Fields
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from dns_events.events import Event, Observation

    from .framing import Record as Message

#: `rawData` is the whole dnstap frame or message, in which the client stands too.
_CLIENTS = ("sourceAddress", "sourcePort", "rawData", "requestData.rawData", "responseData.rawData")
_CSUBNET = 8
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """Responses are observations; Vector does not pair them with queries, so that no latency is known."""
    return each(data, reading, _one)


def _one(message: Message, reading: Reading) -> Observation:
    fields = Fields(message.tree)
    kind_text = fields.text("messageType")
    if kind_text is None:
        raise DecodeError("no messageType: not a record of Vector's dnstap")
    flags = codes.flags({flag: fields.flag(f"responseData.header.{flag}") for flag in codes.FLAGS})
    operation = _WORDS.sub("_", kind_text).upper()
    kind = taps.kind(operation, flags)
    if not kind.response:
        raise taps.query_alone(operation)
    error = fields.text("error")
    question = next(fields.objects("responseData.question", "requestData.question"), None)
    if question is None:
        raise DecodeError(f"no question: {error[:200] if error else 'the record has no name that was asked for'}")
    name = asked(question.text("domainName"), question.text("class"), fields.text("responseData.header.opcode"))
    qtype = codes.qtype(question.text("questionType") or question.text("questionTypeId") or "")
    found, ttls = [], []
    for item in fields.objects("responseData.answers"):
        # Data that Vector could not read is bytes in base64.
        kept, kind_of_record = item.text("rData"), item.text("recordType", "recordTypeId")
        if kept is None or kind_of_record is None:
            raise DecodeError("responseData.answers: a record without recordType or rData")
        ttls.append(item.integer("ttl"))
        found.append(answers.record(item.text("domainName") or ".", kind_of_record, kept, ttls[-1]))
    authority = [item for item in fields.peek("responseData.authority") or () if isinstance(item, dict)]
    types = [str(item.get("recordType")) for item in authority]
    code = fields.text("responseData.fullRcode", "responseData.rcodeName")
    fields.take("responseData.header.rcode", "responseData.header.qr")
    rcode = None if code is None else codes.rcode(code)
    stated = answers.outcome(rcode, qtype, found, role=kind.role, flags=flags, authority=types) if rcode else None
    if not reading.clients:
        for path in ("requestData.opt.options", "responseData.opt.options"):
            _without_subnet(fields.peek(path))
    soa = [(record.type, record.data) for record in found]
    soa += [(str(item.get("recordType")), str(item.get("rData"))) for item in authority]
    precision = fields.text("timePrecision")
    time, timestamp = fields.take("time"), fields.take("timestamp")
    return observation(
        reading,
        message.raw,
        time=moment("timestamp", timestamp) if time is None else moment("time", time, precision),
        identity=fields.text("serverId"),
        name=name,
        qtype=qtype,
        server=server(reading, fields.text("responseAddress"), kind.role, port=fields.port("responsePort")),
        outcome=stated or "malformed",
        source=kind.source,
        transport=codes.transport("socketProtocol", fields.take("socketProtocol")) or "udp",
        rcode=rcode,
        flags=flags,
        ede=tuple(_errors(fields)),
        answers=tuple(found),
        ttl=answers.lowest_ttl(ttls),
        serial=answers.serial(soa),
        detail=error,
        extra=beside(fields, reading, _CLIENTS),
    )


def _errors(fields: Fields) -> Iterator[Ede]:
    for item in fields.objects("responseData.opt.ede"):
        code = item.integer("infoCode")
        if code is None or not 0 <= code <= 65535:
            raise DecodeError("responseData.opt.ede: an error without an infoCode of 16 bits")
        yield Ede(code=code, text=item.text("extraText") or "")


def _without_subnet(options: Any) -> None:
    """Drop the client's subnet (RFC 7871)."""
    if isinstance(options, list):
        options[:] = [item for item in options if not (isinstance(item, dict) and item.get("optCode") == _CSUBNET)]

"""Telegraf's ``dns_query`` metrics as its JSON serializer writes them, one or in a batch."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from dns_events.errors import DecodeError, NotAnObservationError

from . import answers, codes
from .building import Reading, asked, beside, observation, server, tried
from .fields import Fields
from .framing import records
from .moments import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns_events.events import Event, Observation, Outcome, Record

_METRIC = "dns_query"
#: `include_fields` bounds itself to what one response holds.
_MAX_ADDRESSES = 256


def read(data: bytes, reading: Reading) -> Iterator[Event | DecodeError]:
    """Each ``dns_query`` metric is an observation; other metrics are none."""
    for found in records(data):
        if isinstance(found, DecodeError):
            yield found
        elif isinstance(batch := found.tree.get("metrics"), list):
            for item in batch:
                yield tried(partial(_one, item, reading))
        else:
            yield tried(partial(_one, found.tree, reading))


def _one(metric: Any, reading: Reading) -> Observation:
    if not isinstance(metric, dict) or not isinstance(metric.get("name"), str):
        raise DecodeError("no name: not a metric of Telegraf")
    if metric["name"] != _METRIC:
        raise NotAnObservationError(f"metric {metric['name'][:60]!r}: only {_METRIC} is an observation")
    # The same whether it came alone or in a batch.
    raw = msgspec.json.encode(metric)
    fields = Fields({**metric})
    fields.take("name")
    name, qtype = asked(fields.text("tags.domain")), codes.qtype(fields.text("tags.record_type") or "")
    result = fields.text("tags.result", "fields.result_code")
    rcode = fields.text("tags.rcode", "fields.rcode_value")
    milliseconds = fields.number("fields.query_time_ms")
    code = None if rcode is None else codes.rcode(rcode)
    found = _addresses(fields, name, qtype)
    outcome: Outcome
    if code is not None:
        # Without `include_fields` the answer is not told, only that there was one or that the code was good.
        outcome = answers.outcome(code, qtype, found, role="recursive") if found or code != "NOERROR" else "answer"
    elif result in {"timeout", "1"}:
        outcome = "timeout"
    elif result in {"error", "2"}:
        outcome = "unreachable"
    else:
        raise DecodeError("neither an rcode nor a result of timeout or error")
    return observation(
        reading,
        raw,
        time=moment("timestamp", fields.take("timestamp")),
        identity=fields.text("tags.host"),
        name=name,
        qtype=qtype,
        server=server(reading, fields.text("tags.server"), "recursive"),
        outcome=outcome,
        source="probe",
        transport="udp",
        rcode=code,
        answers=found,
        serial=fields.integer("fields.serial"),
        # Written as 0 where nothing came back.
        latency=milliseconds / 1000 if code is not None and milliseconds else None,
        extra=beside(fields, reading, ()),
    )


def _addresses(fields: Fields, name: str, qtype: str) -> tuple[Record, ...]:
    """The addresses of ``include_fields``: one as ``ip``, all as ``ip_0``, ``ip_1`` and so on."""
    if qtype not in {"A", "AAAA"}:
        return ()
    listed: list[str] = []
    while len(listed) < _MAX_ADDRESSES and (address := fields.text(f"fields.ip_{len(listed)}")) is not None:
        listed.append(address)
    first = fields.text("fields.ip")
    if not listed and first is not None:
        # The first of perhaps many: no answer to compare with others'.
        fields.tree["ip"] = first
    return answers.chained(name, qtype, [(None, address, None) for address in listed])

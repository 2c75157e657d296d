"""One question to one server, as an `Observation`."""

from __future__ import annotations

import base64
import datetime as dt
import time
from typing import TYPE_CHECKING, Literal, NamedTuple

import dns.rcode
import dns.rdatatype
from dns_events import SILENT, Observation, Probe, Role, Server, new_id
from dns_events.names import parse

from . import read
from .dnssec.answer import validate
from .exchange import Reply, Target, exchange, query

if TYPE_CHECKING:
    from dns_events import Outcome

    from .dnssec.chain import Chain

#: Outcomes of which the response is kept as evidence.
_KEPT = frozenset({"servfail", "refused", "error", "malformed", "referral"})
_VALIDATED = frozenset({"answer", "nodata", "nxdomain"})


class Question(NamedTuple):
    """What is asked of whom."""

    zone: str
    name: str
    qtype: str
    target: Target
    role: Role
    server_name: str | None = None
    transport: Literal["udp", "tcp"] = "udp"


async def ask(question: Question, probe: Probe, timeout: float, chain: Chain | None = None) -> Observation:
    """Ask once and say what came of it. Nothing a server does raises.

    Args:
        question: what and whom.
        probe: who asks.
        timeout: seconds, a second try over TCP after truncation included.
        chain: the zone's keys; without them nothing is validated.
    """
    name, rdtype = parse(question.name), dns.rdatatype.from_text(question.qtype)
    asked = dt.datetime.now(dt.UTC)
    message = query(name, rdtype, recursive=question.role == "recursive")
    reply = await exchange(message, question.target, timeout, question.transport)
    return observe(question, reply, probe, asked, chain)


def observe(
    question: Question, reply: Reply, probe: Probe, asked: dt.datetime, chain: Chain | None = None
) -> Observation:
    """The observation of a reply. Pure but for the id and the validation's clock."""
    name, rdtype = parse(question.name), dns.rdatatype.from_text(question.qtype)
    answer = reply.message
    outcome: Outcome
    if answer is None:
        outcome = "malformed" if reply.status == "answered" else reply.status
    else:
        outcome = read.outcome(answer, name, rdtype, question.role)
    records = read.records(answer) if answer is not None else ()
    dnssec = None
    if answer is not None and chain is not None and outcome in _VALIDATED:
        dnssec = validate(answer, name, rdtype, chain, time.time())
    evidence = outcome in _KEPT or (dnssec is not None and dnssec.status == "bogus")
    return Observation(
        id=new_id(),
        time=asked,
        probe=probe,
        zone=question.zone,
        name=question.name,
        qtype=question.qtype,
        server=Server(
            address=question.target.address,
            port=question.target.port,
            name=question.server_name if question.role == "authoritative" else None,
            role=question.role,
            nsid=read.nsid(answer) if answer is not None else None,
        ),
        transport=reply.transport,
        outcome=outcome,
        rcode=dns.rcode.to_text(answer.rcode()) if answer is not None else None,
        flags=read.flags(answer) if answer is not None else (),
        ede=read.edes(answer) if answer is not None else (),
        answers=records,
        ttl=min((record.ttl for record in records), default=None),
        serial=read.serial(answer) if answer is not None else None,
        latency=None if outcome in SILENT else reply.latency,
        dnssec=dnssec,
        wire=base64.b64encode(reply.wire).decode() if evidence and reply.wire is not None else None,
    )

"""What a response says, apart from when it was said: read once, good for every response with the same bytes."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import dns.rdatatype
from dns_events import SILENT, Observation, Record, Server, new_id
from dns_events.names import parse

from . import read
from .dnssec.answer import validate

if TYPE_CHECKING:
    import datetime as dt

    from dns_events import Dnssec, Ede, Outcome, Probe, Source, Transport, Violation

    from .dnssec.trust import Trust
    from .question import Question

#: Outcomes of which the response is kept as evidence.
_KEPT = frozenset({"servfail", "refused", "error", "malformed", "referral"})
_VALIDATED = frozenset({"answer", "nodata", "nxdomain"})
#: A verdict is looked at again after so many seconds, whatever the signatures say.
_RECHECK = 60.0


class Facts:
    """What one response says for one question."""

    __slots__ = (
        "answers", "dnssec", "ede", "evidence", "flags", "outcome", "rcode", "root", "serial", "server", "ttl", "until",
        "version", "violations",
    )  # fmt: skip

    def __init__(
        self,
        server: Server,
        outcome: Outcome,
        rcode: str | None,
        flags: tuple[str, ...],
        ede: tuple[Ede, ...],
        answers: tuple[Record, ...],
        serial: int | None,
    ) -> None:
        self.server = server
        self.outcome: Outcome = outcome
        self.rcode = rcode
        self.flags = flags
        self.ede = ede
        self.answers = answers
        self.ttl = min([record.ttl for record in answers], default=None)
        self.serial = serial
        self.violations: tuple[Violation, ...] = ()
        self.dnssec: Dnssec | None = None
        self.version: object = None
        self.until = 0.0
        self.evidence = outcome in _KEPT
        self.root: Facts | None = None
        """The facts that these were made of, which hold the verdict for both."""

    def checked(self, version: object, dnssec: Dnssec, now: float) -> None:
        """Keep a verdict until it may change: new keys, or a signature that runs out."""
        self.dnssec = dnssec
        self.version = version
        self.until = now + _RECHECK
        if dnssec.expires is not None:
            self.until = min(self.until, max(dnssec.expires.timestamp(), now))
        self.evidence = self.outcome in _KEPT or dnssec.status == "bogus"

    def checked_like(self, other: Facts) -> None:
        """Take over a verdict."""
        self.dnssec, self.version, self.until, self.evidence = other.dnssec, other.version, other.until, other.evidence

    def aged(self, answers: tuple[Record, ...]) -> Facts:
        """The same facts with other TTLs."""
        made = Facts(self.server, self.outcome, self.rcode, self.flags, self.ede, answers, self.serial)
        made.root = self
        return made


def silence(question: Question) -> Facts:
    """Facts where nothing came back; the outcome is set on the observation."""
    return Facts(_server(question, None), "timeout", None, (), (), (), None)


def facts_of(message: dns.message.Message | None, question: Question, rdtype: dns.rdatatype.RdataType) -> Facts:
    """Read a response; ``None`` is one that cannot be read."""
    if message is None:
        return Facts(_server(question, None), "malformed", None, (), (), (), None)
    return Facts(
        _server(question, read.nsid(message)),
        read.outcome(message, parse(question.name), rdtype, question.role),
        dns.rcode.to_text(message.rcode()),
        read.flags(message),
        read.edes(message),
        read.records(message),
        read.serial(message),
    )


def check(
    facts: Facts, message: dns.message.Message, question: Question, rdtype: dns.rdatatype.RdataType, trust: Trust,
    now: float,
) -> None:  # fmt: skip
    """Validate a response against the zone's keys, and keep the verdict in its facts."""
    if facts.outcome in _VALIDATED:
        facts.checked(trust.version, validate(message, parse(question.name), rdtype, trust, now), now)


def observation(
    question: Question,
    facts: Facts,
    probe: Probe,
    asked: dt.datetime,
    transport: Transport,
    latency: float | None,
    *,
    outcome: Outcome | None = None,
    wire: bytes | None = None,
    detail: str | None = None,
    source: Source = "probe",
    keep: bool = False,
) -> Observation:
    """The event.

    Args:
        question: what was asked of whom.
        facts: what came back.
        probe: who asked.
        asked: when, in UTC.
        transport: over what the answer came, or should have come.
        latency: seconds; dropped where nothing came back.
        outcome: in place of the facts' own.
        wire: the response; kept where it is evidence.
        detail: why there is no usable answer.
        source: how it came to be seen.
        keep: the response is kept even where it is no evidence by itself, for instance because the answer changed.
    """
    said = outcome or facts.outcome
    return Observation(
        id=new_id(),
        time=asked,
        probe=probe,
        zone=question.zone,
        source=source,
        name=question.name,
        qtype=question.qtype,
        server=facts.server,
        transport=transport,
        outcome=said,
        rcode=facts.rcode,
        flags=facts.flags,
        ede=facts.ede,
        answers=facts.answers,
        ttl=facts.ttl,
        serial=facts.serial,
        latency=None if said in SILENT else latency,
        dnssec=facts.dnssec,
        wire=base64.b64encode(wire).decode() if (keep or facts.evidence) and wire is not None else None,
        detail=detail,
        violations=facts.violations,
    )


def _server(question: Question, nsid: str | None) -> Server:
    return Server(
        address=question.target.address,
        port=question.target.port,
        name=question.server_name if question.role == "authoritative" else None,
        role=question.role,
        nsid=nsid,
    )

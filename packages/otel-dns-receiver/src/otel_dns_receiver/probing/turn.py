"""One question to one server, asked again and again: prepared once, its known answers at hand.

An answer whose bytes are the same but for id and TTLs needs no second parse. That is most answers, and
parsing is most of the work.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import dns.message
import dns.rdatatype
from dns_events import Record, fingerprint, from_dns
from dns_events.names import parse

from otel_dns_receiver import wire as wires
from otel_dns_receiver.exchange import query, reply_in
from otel_dns_receiver.expectations import violations
from otel_dns_receiver.facts import Facts, check, facts_of

if TYPE_CHECKING:
    from otel_dns_receiver.dnssec.trust import Trust
    from otel_dns_receiver.expectations import Expectation
    from otel_dns_receiver.question import Question

#: Servers that rotate their answers have a few forms of each.
_MOST_KNOWN = 8
#: So many different answers are remembered, and so many are news within an hour: one that differs each time (a
#: location, a rotation of many) is not kept each time.
_MOST_NEWS = 64
_HOUR = 3600.0
#: Outcomes that say something of the zone; the bytes of the others are kept anyway, or there are none.
_ANSWERED = frozenset({"answer", "nodata", "nxdomain"})


class Turn:
    """One question to one server.

    Args:
        question: what and whom.
        expectation: what its answers must be like, if anything.
    """

    __slots__ = (
        "_known", "_latest", "_news", "_news_since", "_rdtype", "_shapes", "_told", "active", "address", "expectation",
        "facts", "flying", "port", "question", "tail",
    )  # fmt: skip

    def __init__(self, question: Question, expectation: Expectation | None = None) -> None:
        self.question = question
        self.address = question.target.address
        self.port = question.target.port
        self.expectation = expectation
        self._rdtype = dns.rdatatype.from_text(question.qtype)
        asked = query(parse(question.name), self._rdtype, recursive=question.role == "recursive")
        self.tail: bytes = asked.to_wire()[2:]
        self._known: dict[bytes, Facts] = {}
        self._shapes: dict[bytes, _Shape] = {}
        self._told: dict[tuple[str, str], None] = {}
        self._latest: Facts | None = None
        self._news, self._news_since = 0, float("-inf")
        self.facts: Facts | None = None
        """What the last accepted answer says."""
        self.flying = False
        self.active = True

    def accepts(self, wire: bytes) -> bool:
        """Whether these bytes, whose id is right, answer the question; `facts` then says what they say."""
        facts = self._known.get(wire[2:])
        if facts is not None:
            self.facts = facts
            return True
        return self._read(wire)

    def verify(self, facts: Facts, wire: bytes, trust: Trust) -> None:
        """Bring the verdict of an answer up to date with the zone's keys and the time."""
        now = time.time()
        root = facts.root or facts
        if root.version is not trust.version or now >= root.until:
            message = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
            check(root, message, self.question, self._rdtype, trust, now)
        if root is not facts:
            facts.checked_like(root)

    def news(self, facts: Facts, now: float | None = None) -> bool:
        """Whether this answer says what none before it said: the first, and each with other data. TTLs do not count.

        Args:
            facts: of the answer.
            now: monotonic seconds.
        """
        root = facts.root or facts
        if root is self._latest or facts.outcome not in _ANSWERED:
            return False
        self._latest = root
        mark = facts.outcome, fingerprint(facts.answers)
        known = mark in self._told
        self._told.pop(mark, None)
        self._told[mark] = None  # the newest is forgotten last
        if known:
            return False
        if len(self._told) > _MOST_NEWS:
            self._told.pop(next(iter(self._told)))
        now = time.monotonic() if now is None else now
        if now - self._news_since >= _HOUR:
            self._news, self._news_since = 0, now
        self._news += 1
        return self._news <= _MOST_NEWS

    def _read(self, wire: bytes) -> bool:
        for shape in self._shapes.values():
            if shape.length == len(wire):
                key = wires.without_ttls(wire, shape.places)
                known = self._shapes.get(key)
                if known is not None and known.places == shape.places:
                    self._keep(wire, self._expected(known.aged(wire)))
                    return True
        question = parse(self.question.name), self._rdtype
        reply = reply_in(question, wire, "udp", 0.0)
        if reply is None:
            return False
        facts = facts_of(reply.message, self.question, self._rdtype)
        self._expected(facts)
        if reply.message is None:
            self.facts = facts
            return True
        self._keep(wire, facts)
        try:
            places = wires.records(wire)
        except wires.WireError:  # trailing or odd bytes that the parser forgave: never taken as known
            return True
        if len(self._shapes) >= _MOST_KNOWN:
            self._shapes.pop(next(iter(self._shapes)))
        shape = _Shape(wire, places, facts)
        self._shapes[wires.without_ttls(wire, shape.places)] = shape
        return True

    def _expected(self, facts: Facts) -> Facts:
        if self.expectation is not None:
            facts.violations = violations(self.expectation, facts, self.question.qtype, self.question.role)
        return facts

    def _keep(self, wire: bytes, facts: Facts) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.pop(next(iter(self._known)))
        self._known[wire[2:]] = facts
        self.facts = facts


class _Shape:
    """Answers that differ in their TTLs only."""

    __slots__ = ("facts", "groups", "length", "places")

    def __init__(self, wire: bytes, records: list[wires.RecordAt], facts: Facts) -> None:
        self.length = len(wire)
        self.places = wires.ttl_places(records)
        self.facts = facts
        # TTL places of the records of each RRset, by type and owner; a set counts with its smallest.
        self.groups: list[tuple[int, ...]] = []
        if facts.answers:
            message = dns.message.from_wire(
                wire, ignore_trailing=True, raise_on_truncation=False, one_rr_per_rrset=True
            )
            by_set: dict[tuple[str, str], list[int]] = {}
            for place, rrset in zip([r for r in records if r.section == 0], message.answer, strict=False):
                if rrset.rdtype != dns.rdatatype.RRSIG:
                    of = from_dns(rrset.name), dns.rdatatype.to_text(rrset.rdtype)
                    by_set.setdefault(of, []).append(place.ttl)
            self.groups = [tuple(by_set[record.name, record.type]) for record in facts.answers]

    def aged(self, wire: bytes) -> Facts:
        """The facts of an answer of this shape."""
        answers = tuple(
            Record(name=r.name, type=r.type, ttl=min([wires.ttl_at(wire, p) for p in places]), data=r.data)
            for r, places in zip(self.facts.answers, self.groups, strict=True)
        )
        return self.facts.aged(answers)

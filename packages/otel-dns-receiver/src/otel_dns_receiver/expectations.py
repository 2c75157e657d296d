"""What the answers for a name must be like, and in what an answer is not like that. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

import dns.exception
import dns.rcode
import dns.rdata
import dns.rdatatype
from dns_events import Violation
from msgspec import Meta, Struct

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_dns_receiver.facts import Facts

Ttl = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Flag = Literal["aa", "tc", "rd", "ra", "ad", "cd"]

#: Flags that only one kind of server can set; an expectation of them is for that kind.
_ONLY = {"aa": "authoritative", "ra": "recursive", "ad": "recursive"}
_NOTHING = frozenset({"timeout", "unreachable", "malformed"})
#: A pattern is matched against so many characters of a record at most.
_MOST_TEXT = 4096


class TtlBounds(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of every TTL in the answer, in seconds; from caches only the upper one counts."""

    min: Ttl | None = None
    max: Ttl | None = None


class Expectation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an answer must be like. What is left out is not looked at."""

    data: tuple[str, ...] | None = None
    """The whole set of data, in presentation form, in any order."""
    minimum: Annotated[int, Meta(ge=0, le=1000)] | None = None
    """Fewest records of the type; without it, one where there is any other expectation of data."""
    ttl: TtlBounds | None = None
    rcodes: tuple[str, ...] | None = None
    """Response codes that are fine; NOERROR where left out."""
    flags: tuple[Flag, ...] = ()
    """Flags that must be set: ``aa`` by authoritative servers, ``ad`` and ``ra`` by recursive ones."""
    no_flags: tuple[Flag, ...] = ()
    match: tuple[str, ...] = ()
    """Patterns (Python's `re`) each of which some record must match."""
    not_match: tuple[str, ...] = ()
    """Patterns that no record may match."""

    def __post_init__(self) -> None:
        for pattern in (*self.match, *self.not_match):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a pattern: {error}; see Python's re") from error
        for rcode in self.rcodes or ():
            try:
                dns.rcode.from_text(rcode)
            except dns.rcode.UnknownRcode as error:
                raise ValueError(f"{rcode!r} is not an rcode; write for instance NOERROR or NXDOMAIN") from error
        if self.ttl is not None and None not in (self.ttl.min, self.ttl.max) and self.ttl.min > self.ttl.max:  # type: ignore[operator]
            raise ValueError(f"ttl.min {self.ttl.min} is over ttl.max {self.ttl.max}")


def violations(expected: Expectation, facts: Facts, qtype: str, role: str) -> tuple[Violation, ...]:
    """Every way in which an answer is not as expected. Silence is no violation: it is an outcome of its own.

    Args:
        expected: what it must be like.
        facts: what it is.
        qtype: the type that was asked for.
        role: ``authoritative`` or ``recursive``: of the server.
    """
    return () if facts.outcome in _NOTHING else tuple(_violations(expected, facts, qtype, role))


def _violations(expected: Expectation, facts: Facts, qtype: str, role: str) -> Iterator[Violation]:
    rcodes = expected.rcodes or ("NOERROR",)
    if facts.rcode not in rcodes:
        yield Violation(expectation="rcode", text=f"{facts.rcode} in place of {' or '.join(rcodes)}")
        return
    records = [r for r in facts.answers if r.type == qtype]
    least = expected.minimum
    if least is None:
        least = 1 if (expected.data or expected.match) and facts.rcode == "NOERROR" else 0
    if len(records) < least:
        yield Violation(expectation="minimum", text=f"{len(records)} records, at least {least} are expected")
    if expected.data is not None and records:
        yield from _data(qtype, expected.data, [r.data for r in records])
    yield from _ttls(expected.ttl, facts, role)
    for flag in expected.flags:
        if flag not in facts.flags and _ONLY.get(flag, role) == role:
            yield Violation(expectation="flag", text=f"{flag.upper()} is not set")
    for flag in expected.no_flags:
        if flag in facts.flags:
            yield Violation(expectation="flag", text=f"{flag.upper()} is set")
    texts = [r.data[:_MOST_TEXT] for r in records]
    for pattern in expected.match:
        if texts and not any(re.search(pattern, text) for text in texts):
            yield Violation(expectation="match", text=f"no record matches {pattern}")
    for pattern in expected.not_match:
        if (found := next((text for text in texts if re.search(pattern, text)), None)) is not None:
            yield Violation(expectation="not_match", text=f"{found[:200]} matches {pattern}")


def _data(rdtype: str, expected: tuple[str, ...], found: list[str]) -> Iterator[Violation]:
    wanted = {canonical(rdtype, text): text for text in expected}
    came = {canonical(rdtype, text): text for text in found}
    if missing := [text for key, text in wanted.items() if key not in came]:
        yield Violation(expectation="data", text=f"missing: {', '.join(missing)[:300]}")
    if extra := [text for key, text in came.items() if key not in wanted]:
        yield Violation(expectation="data", text=f"not expected: {', '.join(extra)[:300]}")


def _ttls(bounds: TtlBounds | None, facts: Facts, role: str) -> Iterator[Violation]:
    if bounds is None or not facts.answers:
        return
    lowest, highest = min(r.ttl for r in facts.answers), max(r.ttl for r in facts.answers)
    if bounds.min is not None and role == "authoritative" and lowest < bounds.min:
        yield Violation(expectation="ttl", text=f"TTL {lowest} is under {bounds.min}")
    if bounds.max is not None and highest > bounds.max:
        yield Violation(expectation="ttl", text=f"TTL {highest} is over {bounds.max}")


@lru_cache(maxsize=4096)
def canonical(rdtype: str, text: str) -> bytes:
    """Data in canonical form (RFC 4034 §6.2); text that is no data of the type, as it stands."""
    try:
        return dns.rdata.from_text("IN", rdtype, text).to_digestable()
    except (dns.exception.DNSException, ValueError):
        return text.strip().lower().encode()

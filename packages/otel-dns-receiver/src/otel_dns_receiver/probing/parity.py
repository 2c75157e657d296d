"""The same question over several ways to one server (sizes of UDP, TCP, TLS, HTTPS, QUIC): do the answers agree?

Where they do not, something stands between: a path that drops fragments, a blocked port 53/tcp, a box that
answers in the server's place.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import dns.rdatatype
from dns_events import Probe, Violation, fingerprint
from dns_events.names import parse
from msgspec import structs

from otel_dns_receiver.ask import observe
from otel_dns_receiver.exchange import exchange, query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dns_events import Observation, Transport

    from otel_dns_receiver.question import Question, Target
    from otel_dns_receiver.transports.pool import Pool

#: Answers that rotate differ from one time to the next; so often each way is asked before it counts as different.
_TRIES = 3
_SILENT = frozenset({"timeout", "unreachable", "malformed"})


class Way(NamedTuple):
    """One way to a server."""

    target: Target
    transport: Transport
    size: int = 1232
    """UDP payload size in EDNS, octets (RFC 6891 §6.2.3)."""

    @property
    def label(self) -> str:
        """For people."""
        return f"udp with {self.size} octets" if self.transport == "udp" else self.transport


def ways(targets: Sequence[tuple[Target, Transport]], sizes: Sequence[int]) -> tuple[Way, ...]:
    """Every way to a server: what is configured, UDP in several sizes, and TCP where there is UDP."""
    found: dict[Way, None] = {}
    for target, transport in targets:
        if transport == "udp":
            found |= dict.fromkeys(Way(target, "udp", size) for size in sizes)
            found[Way(target, "tcp")] = None
        else:
            found[Way(target, transport)] = None
    return tuple(found)


async def compare(
    question: Question, several: Sequence[Way], probe: Probe, timeout: float, pool: Pool
) -> list[Observation]:
    """Ask over every way; the observations of those whose answers differ from what most ways give.

    Each carries a violation ``parity`` that says what differs.
    """
    seen: dict[Way, dict[str, Observation]] = {way: {} for way in several}
    for _ in range(_TRIES):
        events = await asyncio.gather(*(_ask(question, way, probe, timeout, pool) for way in several))
        for way, event in zip(several, events, strict=True):
            seen[way].setdefault(_what(event), event)
        if not _odd(seen):
            return []
    return [_marked(way, seen, usual) for way, usual in _odd(seen)]


async def _ask(question: Question, way: Way, probe: Probe, timeout: float, pool: Pool) -> Observation:
    asked = dt.datetime.now(dt.UTC)
    rdtype = dns.rdatatype.from_text(question.qtype)
    message = query(parse(question.name), rdtype, recursive=question.role == "recursive", payload=way.size)
    reply = await exchange(message, way.target, timeout, way.transport, pool)
    return observe(question._replace(target=way.target, transport=way.transport), reply, probe, asked)


def _what(event: Observation) -> str:
    """What an answer says, whatever its TTLs and order."""
    return f"{event.outcome} {fingerprint(event.answers)}"


def _odd(seen: dict[Way, dict[str, Observation]]) -> list[tuple[Way, str]]:
    """The ways that never gave what most ways gave, and what that is."""
    votes = Counter(what for answers in seen.values() for what in answers)
    # Silence is never the norm: one way that answers shows that the server does.
    spoken = {what: n for what, n in votes.items() if what.partition(" ")[0] not in _SILENT}
    if not spoken:
        return []
    usual = max(sorted(spoken), key=lambda what: spoken[what])
    usuals = {what for answers in seen.values() if usual in answers for what in answers} - _silences(votes)
    return [(way, usual) for way, answers in seen.items() if not usuals & set(answers)]


def _silences(votes: Counter[str]) -> set[str]:
    return {what for what in votes if what.partition(" ")[0] in _SILENT}


def _marked(way: Way, seen: dict[Way, dict[str, Observation]], usual: str) -> Observation:
    event = next(iter(seen[way].values()))
    others = ", ".join(other.label for other, answers in seen.items() if usual in answers)
    data = ", ".join(record.data for record in event.answers)[:200]
    said = event.detail or event.outcome if event.outcome in _SILENT else f"{event.outcome} {data}".strip()
    text = f"over {way.label}: {said}; otherwise over {others}"
    return structs.replace(event, violations=(*event.violations, Violation(expectation="parity", text=text)))

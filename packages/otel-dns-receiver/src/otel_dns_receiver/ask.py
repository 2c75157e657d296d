"""One question to one server, as an `Observation`."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import dns.rdatatype
from dns_events.names import parse

from . import facts
from .exchange import Reply, exchange, query
from .expectations import violations

if TYPE_CHECKING:
    from collections.abc import Callable

    from dns_events import Observation, Outcome, Probe

    from .dnssec.trust import Trust
    from .expectations import Expectation
    from .facts import Facts
    from .question import Question
    from .transports.pool import Pool


async def ask(
    question: Question,
    probe: Probe,
    timeout: float,
    trust: Trust | None = None,
    pool: Pool | None = None,
    *,
    expectation: Expectation | None = None,
    news: Callable[[Facts], bool] | None = None,
) -> Observation:
    """Ask once and say what came of it. Nothing a server does raises.

    Args:
        question: what and whom.
        probe: who asks.
        timeout: seconds, a second try over TCP after truncation included.
        trust: the zone's keys; without them nothing is validated.
        pool: connections to reuse; without it, one is made and closed.
        expectation: what the answer must be like.
        news: whether the answer says something new, so that its bytes are kept.
    """
    name, rdtype = parse(question.name), dns.rdatatype.from_text(question.qtype)
    asked = dt.datetime.now(dt.UTC)
    message = query(name, rdtype, recursive=question.role == "recursive")
    reply = await exchange(message, question.target, timeout, question.transport, pool)
    return observe(question, reply, probe, asked, trust, expectation, news)


def observe(
    question: Question,
    reply: Reply,
    probe: Probe,
    asked: dt.datetime,
    trust: Trust | None = None,
    expectation: Expectation | None = None,
    news: Callable[[Facts], bool] | None = None,
) -> Observation:
    """The observation of a reply. Pure but for the id and the validation's clock."""
    if reply.status in {"timeout", "unreachable"}:
        said = facts.silence(question)
        why: Outcome = "timeout" if reply.status == "timeout" else "unreachable"
        return facts.observation(question, said, probe, asked, reply.transport, None, outcome=why, detail=reply.detail)
    rdtype = dns.rdatatype.from_text(question.qtype)
    said = facts.facts_of(reply.message, question, rdtype)
    if reply.message is not None and trust is not None:
        facts.check(said, reply.message, question, rdtype, trust, time.time())
    if expectation is not None:
        said.violations = violations(expectation, said, question.qtype, question.role)
    return facts.observation(
        question, said, probe, asked, reply.transport, reply.latency, wire=reply.wire, detail=reply.detail,
        keep=news is not None and news(said),
    )  # fmt: skip

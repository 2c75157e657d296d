"""Waiting until servers answer, by asking them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from .errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .process import Server

#: UDP on loopback drops under load, so every question has a short bound and is asked again.
_EACH = 0.25


@dataclass(frozen=True, slots=True)
class Question:
    """The SOA of a zone at an address; `validated`: the answer must carry AD."""

    address: str
    zone: str
    validated: bool = False

    def answered(self) -> bool:
        """Whether the right answer comes now."""
        query = dns.message.make_query(self.zone, "SOA", want_dnssec=self.validated)
        if not self.validated:
            query.flags &= ~dns.flags.RD
        try:
            response = dns.query.udp(query, self.address, timeout=_EACH)
        except (dns.exception.Timeout, OSError):
            # A server that does not listen yet answers with silence, or ICMP with an error.
            return False
        flag = dns.flags.AD if self.validated else dns.flags.AA
        return response.rcode() == dns.rcode.NOERROR and bool(response.answer) and bool(response.flags & flag)


def wait(questions: Iterable[tuple[Server, Question]], patience: float) -> None:
    """Ask until every server has given its answer.

    Raises:
        LabError: a server ended, or did not answer in `patience` seconds.
    """
    deadline = time.monotonic() + patience
    for server, question in questions:
        while not question.answered():
            server.check()
            if time.monotonic() > deadline:
                raise LabError(
                    server.complaint(
                        f"gives no {'validated ' if question.validated else ''}SOA of {question.zone} "
                        f"at {question.address} after {patience:.0f} s"
                    )
                )
            time.sleep(0.02)

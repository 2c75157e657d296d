"""The same question over several ways: a path that drops large datagrams, a blocked TCP, a box in between."""

from __future__ import annotations

import asyncio
import itertools

import dns.flags
import pytest
from dns_events import Probe
from otel_dns_receiver.probing.parity import compare, ways
from otel_dns_receiver.question import Question, Target
from otel_dns_receiver.transports.pool import Pool
from udp_server import says, serving

LONG = tuple(("TXT", '"' + f"{n:03d}" + "x" * 200 + '"') for n in range(9))  # about 2,000 octets
SHORT = (("TXT", '"v=1"'),)


def odd(udp, tcp, size=4096):
    async def go():
        async with serving(udp, tcp, size) as port, Pool() as pool:
            target = Target("127.0.0.1", port)
            question = Question("tower.test", "www.tower.test", "TXT", target, "authoritative")
            several = ways([(target, "udp")], (512, 1232, 4096))
            return await compare(question, several, Probe(id="t"), 0.3, pool)

    return [(e.transport, e.outcome, e.violations[-1].text.partition(":")[0]) for e in asyncio.run(go())]


def large_is_lost(query):
    return None if (query.payload or 512) > 1500 else says(*LONG)(query)


def test_all_ways_agree():
    assert odd(says(*SHORT), says(*SHORT)) == []
    assert odd(says(*LONG), says(*LONG)) == []  # truncated, then over TCP: the ordinary course


def test_large_datagrams_are_lost_on_the_way():
    assert odd(large_is_lost, says(*LONG)) == [("udp", "timeout", "over udp with 4096 octets")]


def test_truncation_with_tcp_blocked():
    assert odd(says(*LONG), None) == [
        ("tcp", "unreachable", "over udp with 512 octets"),
        ("tcp", "unreachable", "over udp with 1232 octets"),
        ("tcp", "unreachable", "over tcp"),
    ]


def test_somebody_answers_udp_in_the_servers_place():
    found = odd(says(("TXT", '"welcome to the hotel"')), says(*SHORT))
    assert {(transport, outcome) for transport, outcome, _ in found} == {("tcp", "answer")}


@pytest.mark.parametrize("forms", [2, 3])
def test_answers_that_rotate_are_no_difference(forms):
    turn = itertools.count()

    def rotating(query):
        return says(("TXT", f'"{next(turn) % forms}"'))(query)

    assert odd(rotating, rotating) == []


def mute(_query):
    """A server that says nothing."""


def test_a_server_that_is_down_is_no_difference():
    assert odd(mute, None) == []


def test_flags_are_no_difference():
    assert odd(says(*SHORT, flags=dns.flags.AA), says(*SHORT, flags=0)) == []

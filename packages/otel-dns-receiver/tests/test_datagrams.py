"""Many questions over UDP: answers that are known, noise, silence, closed doors, and ports that change."""

from __future__ import annotations

import asyncio
import os
import time

import dns.flags
import dns.message
import dns.rrset
import pytest
from dns_events import Probe
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver import wire as wires
from otel_dns_receiver.facts import observation
from otel_dns_receiver.probing import turn as turn_module
from otel_dns_receiver.probing.turn import Turn
from otel_dns_receiver.question import Question, Target
from otel_dns_receiver.transports import datagrams
from otel_dns_receiver.transports.datagrams import Datagrams
from signed import NOW
from udp_server import says, serving


def a_turn(port=53, qtype="A", role="recursive"):
    return Turn(Question("tower.test", "www.tower.test", qtype, Target("127.0.0.1", port), role))


def ask_all(udp, count=1, timeout=0.5, rounds=1, port=None):
    """What comes of `count` questions: answers, silences, strays."""

    async def go():
        answers, silences = [], []
        async with serving(udp) as free:
            out = Datagrams(timeout, lambda *a: answers.append(a), lambda *a: silences.append(a))
            for _ in range(rounds):
                for turn in [a_turn(port or free) for _ in range(count)]:
                    out.ask(turn)
                wanted = len(answers) + len(silences) + count
                deadline = time.monotonic() + 5
                while len(answers) + len(silences) < wanted and time.monotonic() < deadline:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            out.close()
            return answers, silences, out.strays

    return asyncio.run(go())


def test_each_question_gets_its_answer():
    answers, silences, strays = ask_all(says(("A", "192.0.2.1")), count=200)
    assert (len(answers), silences, strays) == (200, [], 0)
    assert {turn.facts.answers[0].data for turn, *_ in answers} == {"192.0.2.1"}
    assert all(0 <= now - sent < 5 for _, _, sent, now in answers)


def test_silence_is_a_timeout_after_the_timeout_and_not_before():
    began = time.monotonic()
    answers, silences, _ = ask_all(lambda _: None, count=20, timeout=0.3)
    assert not answers
    assert {why for _, why, _ in silences} == {"timeout"}
    assert time.monotonic() - began >= 0.3


def test_a_closed_port_is_unreachable_long_before_the_timeout():
    async def a_port():
        async with serving(lambda _: None) as free:
            return free

    _, silences, _ = ask_all(lambda _: None, count=3, timeout=4.0, port=asyncio.run(a_port()))
    assert {why for _, why, _ in silences} == {"unreachable"}


def test_noise_before_the_answer_is_passed_over_and_counted():
    def noisy(query):
        wrong_id = says(("A", "203.0.113.66"))(query).to_wire()
        other = dns.message.make_query("other.test", "A")
        other.id = query.id
        return [
            os.urandom(7),
            bytes([wrong_id[0] ^ 1]) + wrong_id[1:],
            says(("A", "203.0.113.66"))(other).to_wire(),
            query.to_wire(),
            says(("A", "192.0.2.1"))(query).to_wire(),
        ]

    answers, _, strays = ask_all(noisy)
    assert [turn.facts.answers[0].data for turn, *_ in answers] == ["192.0.2.1"]
    assert strays == 4


def test_ports_change_and_ids_do_not_repeat_while_in_flight(monkeypatch):
    monkeypatch.setattr(datagrams, "PORT_QUESTIONS", 10)
    answers, silences, _ = ask_all(says(("A", "192.0.2.1")), count=50, rounds=4)
    assert (len(answers), len(silences)) == (200, 0)


class TestKnownAnswers:
    def wire(self, *records, ttl=60, number=7, flags=dns.flags.RA):
        query = dns.message.make_query("www.tower.test", "A", want_dnssec=True, id=number)
        return says(*records, ttl=ttl, flags=flags)(query).to_wire()

    def parses(self, monkeypatch):
        """Counts full parses."""
        count = []
        real = turn_module.reply_in

        def counted(*arguments):
            count.append(1)
            return real(*arguments)

        monkeypatch.setattr(turn_module, "reply_in", counted)
        return count

    def test_the_same_answer_is_parsed_once(self, monkeypatch):
        count, turn = self.parses(monkeypatch), a_turn()
        for number in range(50):
            assert turn.accepts(self.wire(("A", "192.0.2.1"), number=number))
        assert len(count) == 1

    def test_other_ttls_are_no_reason_to_parse_and_are_right(self, monkeypatch):
        count, turn = self.parses(monkeypatch), a_turn()
        for ttl in range(60, 0, -1):
            assert turn.accepts(self.wire(("A", "192.0.2.1"), ("A", "192.0.2.2"), ttl=ttl))
            assert [record.ttl for record in turn.facts.answers] == [ttl, ttl]
            assert turn.facts.ttl == ttl
        assert len(count) == 1

    @pytest.mark.parametrize(
        "other",
        [
            {"records": [("A", "192.0.2.9")]},
            {"records": []},
            {"records": [("A", "192.0.2.1")], "flags": dns.flags.RA | dns.flags.AD},
        ],
        ids=["other data", "no data", "other flags"],
    )
    def test_another_answer_is_never_taken_for_the_known_one(self, other):
        turn = a_turn()
        assert turn.accepts(self.wire(("A", "192.0.2.1")))
        known = turn.facts
        assert turn.accepts(self.wire(*other["records"], flags=other.get("flags", dns.flags.RA)))
        assert turn.facts is not known
        fresh = a_turn()
        fresh.accepts(self.wire(*other["records"], flags=other.get("flags", dns.flags.RA)))
        for field in ("outcome", "rcode", "flags", "answers", "ttl", "serial"):
            assert getattr(turn.facts, field) == getattr(fresh.facts, field), field

    @settings(max_examples=200, deadline=None)
    @given(data=st.data())
    def test_whatever_comes_a_turn_says_what_a_fresh_one_would(self, data):
        good = self.wire(("A", "192.0.2.1"), ("A", "192.0.2.2"))
        altered = bytearray(good)
        for _ in range(data.draw(st.integers(0, 3))):
            altered[data.draw(st.integers(2, len(good) - 1))] = data.draw(st.integers(0, 255))
        wire = bytes(altered[: data.draw(st.integers(12, len(good)))])
        used, fresh = a_turn(), a_turn()
        used.accepts(good)
        first = used.accepts(wire)
        assert first == fresh.accepts(wire)
        if first:
            for field in ("outcome", "rcode", "flags", "answers", "ttl", "serial", "ede"):
                assert getattr(used.facts, field) == getattr(fresh.facts, field), field
            event = observation(used.question, used.facts, Probe(id="t"), NOW, "udp", 0.1, wire=wire)
            assert event.outcome == used.facts.outcome

    def test_it_remembers_a_few_answers_only(self):
        turn = a_turn()
        for n in range(200):
            assert turn.accepts(self.wire(("A", f"192.0.2.{n}")))
        assert len(turn._known) <= 8
        assert len(turn._shapes) <= 8


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_places(noise):
    try:
        found = wires.records(noise)
    except wires.WireError:
        return
    assert all(record.data + record.length <= len(noise) for record in found)
    assert len(wires.without_ttls(noise, wires.ttl_places(found))) == max(len(noise) - 2, 0)

"""The probe source's promises: never more in flight than configured, spread over the interval, all accounted for."""

from __future__ import annotations

import asyncio
import base64
import time
from collections import Counter

import dns.flags
import dns.message
import dns.rrset
import pytest
from dns_events import Observation
from otel_dns_receiver.config import Resolver, load_config
from otel_dns_receiver.observer import Observer
from otel_dns_receiver.probing import Prober
from otel_dns_receiver.probing.turn import Turn
from otel_dns_receiver.question import Question, Target

NAMES = 8
CONFIG = """\
version: 1
probe: {{id: t-1, region: test}}
interval: {interval}
timeout: {timeout}
in_flight: {in_flight}
clock_age: 3
control: null
root_hints: hints
zones:
  - zone: example.test
    names:
{names}
"""


class Slow(asyncio.DatagramProtocol):
    """A resolver that takes its time, or says nothing."""

    def __init__(self, delay: float | None) -> None:
        self.delay = delay
        self.times: list[float] = []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.times.append(time.monotonic())
        if self.delay is not None:
            asyncio.get_running_loop().call_later(self.delay, self._answer, data, address)

    def _answer(self, data, address):
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if query.question[0].rdtype == 1:
            response.answer.append(dns.rrset.from_text(query.question[0].name, 30, "IN", "A", "192.0.2.1"))
        self.transport.sendto(response.to_wire(), address)


def probe(tmp_path, *, seconds, delay, interval="1s", timeout="500ms", in_flight=4):
    """Run a prober against the slow resolver; its events, counts, most in flight, and when it was asked."""
    # A root that nobody answers at: what is under test is the scheduler, not the walk.
    (tmp_path / "hints").write_text(". 60 IN NS ns.\nns. 60 IN A 127.255.255.254\n")
    names = "\n".join(f"      - {{name: n{n}.example.test}}" for n in range(NAMES - 1))
    file = tmp_path / "receiver.yaml"
    file.write_text(CONFIG.format(interval=interval, timeout=timeout, in_flight=in_flight, names=names))
    events, most = [], 0

    async def run():
        transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: Slow(delay), local_addr=("127.0.0.1", 0)
        )
        resolver = Resolver(address="127.0.0.1", port=transport.get_extra_info("sockname")[1], name="slow")
        config = load_config(file)

        def emit(event):
            nonlocal most
            most = max(most, prober.counts.in_flight + 1)  # this one has just come in
            events.append(event)

        prober = Prober(config, (resolver,), Observer(config.probe, config.clock_age), emit)
        stop = asyncio.Event()
        task = asyncio.create_task(prober.run(stop))
        await asyncio.sleep(seconds)
        stop.set()
        await asyncio.wait_for(task, 10)
        transport.close()
        return prober.counts, server.times

    counts, times = asyncio.run(run())
    assert counts.in_flight == 0
    return [e for e in events if isinstance(e, Observation)], counts, most, times


def test_never_more_in_flight_than_configured(tmp_path):
    events, counts, most, _ = probe(tmp_path, seconds=2.5, delay=0.05, in_flight=4)
    assert most == 4
    assert counts.sent == counts.answered + counts.timed_out + counts.failed == len(events)


def test_every_question_of_every_name_once_an_interval(tmp_path):
    events, _, _, times = probe(tmp_path, seconds=3.6, delay=0.0, in_flight=50)
    asked = Counter((event.name, event.qtype) for event in events)
    assert len(asked) == NAMES * 5
    assert min(asked.values()) >= 2
    assert max(asked.values()) <= 5
    # Spread: no tenth of a second has a large part of an interval's questions.
    bins = Counter(int((t - times[0]) * 10) for t in times)
    assert max(bins.values()) <= NAMES * 5 / 2


def test_silence_is_timeouts_and_all_are_accounted_for(tmp_path):
    events, counts, _, _ = probe(tmp_path, seconds=2.0, delay=None, timeout="200ms", in_flight=100)
    assert {event.outcome for event in events} == {"timeout"}
    assert {event.latency for event in events} == {None}
    assert counts.sent == counts.timed_out == len(events)


def test_every_event_says_who_looked_and_how_old_its_clock_is(tmp_path):
    events, *_ = probe(tmp_path, seconds=1.2, delay=0.0)
    assert {(e.probe.id, e.probe.region, e.probe.clock_age) for e in events} == {("t-1", "test", 3.0)}
    assert {e.zone for e in events} == {"example.test"}


@pytest.mark.parametrize(("delay", "reach"), [(0.0, ("ipv4",)), (None, ())], ids=["answered", "blind"])
def test_every_event_says_whether_anybody_answers_the_probe(tmp_path, delay, reach):
    events, *_ = probe(tmp_path, seconds=4.0, delay=delay, timeout="200ms", in_flight=100)
    assert events[0].probe.reach is None
    assert events[-1].probe.reach == reach


@pytest.mark.parametrize("answered", [True, False])
def test_a_turn_that_is_still_out_is_passed_over_and_counted(tmp_path, answered):
    _, counts, _, _ = probe(tmp_path, seconds=2.5, delay=0.2 if answered else None, timeout="900ms", in_flight=2)
    assert counts.skipped > 0
    assert counts.sent == counts.answered + counts.timed_out + counts.failed


def test_the_bytes_of_the_first_answer_are_kept_and_of_its_like_no_more(tmp_path):
    events, *_ = probe(tmp_path, seconds=2.5, delay=0.0, in_flight=50)
    questions = {}
    for event in sorted(events, key=lambda event: event.time):
        questions.setdefault((event.name, event.qtype), []).append(event)
    for (name, qtype), (first, *later) in questions.items():
        message = dns.message.from_wire(base64.b64decode(first.wire))
        assert message.question[0].to_text() == f"{name}. IN {qtype}"
        assert later
        assert {event.wire for event in later} == {None}


def answer(turn, data=(), *, ttl=30, rcode=0):
    """What a turn makes of an answer."""
    query = dns.message.make_query("www.example.test.", "A")
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    response.set_rcode(rcode)
    if data:
        response.answer.append(dns.rrset.from_text_list("www.example.test.", ttl, "IN", "A", data))
    assert turn.accepts(response.to_wire())
    return turn.facts


ONE, TWO = ["192.0.2.1"], ["192.0.2.1", "192.0.2.2"]
ANSWERS = {
    "the same again": ([(ONE, {}), (ONE, {}), (ONE, {})], [True, False, False]),
    "another TTL": ([(ONE, {}), (ONE, {"ttl": 29})], [True, False]),
    "another order": ([(TWO, {}), (TWO[::-1], {})], [True, False]),
    "another address": ([(ONE, {}), (TWO, {}), (ONE, {})], [True, True, False]),
    "gone": ([(ONE, {}), ([], {}), ([], {"rcode": 3})], [True, True, True]),
    # Their bytes are kept anyway, every time.
    "a failure in between": ([(ONE, {}), ([], {"rcode": 2}), (ONE, {})], [True, False, False]),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_is_news_when_no_answer_before_said_it(case):
    answers, expected = ANSWERS[case]
    turn = Turn(Question("example.test", "www.example.test", "A", Target("127.0.0.1", 53), "recursive"))
    assert [turn.news(answer(turn, data, **how)) for data, how in answers] == expected


def test_an_answer_that_always_differs_is_kept_so_many_times_an_hour():
    turn = Turn(Question("example.test", "www.example.test", "A", Target("127.0.0.1", 53), "recursive"))
    several = [f"198.51.100.{n}" for n in range(200)]
    assert sum(turn.news(answer(turn, [data]), now=float(n)) for n, data in enumerate(several)) == 64
    assert turn.news(answer(turn, ["192.0.2.1"]), now=3600.0)

"""dnstap from real BIND, Knot, Unbound and dnsdist; from writers that misbehave; and every frame accounted for."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from collections import Counter
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import peers
import pytest
from dns_events import Observation, Probe, Traffic
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver.sources import Context
from otel_dns_receiver.sources.contract import Zones
from otel_dns_receiver.sources.dnstap import Dnstap
from otel_dns_receiver.sources.dnstap.dnstap_pb2 import Dnstap as Proto
from otel_dns_receiver.sources.dnstap.frames import CONTENT_TYPE, Decoder, FrameError
from otel_dns_receiver.sources.dnstap.message import MessageError, outcome_of, read
from otel_dns_receiver.sources.dnstap.pairing import Pairing
from otel_dns_receiver.sources.traffic import Minutes

U32 = struct.Struct("!I")
NOW = 1_800_000_000.0


def control(kind, content=None):
    field = b"" if content is None else U32.pack(1) + U32.pack(len(content)) + content
    body = U32.pack(kind) + field
    return U32.pack(0) + U32.pack(len(body)) + body


READY, ACCEPT, START, STOP = control(4, CONTENT_TYPE), control(1, CONTENT_TYPE), control(2, CONTENT_TYPE), control(3)


def framed(data):
    return U32.pack(len(data)) + data


def frame(kind, name="www.tower.test", rcode=dns.rcode.NOERROR, number=1, answers=1, port=5000, at=NOW, took=0.002):
    """A dnstap frame: an even `kind` is a response."""
    query = dns.message.make_query(name, "A", id=number)
    proto = Proto(type=1)
    message = proto.message
    message.type, message.socket_family, message.socket_protocol = kind, 1, 1
    message.query_address, message.response_address = bytes([192, 0, 2, 7]), bytes([127, 0, 0, 1])
    message.query_port, message.response_port = port, 53
    message.query_time_sec, message.query_time_nsec = int(at), int(at % 1 * 1e9)
    if kind % 2:
        message.query_message = query.to_wire()
        return proto.SerializeToString()
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    response.set_rcode(rcode)
    if rcode == dns.rcode.NOERROR:
        for n in range(answers):
            response.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", f"192.0.2.{n + 1}"))
    message.response_message = response.to_wire()
    message.response_time_sec, message.response_time_nsec = int(at + took), int((at + took) % 1 * 1e9)
    return proto.SerializeToString()


class Running:
    """The source, in a task of its own."""

    def __init__(self, config, zones=("tower.test",), base=Path()):
        self.context, self.events, self.counts = Context.collecting(zones, base)
        self.task = asyncio.create_task(config.run(self.context))

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def traffic(self):
        return [e for e in self.events if isinstance(e, Traffic)]

    @property
    def observations(self):
        return [e for e in self.events if isinstance(e, Observation)]

    def outcomes(self):
        total = Counter()
        for event in self.traffic:
            total.update(event.outcomes)
        return dict(total)


def whole(counts):
    """Whether every frame that came is accounted for."""
    ends = ("paired", "response_only", "timed_out", "repeated", "over_limit", "unsupported", "unparsable")
    return counts["received"] == sum(counts[state] for state in ends)


async def until(condition, seconds=15.0):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.05)
    return True


@pytest.mark.parametrize("kind", ["bind", "knot", "unbound", "dnsdist"])
def test_from_a_real(kind, start, tmp_path):
    if kind == "knot" and not list(Path("/usr/lib").glob("*/knot/modules-*/dnstap.so")):
        pytest.skip("Knot's dnstap module is not installed (knot-module-dnstap)")
    path = tmp_path / "tap"

    async def go():
        running = Running(Dnstap(listen=f"unix:{path}", mode="0666", timeout="1s", sample=1.0))
        assert await until(path.exists)
        # BIND and dnsdist send what they have gathered after a second or so.
        upstream = start("unbound").port if kind == "dnsdist" else None
        server = await asyncio.to_thread(start, kind, path, None, upstream)
        known = {"bind", "knot", "unbound"}
        for _ in range(3):
            for name in ("www.tower.test", "nope.tower.test", "other.example"):
                await asyncio.to_thread(peers.ask, server.port, name)
        expected = 6 if kind in known else 3
        await until(lambda: len(running.observations) >= expected)
        await asyncio.to_thread(server.stop)
        await asyncio.sleep(1.2)
        await running.stop()
        return running

    running = asyncio.run(go())
    counts = running.counts
    assert whole(counts), dict(counts)
    assert counts["paired"] >= 12, dict(counts)
    assert not counts["unparsable"]
    outcomes = running.outcomes()
    assert outcomes["answer"] >= 3
    assert outcomes["nxdomain"] >= 3
    assert counts["other_zone"] >= 3
    tops = dict(pair for event in running.traffic for pair in event.top_nxdomain)
    assert set(tops) == {"nope.tower.test"}
    assert {event.clients for event in running.traffic} == {1}
    good = next(e for e in running.observations if e.outcome == "answer")
    assert (good.name, good.qtype, good.answers[0].data) == ("www.tower.test", "A", "192.0.2.1")
    assert good.source == ("authoritative_log" if kind in {"bind", "knot"} else "resolver_log")
    assert good.server.role == ("authoritative" if kind in {"bind", "knot"} else "recursive")
    assert good.latency is None or 0 <= good.latency < 5


@pytest.mark.parametrize("two_way", [True, False], ids=["two-way", "one-way"])
def test_a_writer_of_either_kind_and_a_socket_that_drops(two_way, tmp_path):
    path = tmp_path / "tap"

    async def write(count, *, finish):
        reader, writer = await asyncio.open_unix_connection(str(path))
        if two_way:
            writer.write(READY)
            assert await reader.readexactly(len(ACCEPT)) == ACCEPT
        writer.write(START)
        for n in range(count):
            writer.write(framed(frame(1, number=n)) + framed(frame(2, number=n)))
        if finish:
            writer.write(STOP)
            await writer.drain()
            assert await reader.read() == (control(5) if two_way else b"")
        else:
            writer.write(framed(frame(1, number=999))[:20])
            await writer.drain()
        writer.close()

    async def go():
        running = Running(Dnstap(listen=f"unix:{path}", timeout="200ms"))
        assert await until(path.exists)
        await write(50, finish=False)
        assert await until(lambda: running.counts["broken_off"] == 1)
        await write(50, finish=True)
        await until(lambda: running.counts["received"] == 200)
        await running.stop()
        return running

    running = asyncio.run(go())
    assert (running.counts["received"], running.counts["paired"]) == (200, 200)
    assert whole(running.counts)
    assert not path.exists()


def test_a_socket_that_another_process_left_is_taken_over_and_a_file_is_not(tmp_path):
    path = tmp_path / "tap"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()

    async def go():
        running = Running(Dnstap(listen="unix:tap"), base=tmp_path)
        assert await until(lambda: running.task.done() or path.exists())
        await asyncio.sleep(0.1)
        assert not running.task.done()
        second = Running(Dnstap(listen=f"unix:{path}"))
        assert await until(second.task.done)
        assert "in use" in str(second.task.exception())
        await running.stop()
        path.write_text("precious")
        third = Running(Dnstap(listen=f"unix:{path}"))
        assert await until(third.task.done)
        assert "no socket" in str(third.task.exception())

    asyncio.run(go())
    assert path.read_text() == "precious"


def test_over_tls_only_writers_with_a_certificate_are_let_in(tmp_path):
    from tests.certificates import Authority

    ours = Authority(tmp_path)
    certificate, key = ours.issue("127.0.0.1")
    client = ours.issue("ns1.tower.test")
    port = peers.free_port()
    config = Dnstap(
        listen=f"tcp:127.0.0.1:{port}",
        timeout="100ms",
        tls={"certificate": str(certificate), "key": str(key), "clients": str(ours.file)},  # type: ignore[arg-type]
    )
    import msgspec

    config = msgspec.convert(msgspec.to_builtins(config), Dnstap)

    async def write(with_certificate):
        context = ssl.create_default_context(cafile=str(ours.file))
        if with_certificate:
            context.load_cert_chain(*client)
        writer = None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            writer.write(READY)
            got = await reader.readexactly(len(ACCEPT))
            writer.write(START + framed(frame(1)) + framed(frame(2)) + STOP)
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            return False
        finally:
            if writer is not None:
                writer.transport.abort()
        return got == ACCEPT

    async def go():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        running = Running(config)
        await asyncio.sleep(0.3)
        assert not await write(False)
        assert await write(True)
        await until(lambda: running.counts["received"] == 2 or running.task.done())
        await asyncio.sleep(1.1)
        await running.stop()
        return running

    assert asyncio.run(go()).counts["paired"] == 2


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (framed(b"x" * 40), "data before START"),
        (START + U32.pack(1 << 30), "at most"),
        (U32.pack(0) + U32.pack(1 << 30), "control frame of 1073741824"),
        (U32.pack(0) + U32.pack(2), "control frame of 2"),
        (control(4, b"protobuf:other.Thing"), "offers protobuf:other.Thing"),
        (control(4), "offers nothing"),
        (control(2, b"text/plain"), "offers text/plain"),
        (STOP, "out of turn"),
        (START + START, "out of turn"),
        (control(77), "control frame 77"),
        (U32.pack(0) + U32.pack(12) + U32.pack(4) + U32.pack(1) + U32.pack(99), "ends within a field"),
    ],
)
def test_a_writer_that_speaks_something_else_is_closed_with_the_reason(sent, why):
    with pytest.raises(FrameError, match=why):
        Decoder(1 << 16).feed(sent)


@settings(max_examples=200, deadline=None)
@given(cuts=st.lists(st.integers(1, 60), max_size=60), count=st.integers(0, 10))
def test_however_the_bytes_are_cut_the_frames_are_the_same(cuts, count):
    frames = [frame(1, number=n) for n in range(count)]
    data = READY + START + b"".join(map(framed, frames)) + STOP
    decoder, found = Decoder(1 << 16), []
    for cut in [*cuts, len(data)]:
        part, data = data[:cut], data[cut:]
        found += decoder.feed(part)[0]
    assert found == frames
    assert decoder.finished


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_break_the_decoder(noise, started):
    decoder = Decoder(4096)
    if started:
        decoder.feed(START)
    try:
        frames, _ = decoder.feed(noise)
    except FrameError:
        return
    assert sum(map(len, frames)) <= len(noise)
    assert len(decoder._buffer) <= len(noise)


def a_pairing(zones=("tower.test",), **more):
    counts, events = Counter(), []

    def count(state, number):
        counts[state] += number

    minutes = Minutes(Zones(zones), everything=False, count=count)
    options = {"timeout": 5.0, "sample": 0.0, "failures": 1000.0, "server": None} | more
    return Pairing(minutes, events.append, lambda: Probe(id="t"), **options), minutes, events, counts


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_frame_breaks_the_reader_and_each_is_accounted_for(data):
    pairing, *_ = a_pairing(sample=1.0)
    for n in range(data.draw(st.integers(1, 8))):
        good = bytearray(frame(data.draw(st.integers(1, 14)), number=n))
        for _ in range(data.draw(st.integers(0, 4))):
            good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
        pairing.frame(bytes(good), float(n))
    pairing.expire(float("inf"))
    assert whole(pairing.counts)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_message(noise):
    with contextlib.suppress(MessageError):
        read(noise)
    outcome_of(noise + bytes(20), "authoritative")


class TestPairing:
    def test_a_query_without_a_response_is_a_timeout(self):
        pairing, minutes, events, _ = a_pairing()
        pairing.frame(frame(1), 0.0)
        pairing.expire(4.9)
        assert pairing.waiting == 1
        pairing.expire(5.1)
        (event,) = events
        assert (event.outcome, event.rcode, event.latency) == ("timeout", None, None)
        (traffic,) = minutes.close(float("inf"), Probe(id="t"))
        assert traffic.outcomes == {"timeout": 1}

    def test_the_same_id_from_another_client_is_another_query(self):
        pairing, *_ = a_pairing()
        pairing.frame(frame(1, port=5000), 0.0)
        pairing.frame(frame(2, port=5001), 0.0)
        assert (pairing.waiting, pairing.counts["response_only"]) == (1, 1)

    def test_a_repeated_query_is_one_lookup(self):
        pairing, minutes, *_ = a_pairing()
        pairing.frame(frame(1), 0.0)
        pairing.frame(frame(1), 1.0)
        pairing.frame(frame(2), 2.0)
        (traffic,) = minutes.close(float("inf"), Probe(id="t"))
        assert traffic.queries == 1
        assert whole(pairing.counts)

    def test_latency_is_from_the_producers_clock(self):
        pairing, _, events, _ = a_pairing(sample=1.0)
        pairing.frame(frame(2, took=0.25), 0.0)
        assert events[0].latency == pytest.approx(0.25, abs=1e-6)
        assert events[0].time.timestamp() == NOW

    def test_failures_become_observations_up_to_a_rate(self):
        pairing, minutes, events, _ = a_pairing(failures=5.0)
        for n in range(100):
            pairing.frame(frame(2, rcode=dns.rcode.SERVFAIL, number=n), 0.0)
        assert len(events) == 5
        assert pairing.counts["failures_not_sampled"] == 95
        (traffic,) = minutes.close(float("inf"), Probe(id="t"))
        assert traffic.outcomes == {"servfail": 100}  # counted all the same

    def test_names_outside_the_watched_zones_are_counted_as_such(self):
        pairing, minutes, events, counts = a_pairing(sample=1.0)
        pairing.frame(frame(2, name="www.example.org"), 0.0)
        assert (events, minutes.close(float("inf"), Probe(id="t"))) == ([], [])
        assert counts["other_zone"] == 1

    def test_no_client_address_is_in_any_event(self):
        import msgspec

        pairing, minutes, events, _ = a_pairing(sample=1.0)
        pairing.frame(frame(1), 0.0)
        pairing.frame(frame(2), 0.0)
        for event in [*events, *minutes.close(float("inf"), Probe(id="t"))]:
            assert b"192.0.2.7" not in msgspec.json.encode(event)

    def test_memory_is_bounded(self, monkeypatch):
        from otel_dns_receiver.sources.dnstap import pairing as module

        monkeypatch.setattr(module, "MOST_WAITING", 10)
        pairing, *_ = a_pairing()
        for n in range(100):
            pairing.frame(frame(1, number=n), 0.0)
        assert pairing.waiting == 10
        assert pairing.counts["over_limit"] == 90


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"listen": "/run/x"}, "write unix:/path/to.sock"),
        ({"listen": "tcp:6000"}, "write unix:/path/to.sock"),
        ({"listen": "unix:/run/x", "mode": "rw"}, "is not octal"),
        ({"listen": "unix:/run/x", "timeout": "soon"}, "is not a duration"),
        ({"listen": "unix:/run/x", "tls": {"certificate": "a", "key": "b"}}, "tls is for"),
    ],
)
def test_keys_that_cannot_be_meant(keys, part):
    import msgspec

    with pytest.raises(msgspec.ValidationError, match=part):
        msgspec.convert(keys, Dnstap)

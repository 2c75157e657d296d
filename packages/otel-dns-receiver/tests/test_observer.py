"""A probe that knows what it does not know: its clock, its control name, its own blindness."""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time

import pytest
from dns_events import Probe
from hypothesis import given
from hypothesis import strategies as st
from otel_dns_receiver import sntp
from otel_dns_receiver.errors import ReceiverError
from otel_dns_receiver.observer import Observer

EPOCH = 2_208_988_800


class TimeServer(asyncio.DatagramProtocol):
    """An SNTP server whose clock is off."""

    def __init__(self, lead, **changes):
        self.lead, self.changes = lead, changes

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        now = time.time() + self.lead + EPOCH
        stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
        first, stratum = self.changes.get("first", 0x24), self.changes.get("stratum", 2)
        cookie = self.changes.get("cookie", data[40:48])
        self.transport.sendto(bytes([first, stratum, 0, 0]) + bytes(20) + cookie + stamp + stamp, address)


def compared(server):
    async def go():
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: server, local_addr=("127.0.0.1", 0)
        )
        observer = Observer(Probe(id="t"), 1.0)
        port = transport.get_extra_info("sockname")[1]
        await observer.compare("127.0.0.1", port, 0.5)
        transport.close()
        return observer.probe().clock_skew

    return asyncio.run(go())


@pytest.mark.parametrize("lead", [0.0, -7.5, 3600.0])
def test_the_clock_is_compared_and_every_event_says_so(lead):
    assert compared(TimeServer(lead)) == pytest.approx(-lead, abs=0.2)


@pytest.mark.parametrize(
    "changes",
    [{"first": 0xE4}, {"stratum": 0}, {"stratum": 16}, {"first": 0x23}, {"cookie": bytes(8)}],
    ids=["alarm", "kiss of death", "unsynchronized", "not a server", "somebody else's answer"],
)
def test_a_time_server_that_cannot_be_believed_says_nothing(changes, caplog):
    assert compared(TimeServer(5.0, **changes)) is None
    assert "time server" in caplog.text


@given(st.binary(min_size=48, max_size=80))
def test_no_answer_breaks_the_reader(noise):
    with contextlib.suppress(ReceiverError):
        sntp.read(noise, 0.0, 1.0)


def test_blind_when_nobody_answers_for_a_while():
    observer = Observer(Probe(id="t"))
    observer.answered(100.0, "192.0.2.1")
    assert not observer.judge(105.0, 10.0, 60.0)
    assert observer.judge(111.0, 10.0, 60.0)
    observer.answered(112.0, "192.0.2.1")
    assert not observer.judge(113.0, 10.0, 60.0)


def test_blind_when_no_resolver_knows_the_control_name(caplog):
    observer = Observer(Probe(id="t"))
    observer.answered(100.0, "192.0.2.1")
    observer.control("a", fine=False)
    observer.control("b", fine=True)
    assert not observer.judge(101.0, 10.0, 60.0)
    observer.control("b", fine=False)
    assert observer.judge(102.0, 10.0, 60.0)
    assert observer.judge(103.0, 10.0, 60.0)
    assert caplog.text.count("this probe is blind") == 1
    observer.control("a", fine=True)
    assert not observer.judge(104.0, 10.0, 60.0)
    assert "sees again" in caplog.text


def test_events_say_over_which_families_the_probe_sees():
    observer = Observer(Probe(id="t"))
    observer.judge(99.0, 10.0, 60.0)
    assert observer.probe().reach is None  # nobody has answered yet, and nobody is late
    observer.answered(100.0, "192.0.2.1")
    observer.answered(101.0, "2001:db8::1")
    observer.judge(102.0, 10.0, 60.0)
    assert observer.probe().reach == ("ipv4", "ipv6")
    observer.answered(165.0, "192.0.2.1")
    observer.judge(166.0, 10.0, 60.0)
    assert observer.probe().reach == ("ipv4",)
    observer.judge(180.0, 10.0, 60.0)
    assert observer.probe().reach == ()

"""Over real sockets: truncation, silence, noise, closed doors, IPv6."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from otel_dns_receiver.exchange import exchange, query
from otel_dns_receiver.question import Target

NAME = dns.name.from_text("www.example.com")


class Server:
    """A name server on loopback, UDP and TCP on one port, whose behaviour is a function."""

    def __init__(self, udp, tcp=None, host="127.0.0.1"):
        self.udp, self.tcp, self.host = udp, tcp, host

    async def __aenter__(self):
        loop = asyncio.get_running_loop()
        outer = self

        class Protocol(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, data, address):
                for wire in outer.udp(dns.message.from_wire(data)):
                    self.transport.sendto(wire, address)

        while True:
            self.transport, _ = await loop.create_datagram_endpoint(Protocol, local_addr=(self.host, 0))
            port = self.transport.get_extra_info("sockname")[1]
            try:
                self.server = await asyncio.start_server(self._serve, self.host, port) if self.tcp else None
            except OSError:
                self.transport.close()  # another program has this port over TCP
            else:
                return Target(self.host, port)

    async def _serve(self, reader, writer):
        length = struct.unpack("!H", await reader.readexactly(2))[0]
        wire = self.tcp(dns.message.from_wire(await reader.readexactly(length)))
        if wire is not None:
            writer.write(struct.pack("!H", len(wire)) + wire)
            await writer.drain()
        writer.close()

    async def __aexit__(self, *exc):
        self.transport.close()
        if self.server:
            self.server.close()
            await self.server.wait_closed()


def response(asked, data="192.0.2.1", *, truncated=False):
    message = dns.message.make_response(asked)
    if truncated:
        message.flags |= dns.flags.TC
    else:
        message.answer.append(dns.rrset.from_text(NAME, 60, "IN", "A", data))
    return message.to_wire()


def ask(server, timeout=0.5, transport="udp"):
    async def run():
        async with server as target:
            return await exchange(query(NAME, dns.rdatatype.A, recursive=True), target, timeout, transport)

    return asyncio.run(run())


def test_an_answer():
    reply = ask(Server(lambda asked: [response(asked)]))
    assert (reply.status, reply.transport) == ("answered", "udp")
    assert 0 < reply.latency < 0.5


def test_truncation_is_asked_again_over_tcp():
    reply = ask(Server(lambda asked: [response(asked, truncated=True)], response))
    assert (reply.status, reply.transport) == ("answered", "tcp")
    assert reply.message.answer


def test_truncation_with_tcp_closed_is_unreachable():
    assert ask(Server(lambda asked: [response(asked, truncated=True)])).status == "unreachable"


def test_tcp_when_asked_for():
    assert ask(Server(lambda asked: [], response), transport="tcp").transport == "tcp"


def test_a_server_that_hangs_up():
    assert ask(Server(lambda asked: [], lambda asked: None), transport="tcp").status == "unreachable"


def test_silence_is_a_timeout_within_its_bound():
    began = time.monotonic()
    reply = ask(Server(lambda asked: []), timeout=0.3)
    assert (reply.status, reply.latency) == ("timeout", None)
    assert time.monotonic() - began < 3


def test_forged_datagrams_are_passed_over():
    def forge(asked):
        wrong = dns.message.from_wire(response(asked, "203.0.113.66"))
        wrong.id ^= 1
        return [b"", b"noise", wrong.to_wire(), response(asked)]

    reply = ask(Server(forge))
    assert reply.message.answer[0][0].address == "192.0.2.1"


def test_forged_datagrams_alone_are_a_timeout():
    assert ask(Server(lambda asked: [b"noise"] * 50), timeout=0.3).status == "timeout"


def test_a_broken_answer_is_malformed():
    reply = ask(Server(lambda asked: [asked.id.to_bytes(2, "big") + b"\x80\x00\xff"]))
    assert reply.status == "malformed"
    assert reply.wire is not None


def test_a_closed_port_is_unreachable():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]

    async def run():
        return await exchange(query(NAME, dns.rdatatype.A, recursive=True), Target("127.0.0.1", port), 1)

    assert asyncio.run(run()).status == "unreachable"


def _has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")
def test_ipv6():
    assert ask(Server(lambda asked: [response(asked)], host="::1")).status == "answered"
    assert ask(Server(lambda asked: [], response, host="::1"), transport="tcp").status == "answered"

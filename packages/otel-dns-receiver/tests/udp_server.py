"""A name server on loopback, UDP and TCP on one port, whose answers are a function of the query."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.rrset


def says(*records, flags=dns.flags.RA, ttl=60, **more):
    """An answer with these ``(type, data)`` records at the name that is asked."""

    def answer(query):
        response = dns.message.make_response(query, **more)
        response.flags |= flags
        for rdtype, data in records:
            response.answer.append(dns.rrset.from_text(query.question[0].name, ttl, "IN", rdtype, data))
        return response

    return answer


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answer, size):
        self.answer, self.size = answer, size

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        query = dns.message.from_wire(data)
        response = self.answer(query)
        if response is None:
            return
        for one in response if isinstance(response, list) else [response]:
            wire = one if isinstance(one, bytes) else one.to_wire(max_size=65535)
            if self.size is not None and len(wire) > min(self.size, query.payload or 512):
                short = dns.message.make_response(query)
                short.flags |= dns.flags.TC
                wire = short.to_wire()
            self.transport.sendto(wire, address)


@asynccontextmanager
async def serving(udp, tcp=None, size=None):
    """The port. `size`: larger answers are truncated over UDP, as EDNS of the query has it."""
    loop = asyncio.get_running_loop()
    writers = []

    async def stream(reader, writer):
        writers.append(writer)
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                wire = tcp(dns.message.from_wire(await reader.readexactly(length))).to_wire(max_size=65535)
                writer.write(len(wire).to_bytes(2, "big") + wire)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    while True:
        transport, _ = await loop.create_datagram_endpoint(lambda: _Udp(udp, size), local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        if tcp is None:
            server = None
            break
        try:
            server = await asyncio.start_server(stream, "127.0.0.1", port)
            break
        except OSError:  # taken by somebody else's TCP
            transport.close()
    try:
        yield port
    finally:
        transport.close()
        if server is not None:
            server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)

"""A name server over QUIC (RFC 9250) and HTTP/3 (RFC 8484), for Debian's servers have neither."""

from __future__ import annotations

from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ProtocolNegotiated, StreamDataReceived


def protocol(answer, connections):
    """Answers with ``answer(wire) -> wire``; every connection is put into `connections`."""

    class Protocol(QuicConnectionProtocol):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            connections.append(self)
            self._http = None
            self._parts = {}

        def quic_event_received(self, event):
            if isinstance(event, ProtocolNegotiated) and event.alpn_protocol == "h3":
                self._http = H3Connection(self._quic)
            if self._http is not None:
                for inner in self._http.handle_event(event):
                    self._h3(inner)
            elif isinstance(event, StreamDataReceived):
                data = self._parts.setdefault(event.stream_id, bytearray())
                data += event.data
                if event.end_stream:
                    wire = answer(bytes(data[2:]))
                    self._quic.send_stream_data(event.stream_id, len(wire).to_bytes(2, "big") + wire, end_stream=True)
                    self.transmit()

        def _h3(self, event):
            if isinstance(event, HeadersReceived):
                self._parts[event.stream_id] = bytearray()
            elif isinstance(event, DataReceived):
                self._parts[event.stream_id] += event.data
                if event.stream_ended:
                    wire = answer(bytes(self._parts[event.stream_id]))
                    headers = [(b":status", b"200"), (b"content-type", b"application/dns-message")]
                    self._http.send_headers(event.stream_id, headers)
                    self._http.send_data(event.stream_id, wire, end_stream=True)
                    self.transmit()

    return Protocol


async def start(answer, certificate, key, alpn):
    """A server on a free port of 127.0.0.1: the server, its port, and its connections."""
    connections = []
    configuration = QuicConfiguration(is_client=False, alpn_protocols=[alpn])
    configuration.load_cert_chain(certificate, key)
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=protocol(answer, connections))
    port = server._transport.get_extra_info("sockname")[1]
    return server, port, connections

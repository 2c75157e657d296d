"""DoT and DoH against a real Unbound, DoQ and HTTP/3 against a server of aioquic's: answers, reuse, faults."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
import quic_server
from dns_events import Probe
from otel_dns_receiver.ask import ask
from otel_dns_receiver.exchange import exchange, query
from otel_dns_receiver.question import Question, Target
from otel_dns_receiver.transports.pool import Pool
from otel_dns_receiver.transports.tls import Tls

from tests.certificates import DAY, Authority

NAME = dns.name.from_text("www.tower.test")
HOST = "ns.tower.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Unbound:
    """A resolver with one name of its own, over every transport that it has."""

    def __init__(self, folder, certificate, key):
        program = shutil.which("unbound", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip("unbound is not installed")
        self.udp, self.dot, self.doh = free_port(), free_port(), free_port()
        config = folder / "unbound.conf"
        config.write_text(f"""\
server:
    interface: 127.0.0.1@{self.udp}
    interface: 127.0.0.1@{self.dot}
    interface: 127.0.0.1@{self.doh}
    tls-port: {self.dot}
    https-port: {self.doh}
    tls-service-key: "{key}"
    tls-service-pem: "{certificate}"
    username: ""
    chroot: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    logfile: "{folder}/log"
    do-daemonize: no
    module-config: "iterator"
    local-zone: tower.test. static
    local-data: "www.tower.test. 60 IN A 192.0.2.1"
remote-control:
    control-enable: no
""")
        self.process = subprocess.Popen([program, "-d", "-c", str(config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (folder / "log").read_text()
            try:
                socket.create_connection(("127.0.0.1", self.doh), 0.5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("unbound does not listen")

    def stop(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def unbound(tmp_path_factory, authority):
    server = Unbound(tmp_path_factory.mktemp("unbound"), *authority.issue(HOST))
    yield server
    server.stop()


def a_query():
    return query(NAME, dns.rdatatype.A, recursive=True)


def run(target, transport, pool=None, timeout=5.0):
    return asyncio.run(exchange(a_query(), target, timeout, transport, pool))


def answer(wire):
    """What a server of our own says."""
    asked = dns.message.from_wire(wire)
    response = dns.message.make_response(asked)
    response.flags |= dns.flags.RA
    response.answer.append(dns.rrset.from_text(NAME, 60, "IN", "A", "192.0.2.1"))
    return response.to_wire()


@asynccontextmanager
async def serving(handler, context=None):
    """A TCP or TLS server on a free port, whose connections are all closed at the end."""
    writers = []

    async def handle(reader, writer):
        writers.append(writer)
        await handler(reader, writer)

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's side of a refused handshake
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0.01)


async def silent(_reader, _writer):
    """Say nothing."""


@pytest.mark.parametrize("transport", ["udp", "tcp", "dot", "doh"])
def test_an_answer_over(transport, unbound, authority):
    port = {"udp": unbound.udp, "tcp": unbound.udp, "dot": unbound.dot, "doh": unbound.doh}[transport]
    reply = run(Target("127.0.0.1", port, Tls(HOST, str(authority.file))), transport)
    assert (reply.status, reply.transport) == ("answered", transport), reply.detail
    assert [rdata.to_text() for rdata in reply.message.answer[0]] == ["192.0.2.1"]
    assert 0 < reply.latency < 5


@pytest.mark.parametrize(("transport", "alpn"), [("doq", "doq"), ("doh", "h3")], ids=["DoQ", "HTTP/3"])
def test_an_answer_over_quic(transport, alpn, authority):
    async def go():
        server, port, connections = await quic_server.start(answer, *authority.issue(HOST), alpn)
        target = Target("127.0.0.1", port, Tls(HOST, str(authority.file), http="3"))
        async with Pool() as pool:
            replies = [await exchange(a_query(), target, 5.0, transport, pool) for _ in range(5)]
        server.close()
        return replies, connections

    replies, connections = asyncio.run(go())
    assert {reply.status for reply in replies} == {"answered"}, replies[0].detail
    assert {reply.message.answer[0][0].to_text() for reply in replies} == {"192.0.2.1"}
    assert len(connections) == 1  # one connection for all


@pytest.mark.parametrize("transport", ["tcp", "dot", "doh"])
def test_one_connection_serves_many_questions_at_once(transport, unbound, authority):
    port = {"tcp": unbound.udp, "dot": unbound.dot, "doh": unbound.doh}[transport]
    target = Target("127.0.0.1", port, Tls(HOST, str(authority.file)))

    async def go():
        async with Pool() as pool:
            replies = await asyncio.gather(*(exchange(a_query(), target, 5.0, transport, pool) for _ in range(50)))
            replies += await asyncio.gather(*(exchange(a_query(), target, 5.0, transport, pool) for _ in range(50)))
            return replies, pool.opened

    replies, opened = asyncio.run(go())
    assert {reply.status for reply in replies} == {"answered"}
    assert opened == 1


def test_a_server_that_closes_after_each_answer_is_asked_on_new_connections():
    async def serve(reader, writer):
        length = int.from_bytes(await reader.readexactly(2), "big")
        wire = answer(await reader.readexactly(length))
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()

    async def go():
        async with serving(serve) as port, Pool() as pool:
            return [await exchange(a_query(), Target("127.0.0.1", port), 5.0, "tcp", pool) for _ in range(5)]

    assert {reply.status for reply in asyncio.run(go())} == {"answered"}


class TestCertificates:
    @pytest.mark.parametrize("transport", ["dot", "doh"])
    def test_of_another_name(self, transport, unbound, authority):
        port = {"dot": unbound.dot, "doh": unbound.doh}[transport]
        reply = run(Target("127.0.0.1", port, Tls("other.tower.test", str(authority.file))), transport)
        assert reply.status == "unreachable"
        assert "other.tower.test" in reply.detail
        assert "not accepted" in reply.detail

    @pytest.mark.parametrize("transport", ["dot", "doh"])
    def test_of_an_unknown_authority(self, transport, unbound):
        port = {"dot": unbound.dot, "doh": unbound.doh}[transport]
        reply = run(Target("127.0.0.1", port, Tls(HOST)), transport)
        assert reply.status == "unreachable"
        assert "issuer" in reply.detail

    def test_that_expired(self, authority):
        certificate, key = authority.issue("old.tower.test", start=-9 * DAY, end=-DAY)

        async def go():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            async with serving(silent, context) as port:
                target = Target("127.0.0.1", port, Tls("old.tower.test", str(authority.file)))
                return await exchange(a_query(), target, 5.0, "dot")

        assert "expired" in asyncio.run(go()).detail

    def test_of_another_name_over_quic(self, authority):
        async def go():
            server, port, _ = await quic_server.start(answer, *authority.issue(HOST), "doq")
            target = Target("127.0.0.1", port, Tls("other.tower.test", str(authority.file)))
            reply = await exchange(a_query(), target, 3.0, "doq")
            server.close()
            return reply

        reply = asyncio.run(go())
        assert reply.status == "unreachable"
        assert "other.tower.test" in reply.detail

    def test_that_nobody_wants_to_check(self, unbound):
        assert run(Target("127.0.0.1", unbound.dot, Tls(verify=False)), "dot").status == "answered"


class Web:
    """An HTTPS server over HTTP/2 that says what it is told, whatever it is asked."""

    def __init__(self, authority, status, kind, body):
        self.status, self.kind, self.body = status, kind, body
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*authority.issue(HOST))
        self.context.set_alpn_protocols(["h2"])

    async def __call__(self, reader, writer):
        from h2.config import H2Configuration
        from h2.connection import H2Connection
        from h2.events import StreamEnded

        connection = H2Connection(H2Configuration(client_side=False))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        while data := await reader.read(65535):
            for event in connection.receive_data(data):
                if isinstance(event, StreamEnded):
                    headers = [(":status", str(self.status)), ("content-type", self.kind)]
                    connection.send_headers(event.stream_id, headers)
                    connection.send_data(event.stream_id, self.body, end_stream=True)
            writer.write(connection.data_to_send())
        writer.close()


@pytest.mark.parametrize(
    ("status", "kind", "body", "outcome", "detail"),
    [
        (200, "text/html", b"<html>Welcome", "malformed", "text/html"),
        (200, "application/dns-message", b"Welcome to the hotel's network", "malformed", "no DNS message"),
        (200, "application/dns-message", b"", "malformed", "no DNS message"),
        (403, "text/plain", b"no", "malformed", "HTTP status 403"),
        (302, "text/plain", b"", "malformed", "HTTP status 302"),
    ],
    ids=["a page", "a page that claims to be DNS", "nothing", "forbidden", "redirected"],
)
def test_an_http_response_without_a_dns_message_is_malformed(authority, status, kind, body, outcome, detail):
    async def go():
        web = Web(authority, status, kind, body)
        async with serving(web, web.context) as port:
            target = Target("127.0.0.1", port, Tls(HOST, str(authority.file)))
            question = Question("tower.test", "www.tower.test", "A", target, "recursive", None, "doh")
            return await ask(question, Probe(id="t"), 5.0)

    event = asyncio.run(go())
    assert event.outcome == outcome
    assert detail in event.detail


@pytest.mark.parametrize("transport", ["tcp", "dot", "doh", "doq"])
def test_a_closed_port_is_unreachable_or_silent(transport, authority):
    reply = run(Target("127.0.0.1", free_port(), Tls(HOST, str(authority.file))), transport, timeout=1.0)
    assert reply.status in ({"timeout", "unreachable"} if transport == "doq" else {"unreachable"})
    assert reply.latency is None


def test_a_server_that_never_answers_takes_no_longer_than_the_timeout():
    async def go():
        async with serving(silent) as port, Pool() as pool:
            return await exchange(a_query(), Target("127.0.0.1", port), 0.3, "tcp", pool)

    assert asyncio.run(go()).status == "timeout"

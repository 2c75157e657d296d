"""Peers that get pages: stand-ins that check what they get against the published APIs, and real servers."""

from __future__ import annotations

import http.server
import json
import socket
import ssl
import threading
from contextlib import contextmanager

INCIDENT = {
    "id": "0123456789abcdef01234567", "rule": "zone-outage", "class": "availability", "severity": "critical",
    "zone": "example.com", "state": "firing", "since": "2026-11-23T10:00:00Z", "updated": "2026-11-23T10:01:00Z",
    "drill": False, "title": "example.com <b> & co is down", "what": "2 of 2 servers failed",
    "check_first": ["Are the servers up?", "Is the network there?"], "owner": "web",
    "where": {"regions": ["eu", "us"], "servers": ["ns1 (192.0.2.1)"], "names": []}, "runbook": "zone-outage",
    "calls": [{"time": "2026-11-23T10:01:00Z", "team": "web", "why": "firing", "severity": "critical"}],
    "acknowledged": None, "resolution": "",
}  # fmt: skip


class Peer:
    """An HTTP server that keeps what it gets and answers with what `answer` says: status, headers, body."""

    def __init__(self, answer=lambda _path, _headers, _body: (200, {}, {}), tls=None):
        self.got = []
        self.answers = []
        """What is answered first."""
        peer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                peer.got.append((self.path, dict(self.headers), body))
                given = peer.answers.pop(0) if peer.answers else answer(self.path, self.headers, body)
                status, headers, said = given
                text = json.dumps(said).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PATCH = do_PUT = do_POST  # noqa: N815 - the base class asks for it

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.names = []
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def bodies(self):
        return [json.loads(body) for _, _, body in self.got]


def slack(path, headers, body):
    """chat.postMessage and chat.update, as docs.slack.dev describes them."""
    said = json.loads(body)
    if headers["authorization"] != "Bearer xoxb-s3cret":
        return 200, {}, {"ok": False, "error": "invalid_auth"}
    assert set(said) <= {"channel", "text", "blocks", "ts", "thread_ts", "metadata", "unfurl_links"}
    assert len(said["blocks"]) <= 50
    for block in said["blocks"]:
        most, kind = {"header": (150, "plain_text"), "section": (3000, "mrkdwn")}[block["type"]]
        assert block["text"]["type"] == kind
        assert 0 < len(block["text"]["text"]) <= most
        if kind == "mrkdwn":
            assert "<b>" not in block["text"]["text"]
    if path == "/api/chat.update":
        assert said["channel"] == "C1"
        return 200, {}, {"ok": True, "channel": "C1", "ts": said["ts"]}
    assert path == "/api/chat.postMessage"
    assert set(said["metadata"]) == {"event_type", "event_payload"}
    return 200, {}, {"ok": True, "channel": "C1", "ts": "1503435956.000247"}


def pagerduty(path, _headers, body):
    """Events API v2, as developer.pagerduty.com describes it."""
    said = json.loads(body)
    assert path == "/v2/enqueue"
    assert said["event_action"] in {"trigger", "acknowledge", "resolve"}
    assert 0 < len(said["dedup_key"]) <= 255
    if said["event_action"] == "trigger":
        payload = said["payload"]
        assert 0 < len(payload["summary"]) <= 1024
        assert payload["severity"] in {"critical", "error", "warning", "info"}
        assert payload["source"]
        assert all(set(link) == {"href", "text"} for link in said["links"])
    if said["routing_key"] != "R0UT1NGs3cret":
        return 400, {}, {"status": "invalid event", "errors": ["'routing_key' is invalid"]}
    return 202, {}, {"status": "success", "dedup_key": said["dedup_key"]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def no_dns(monkeypatch):
    """Every resolver is dead."""

    def fail(*_args, **_more):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    with monkeypatch.context() as patched:
        real = socket.getaddrinfo
        literal = {"127.0.0.1", "127.0.0.9", None}
        patched.setattr(socket, "getaddrinfo", lambda host, *a, **k: (real if host in literal else fail)(host, *a, **k))
        yield

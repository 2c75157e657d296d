"""Registrations over RDAP and WHOIS on loopback: what is read, what is not believed, and who is left alone."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver.sources import Context
from otel_dns_receiver.sources.registration import Registrations, rdap, whois
from otel_dns_receiver.sources.registration.client import Client
from otel_dns_receiver.sources.registration.pace import Pace, retry_after
from otel_dns_receiver.sources.registration.reading import (
    Reading,
    ReadingError,
    registrar_lock,
    registry_lock,
    status,
)
from otel_dns_receiver.sources.registration.source import Watch

LOCKED = [
    "client transfer prohibited",
    "server transfer prohibited",
    "server update prohibited",
    "server delete prohibited",
]


def domain(**changes):
    """A domain object as registries give it (RFC 9083 §5.3)."""
    return {
        "objectClassName": "domain",
        "handle": "2138514_DOMAIN_COM-VRSN",
        "ldhName": "TOWER.TEST",
        "status": LOCKED,
        "nameservers": [{"objectClassName": "nameserver", "ldhName": f"NS{n}.TOWER.TEST"} for n in (1, 2)],
        "events": [
            {"eventAction": "registration", "eventDate": "1995-08-14T04:00:00Z"},
            {"eventAction": "expiration", "eventDate": "2027-08-13T04:00:00Z"},
            {"eventAction": "last changed", "eventDate": "2026-08-14T07:01:34Z"},
        ],
        "secureDNS": {
            "delegationSigned": True,
            "dsData": [{"keyTag": 370, "algorithm": 13, "digestType": 2, "digest": "BE74"}],
        },
        "entities": [
            {
                "objectClassName": "entity",
                "handle": "376",
                "roles": ["registrar"],
                "vcardArray": ["vcard", [["version", {}, "text", "4.0"], ["fn", {}, "text", "Example Registrar"]]],
            }
        ],
    } | changes


REGISTRANT = {"roles": ["registrant"], "handle": "C-1", "vcardArray": ["vcard", [["fn", {}, "text", "Jane Doe"]]]}


class Rdap:
    """A registry on loopback: says for each path what it is told, and remembers who asked."""

    def __init__(self):
        self.pages = {}
        self.asked = []

    def __setitem__(self, path, page):
        self.pages[path] = page

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"


@pytest.fixture
def registry():
    found = Rdap()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found.asked.append((time.monotonic(), self.path, self.headers.get("if-none-match")))
            page = found.pages.get(self.path, (404, {}, b"{}"))
            page = page(self) if callable(page) else page
            if page is None:
                return
            code, headers, body = page if isinstance(page, tuple) else (200, {}, page)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            if headers.get("etag") is not None and self.headers.get("if-none-match") == headers["etag"]:
                code, data = 304, b""
            self.send_response(code)
            for name, value in {"content-type": "application/rdap+json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def look(registry=None, times=1, name="tower.test", base=None, **keys):
    """Read a domain; the events, the counts, and for each whether it could be read."""
    if registry is not None:
        keys = {"servers": {"test": registry.url}} | keys
    config = Registrations(**({"distance": 0, "timeout": "1s"} | keys))

    async def go():
        context, events, counts = Context.collecting((name,), base) if base else Context.collecting((name,))
        async with Client(1.0, 0.0) as client:
            watch = Watch(config, context, client)
            read = [await watch.look(name) for _ in range(times)]
        return events, counts, read

    return asyncio.run(go())


def test_what_a_registry_says(registry):
    registry["/domain/tower.test"] = domain(entities=[*domain()["entities"], REGISTRANT])
    (event,), counts, _ = look(registry)
    assert event.error is None
    assert (event.registrar, event.via) == ("Example Registrar", "rdap")
    assert event.statuses == tuple(sorted(LOCKED))
    assert event.nameservers == ("ns1.tower.test", "ns2.tower.test")
    assert event.expires == dt.datetime(2027, 8, 13, 4, tzinfo=dt.UTC)
    assert event.changed == dt.datetime(2026, 8, 14, 7, 1, 34, tzinfo=dt.UTC)
    assert event.ds == ("370 13 2 be74",)
    assert event.registrant.startswith("sha256:")
    assert b"Jane" not in msgspec.json.encode(event)
    assert registrar_lock(event.statuses)
    assert registry_lock(event.statuses)
    assert counts == {"read": 1}


def test_a_lock_that_is_removed_shows_in_the_next_reading(registry):
    registry["/domain/tower.test"] = domain()
    (first,), *_ = look(registry)
    registry["/domain/tower.test"] = domain(status=["active"])
    (second,), *_ = look(registry)
    assert registry_lock(first.statuses)
    assert not registry_lock(second.statuses)
    assert not registrar_lock(second.statuses)


def test_the_registrar_knows_more_and_the_registry_decides(registry):
    link = {"rel": "related", "type": "application/rdap+json", "href": f"{registry.url}registrar"}
    registry["/domain/tower.test"] = domain(links=[link])
    registry["/registrar"] = domain(status=["active"], entities=[REGISTRANT])
    (event,), *_ = look(registry)
    assert event.registrant is not None
    assert event.statuses == tuple(sorted(LOCKED))


def test_a_registrar_that_is_away_costs_only_what_it_knows(registry):
    link = {"rel": "related", "type": "application/rdap+json", "href": "http://127.0.0.1:9/registrar"}
    registry["/domain/tower.test"] = domain(links=[link])
    (event,), counts, read = look(registry)
    assert (event.error, read) == (None, [True])
    assert counts["registrar_view_failed"] == 1


def slow(handler):
    time.sleep(3)


def endless(handler):
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.end_headers()
    try:
        for _ in range(64):
            handler.wfile.write(b" " * 65536)
    except OSError:
        pass


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ((404, {}, {"errorCode": 404}), "not found"),
        ((500, {}, {}), "HTTP 500"),
        ((429, {"retry-after": "1200"}, {}), "left alone for 1200 s"),
        ((200, {"content-type": "text/html"}, b"<html>"), "text/html"),
        (b"{not json", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"[" * 100_000, "not JSON"),
        (domain(ldhName="other.test"), "about 'other.test'"),
        (domain(objectClassName="entity"), "about a entity"),
        (domain(status="active"), "status is not a list"),
        (domain(nameservers=[{"ldhName": "a" * 80 + ".test"}]), "not a domain name"),
        (domain(secureDNS={"dsData": [{"keyTag": "x"}]}), "DS record that is none"),
        ((302, {"location": "/domain/tower.test"}, {}), "redirects more than"),
        ((302, {"location": "ftp://elsewhere/"}, {}), "to something else"),
        (slow, "Timeout"),
        (endless, "more than 1048576"),
    ],
)
def test_a_reading_that_fails_is_an_error_and_never_a_change(registry, page, why):
    registry["/domain/tower.test"] = page
    (event,), counts, read = look(registry)
    assert why in event.error
    assert read == [False]
    assert counts["failed"] == 1
    for field in ("registrar", "statuses", "nameservers", "expires", "changed", "registrant", "transfer", "ds"):
        assert getattr(event, field) is None, field


def test_a_server_that_asks_for_patience_is_left_alone(registry):
    registry["/domain/tower.test"] = (429, {"retry-after": "1200"}, {})
    events, _, _ = look(registry, times=5)
    assert len(registry.asked) == 1
    assert all(event.error for event in events)


def test_a_short_wait_is_waited(registry):
    said = iter([(429, {"retry-after": "1"}, {}), domain()])
    registry["/domain/tower.test"] = lambda _: next(said)
    _, _, read = look(registry, times=2)
    assert read == [False, True]
    assert registry.asked[1][0] - registry.asked[0][0] >= 1.0


def test_what_has_not_changed_is_not_sent_again(registry):
    registry["/domain/tower.test"] = (200, {"etag": '"v1"'}, domain())
    events, _, _ = look(registry, times=3)
    assert [etag for _, _, etag in registry.asked] == [None, '"v1"', '"v1"']
    assert {event.registrar for event in events} == {"Example Registrar"}


LIST = {"version": "1.0", "services": [[["other"], ["https://other/"]], [["test"], ["URL"]]]}


class TestBootstrap:
    def listed(self, registry):
        return json.loads(json.dumps(LIST).replace("URL", registry.url))

    def test_the_server_is_found_and_the_list_is_kept(self, registry, tmp_path):
        registry["/dns.json"] = (200, {"etag": '"l1"', "content-type": "application/json"}, self.listed(registry))
        registry["/domain/tower.test"] = domain()
        keys = {"bootstrap": f"{registry.url}dns.json", "cache": "cache", "base": tmp_path}
        for _ in range(2):
            (event,), *_ = look(None, **keys)
            assert event.error is None
        lists = [etag for _, path, etag in registry.asked if path == "/dns.json"]
        assert lists == [None, '"l1"']

    def test_an_old_list_serves_while_the_new_one_cannot_be_had(self, registry, tmp_path):
        registry["/dns.json"] = (200, {"content-type": "application/json"}, self.listed(registry))
        registry["/domain/tower.test"] = domain()
        keys = {"bootstrap": f"{registry.url}dns.json", "cache": "cache", "base": tmp_path}
        look(None, **keys)
        registry["/dns.json"] = (500, {}, {})
        (event,), counts, _ = look(None, **keys)
        assert event.error is None
        assert counts["bootstrap_failed"] == 1

    def test_without_any_list_nothing_is_guessed(self, registry):
        (event,), *_ = look(None, bootstrap=f"{registry.url}dns.json", whois=False)
        assert "list of RDAP servers cannot be had" in event.error

    @pytest.mark.parametrize("bad", [{}, {"services": 1}, {"services": [[1, 2]]}, {"services": [[["a"]]]}])
    def test_a_list_of_another_form(self, bad):
        with pytest.raises(ReadingError):
            rdap.bases(bad)


@contextmanager
def whois_server(answer):
    """A WHOIS server: answers each connection with the same text."""

    async def serve(reader, writer):
        await reader.readline()
        writer.write(answer.encode() if isinstance(answer, str) else answer)
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except OSError:
            pass

    ready, stop = threading.Event(), None
    place = {}

    def run():
        async def go():
            nonlocal stop
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            place["port"] = server.sockets[0].getsockname()[1]
            place["loop"], stop = asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await stop.wait()
            server.close()

        asyncio.run(go())

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    yield f"127.0.0.1:{place['port']}"
    place["loop"].call_soon_threadsafe(stop.set)
    thread.join()


VERISIGN = """\
   Domain Name: TOWER.TEST
   Registrar WHOIS Server: whois.example
   Updated Date: 2026-08-14T07:01:34Z
   Registry Expiry Date: 2027-08-13T04:00:00Z
   Registrar: Example Registrar
   Domain Status: clientTransferProhibited https://icann.org/epp#clientTransferProhibited
   Domain Status: ok https://icann.org/epp#ok
   Name Server: NS1.TOWER.TEST
   Name Server: NS2.TOWER.TEST
   DNSSEC: unsigned
>>> Last update of whois database: 2026-11-23T10:00:00Z <<<
"""


class TestWhois:
    def test_what_is_surely_said(self):
        reading = whois.read(VERISIGN, "tower.test")
        assert reading == Reading(
            registrar="Example Registrar",
            statuses=("active", "client transfer prohibited"),
            nameservers=("ns1.tower.test", "ns2.tower.test"),
            expires=dt.datetime(2027, 8, 13, 4, tzinfo=dt.UTC),
            changed=dt.datetime(2026, 8, 14, 7, 1, 34, tzinfo=dt.UTC),
        )

    def test_a_country_that_says_little(self):
        reading = whois.read(
            "domain: tower.test\nnserver: ns1.tower.test 192.0.2.1\npaid-till: 2027.01.31\n", "tower.test"
        )
        assert reading == Reading(nameservers=("ns1.tower.test",), expires=dt.datetime(2027, 1, 31, tzinfo=dt.UTC))

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            ("No match for domain TOWER.TEST", "not found"),
            ("% Query limit exceeded", "less often"),
            ("Domain Name: other.test\n", "not about this domain"),
            ("", "not about this domain"),
        ],
    )
    def test_what_is_no_reading(self, answer, why):
        with pytest.raises(ReadingError, match=why):
            whois.read(answer, "tower.test")

    def test_over_the_wire(self):
        with whois_server(VERISIGN) as server:
            (event,), *_ = look(None, whois_servers={"test": server})
        assert (event.error, event.via, event.registrar) == (None, "whois", "Example Registrar")

    def test_an_answer_without_end(self):
        with whois_server(b"x" * 200_000) as server:
            (event,), *_ = look(None, whois_servers={"test": server})
        assert "more than" in event.error

    def test_a_referral(self):
        assert whois.referral("refer:        whois.verisign-grs.com\n\ndomain: COM") == "whois.verisign-grs.com"
        assert whois.referral("whois: not a host!") is None


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "ldhName",
                        "status",
                        "events",
                        "eventAction",
                        "eventDate",
                        "nameservers",
                        "entities",
                        "roles",
                        "vcardArray",
                        "secureDNS",
                        "dsData",
                        "links",
                        "href",
                        "rel",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_rdap_reader(tree):
    answer = {"ldhName": "tower.test"} | (tree if isinstance(tree, dict) else {"entities": [tree], "events": [tree]})
    answer["ldhName"] = "tower.test"
    try:
        reading = rdap.read(answer, "tower.test")
        rdap.related(answer, "https://x/")
    except ReadingError:
        return
    assert reading.statuses is None or all(isinstance(s, str) for s in reading.statuses)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=400))
def test_no_text_breaks_the_whois_reader(text):
    for answer in (text, f"Domain Name: tower.test\nExpires: {text}\nName Server: {text}\nStatus: {text}x"):
        try:
            whois.read(answer, "tower.test")
        except ReadingError:
            continue
    whois.referral(text)


@pytest.mark.parametrize(
    ("epp", "said"),
    [("clientTransferProhibited", "client transfer prohibited"), ("ok", "active"), ("serverHold", "server hold"),
     ("pending delete", "pending delete"), ("linked", "associated")],
)  # fmt: skip
def test_statuses_read_alike(epp, said):
    assert status(epp) == said


def test_the_pace():
    pace = Pace(2.0)
    assert pace.wait("a", 0.0) == 0
    pace.asked("a", 0.0)
    assert (pace.wait("a", 0.5), pace.wait("b", 0.5)) == (1.5, 0)
    pace.told("a", 100.0, 1.0)
    assert pace.wait("a", 2.0) == 99.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("120", 120.0), ("Mon, 23 Nov 2026 10:02:00 GMT", 120.0), ("soon", None), (None, None), ("9" * 30, None)],
)
def test_retry_after(header, seconds):
    assert retry_after(header, dt.datetime(2026, 11, 23, 10, tzinfo=dt.UTC)) == seconds


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"interval": "often"}, "is not a duration"),
        ({"servers": {"test": "rdap.example"}}, "is no URL"),
        ({"domains": ["a..b"]}, "not a domain name"),
    ],
)
def test_keys_that_cannot_be_meant(keys, part):
    with pytest.raises(msgspec.ValidationError, match=part):
        msgspec.convert(keys, Registrations)

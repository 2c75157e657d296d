"""Query logs: lines of every format, files that are rotated, truncated and absent, and logs of real servers."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import msgspec
import peers
import pytest
from dns_events import Observation, Traffic
from hypothesis import given, settings
from hypothesis import strategies as st
from otel_dns_receiver.sources import Context
from otel_dns_receiver.sources.querylog import QueryLog
from otel_dns_receiver.sources.querylog.follow import MOST_LINE, File
from otel_dns_receiver.sources.querylog.formats import Dnsmasq, Pattern, bind, coredns, unbound
from otel_dns_receiver.sources.querylog.source import Reading

PATTERN = r"q=(?P<name>\S+) t=(?P<qtype>\S+) r=(?P<rcode>\S+) d=(?P<duration>\S+) at=(?P<time>\S+) c=(?P<client>\S+)"

BIND_LINE = (
    "2026-11-23T21:32:13.450Z queries: info: client @0x7f71e1e1b098 127.0.0.1#55652 (www.tower.test): "
    "query: www.Tower.test IN AAAA +E(0)D (127.0.0.1)"
)


@pytest.mark.parametrize(
    ("parse", "text", "expected"),
    [
        (
            bind,
            BIND_LINE,
            ("query", "www.tower.test", "AAAA", None, None, "127.0.0.1", 1795469533.45, None),
        ),
        (
            bind,
            "client 2001:db8::1#5 (x.tower.test): view outside: query: x.tower.test IN A - (2001:db8::53)",
            ("query", "x.tower.test", "A", None, None, "2001:db8::1", None, None),
        ),
        (
            bind,
            "client @0x1 192.0.2.1#5 (x.tower.test): query failed (SERVFAIL) for x.tower.test/IN/A at query.c:7094",
            ("failure", "x.tower.test", "A", "servfail", "SERVFAIL", "192.0.2.1", None, None),
        ),
        (
            unbound,
            "[1795469534] unbound[1:0] info: 192.0.2.1 www.tower.test. A IN NOERROR 0.012000 0 59",
            ("reply", "www.tower.test", "A", "answer", "NOERROR", "192.0.2.1", 1795469534.0, 0.012),
        ),
        (
            unbound,
            "Nov 23 21:32:14 unbound[30783:0] info: ::1 nope.tower.test. TYPE65 IN",
            ("query", "nope.tower.test", "TYPE65", None, None, "::1", None, None),
        ),
        (
            coredns,
            '[INFO] 127.0.0.1:50759 - 29008 "A IN example.org. udp 41 false 4096" NXDOMAIN qr,rd,ra,ad 68 0.0379s',
            ("reply", "example.org", "A", "nxdomain", "NXDOMAIN", "127.0.0.1", None, 0.0379),
        ),
        (
            coredns,
            '[INFO] [::1]:50759 - 29008 "MX IN . tcp 41 false 4096" SERVFAIL qr,rd 68 1.2e-05s',
            ("reply", ".", "MX", "servfail", "SERVFAIL", "::1", None, 1.2e-05),
        ),
        (
            Pattern(PATTERN),
            "q=a.tower.test t=txt r=YXDOMAIN d=0.5 at=2026-11-23T10:00:00Z c=192.0.2.1",
            ("reply", "a.tower.test", "TXT", "error", "YXDOMAIN", "192.0.2.1", 1795428000.0, 0.5),
        ),
        (bind, "zone tower.test/IN: loaded serial 1", None),
        (unbound, "Nov 23 21:32:14 unbound[1:0] info: start of service (unbound 1.17.1).", None),
        (coredns, "[INFO] plugin/reload: Running configuration SHA512 = abc", None),
        (unbound, "unbound[1:0] info: 192.0.2.1 " + "a" * 70 + ".test. A IN", None),
    ],
)
def test_a_line(parse, text, expected):
    found = parse(text)
    assert (None if found is None else tuple(found)) == expected


def test_dnsmasq_answers_belong_to_their_question():
    parse = Dnsmasq()
    lines = """\
Nov 23 21:32:15 dnsmasq[1]: 1 192.0.2.1/35297 query[A] www.tower.test from 192.0.2.1
Nov 23 21:32:15 dnsmasq[1]: 2 192.0.2.9/35298 query[AAAA] gone.tower.test from 192.0.2.9
Nov 23 21:32:15 dnsmasq[1]: 1 192.0.2.1/35297 forwarded www.tower.test to 9.9.9.9
Nov 23 21:32:15 dnsmasq[1]: 1 192.0.2.1/35297 reply www.tower.test is <CNAME>
Nov 23 21:32:15 dnsmasq[1]: 2 192.0.2.9/35298 cached gone.tower.test is NODATA-IPv6
Nov 23 21:32:15 dnsmasq[1]: 1 192.0.2.1/35297 reply host.tower.test is 192.0.2.5
Nov 23 21:32:15 dnsmasq[1]: 1 192.0.2.1/35297 reply host.tower.test is 192.0.2.6
Nov 23 21:32:15 dnsmasq[1]: query[A] plain.tower.test from 192.0.2.1""".splitlines()
    found = [(f.kind, f.name, f.qtype, f.outcome) for f in map(parse, lines) if f is not None]
    assert found == [
        ("query", "www.tower.test", "A", None),
        ("query", "gone.tower.test", "AAAA", None),
        ("reply", "gone.tower.test", "AAAA", "nodata"),
        ("reply", "www.tower.test", "A", "answer"),
        ("query", "plain.tower.test", "A", None),
    ]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["bind", "unbound", "coredns", "dnsmasq", "pattern"]))
def test_no_line_breaks_a_parser(text, which):
    parser = {"bind": bind, "unbound": unbound, "coredns": coredns, "dnsmasq": Dnsmasq(), "pattern": Pattern(PATTERN)}
    starts = {
        "bind": "client 192.0.2.1#1 (", "unbound": "info: 192.0.2.1 ", "coredns": '[INFO] 192.0.2.1:1 - 1 "',
        "dnsmasq": "dnsmasq[1]: 1 192.0.2.1/1 ", "pattern": "q=",
    }  # fmt: skip
    parser[which](text)
    parser[which](starts[which] + text)


@pytest.mark.parametrize("text", ["client " + "1" * 8000, "info: " + "a:" * 4000, '[INFO] 1:1 - 1 "' + "A " * 4000])
def test_a_long_line_takes_no_long_time(text):
    began = time.process_time()
    for parse in (bind, unbound, coredns, Dnsmasq()):
        parse(text)
    assert time.process_time() - began < 5  # not seconds of backtracking; a bound, not a measurement


class Following:
    """A follower that is stepped by hand."""

    def __init__(self, path, state=None):
        self.file = File(path, state)
        self._lines = self.file.lines()

    def read(self):
        """Everything that is there now."""

        async def go():
            found = []
            for _ in range(6):
                found += await anext(self._lines)
            return found

        return self._loop.run_until_complete(go())

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        return self

    def __exit__(self, *_):
        self._loop.run_until_complete(self._lines.aclose())
        self.file.close()
        self._loop.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("otel_dns_receiver.sources.querylog.follow._POLL", 0.001)


def append(path, *lines):
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def test_it_begins_at_the_end_and_waits_for_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "log"
    append(path, "old")
    with Following(path) as log:
        assert log.read() == []
        append(path, "new")
        assert log.read() == ["new"]
    with Following(tmp_path / "later") as log:
        assert log.read() == []
        append(tmp_path / "later", "first")
        assert log.read() == ["first"]


def test_rotation_by_renaming_loses_no_line(tmp_path):
    path = tmp_path / "log"
    path.touch()
    with Following(path) as log:
        log.read()
        append(path, "1")
        path.rename(tmp_path / "log.1")
        append(tmp_path / "log.1", "2")  # the writer has the old file open for a while
        assert log.read() == ["1", "2"]
        append(path, "3")
        assert log.read() == ["3"]


def test_rotation_by_copying_and_truncating(tmp_path):
    path = tmp_path / "log"
    path.touch()
    with Following(path) as log:
        log.read()
        append(path, "1", "2", "3")
        assert log.read() == ["1", "2", "3"]
        os.truncate(path, 0)
        log.read()
        append(path, "4")
        assert log.read() == ["4"]


def test_half_a_line_waits_for_its_end_and_an_endless_one_is_passed_over(tmp_path):
    path = tmp_path / "log"
    path.touch()
    with Following(path) as log:
        log.read()
        with path.open("a") as file:
            file.write("ha")
            file.flush()
            assert log.read() == []
            file.write("lf\n")
            file.flush()
            assert log.read() == ["half"]
            file.write("x" * (MOST_LINE * 3) + "\nnext\n")
            file.flush()
            assert log.read() == ["next"]
    assert log.file.too_long == 1


def test_the_place_is_remembered_across_restarts(tmp_path):
    path, state = tmp_path / "log", tmp_path / "state"
    append(path, "1", "2")
    with Following(path, state) as log:
        assert log.read() == ["1", "2"]
    append(path, "3")
    with Following(path, state) as log:
        assert log.read() == ["3"]
    path.unlink()
    append(path, "4")
    with Following(path, state) as log:
        assert log.read() == ["4"]
    state.write_text("{nonsense")
    with Following(path, state) as log:
        assert log.read() == ["4"]


def run(config, work, zones=("tower.test",), base=Path()):
    """The source while `work` runs; its events and counts."""

    async def go():
        context, events, counts = Context.collecting(zones, base)
        task = asyncio.create_task(config.run(context))
        await asyncio.to_thread(work, counts)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return events, counts

    return asyncio.run(go())


@pytest.mark.parametrize(("kind", "kept"), [("bind", "queries"), ("unbound", "replies"), ("dnsmasq", "replies")])
def test_logs_of_a_real(kind, kept, start, tmp_path):
    log = tmp_path / "query.log"

    def work(counts):
        server = start(kind, None, log)
        for _ in range(5):
            peers.ask(server.port)
            peers.ask(server.port, "nope.tower.test")
        server.stop()
        # The server was asked before, until it answered: that there are ten does not mean that all were read.
        deadline = time.monotonic() + 20
        while counts["received"] < len(log.read_bytes().splitlines()) and time.monotonic() < deadline:
            time.sleep(0.05)

    config = QueryLog(format=kind, file=str(log), server="127.0.0.1", state=str(tmp_path / "state"))
    events, counts = run(config, work)
    assert counts["received"] == counts["counted"] + counts["passed_over"] + counts["unparsable"]
    traffic = [e for e in events if isinstance(e, Traffic)]
    assert sum(e.queries for e in traffic) == counts["counted"] >= 10
    assert {e.clients for e in traffic} == {1}
    outcomes = Counter()
    for event in traffic:
        outcomes.update(event.outcomes)
    if kept == "replies":
        assert outcomes["nxdomain"] == 5
        assert outcomes["answer"] >= 5
    else:
        assert not outcomes  # BIND's log says what was asked, not what came of it


def test_the_journal(tmp_path, monkeypatch):
    """journalctl's own JSON, from a program in its place: there is no journal in a container."""
    fake = tmp_path / "journalctl"
    entry = '{"MESSAGE":"unbound[1:0] info: 192.0.2.1 www.tower.test. A IN SERVFAIL 0.1 0 59"}'
    as_bytes = list(b"unbound[1:0] info: 192.0.2.1 x.tower.test. A IN NOERROR 0.1 0 59")
    fake.write_text(f"#!/bin/sh\necho '{entry}'\necho '{{\"MESSAGE\":{as_bytes}}}'\necho 'not json'\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def work(counts):
        deadline = time.monotonic() + 10
        while counts["received"] < 3 and time.monotonic() < deadline:
            time.sleep(0.05)

    events, counts = run(QueryLog(format="unbound", journal="unbound.service", server="192.0.2.53"), work)
    assert (counts["counted"], counts["unparsable"]) == (2, 1)
    (failure,) = [e for e in events if isinstance(e, Observation)]
    assert (failure.outcome, failure.name, failure.source) == ("servfail", "www.tower.test", "resolver_log")


def test_what_cannot_be_read_is_counted_and_shown_without_addresses(caplog):
    caplog.set_level("INFO")
    context, _, counts = Context.collecting(("tower.test",))
    reading = Reading(QueryLog(format="unbound", file="x", server="192.0.2.53"), context)
    for _ in range(100):
        reading.take("something from 192.0.2.77 and [2001:db8::7]:53 and 198.51.100.1#53", 1e9)
    assert counts["unparsable"] == 100
    assert caplog.text.count("something") == 1
    assert "192.0.2.77" not in caplog.text
    assert "2001:db8::7" not in caplog.text
    assert "198.51.100.1" not in caplog.text


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ({"format": "bind", "server": "192.0.2.1"}, "one of them"),
        ({"format": "bind", "server": "192.0.2.1", "file": "a", "journal": "b"}, "one of them"),
        ({"format": "bind", "server": "ns1", "file": "a"}, "is no address"),
        ({"format": "pattern", "server": "192.0.2.1", "file": "a"}, "needs one"),
        ({"format": "bind", "server": "192.0.2.1", "file": "a", "pattern": "x"}, "belongs to"),
        ({"format": "pattern", "server": "192.0.2.1", "file": "a", "pattern": "("}, "pattern: "),
        ({"format": "pattern", "server": "192.0.2.1", "file": "a", "pattern": "x"}, "no group"),
        ({"format": "pattern", "server": "192.0.2.1", "file": "a", "pattern": "(?P<name>x)(?P<colour>y)"}, "colour"),
        ({"format": "knot", "server": "192.0.2.1", "file": "a"}, "Invalid enum value"),
    ],
)
def test_keys_that_cannot_be_meant(keys, part):
    with pytest.raises(msgspec.ValidationError, match=part):
        msgspec.convert(keys, QueryLog)

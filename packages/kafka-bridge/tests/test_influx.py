"""The aggregates in InfluxDB: each closed minute once it is past, and again where it changed."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import http.server
import json
import re
import socket
import threading
from collections import Counter
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from dns_rules.generate import Span, events
from dns_rules.model import Health
from kafka_bridge.config import load_config
from kafka_bridge.errors import ConfigError
from kafka_bridge.influx import client as client_module
from kafka_bridge.influx.client import Client, InfluxError, RefusedError
from kafka_bridge.influx.delivery import Refusal, deliver
from kafka_bridge.influx.exporter import Exporter
from kafka_bridge.influx.incidents import Life, open_at_end
from kafka_bridge.influx.ledger import Row, differing
from kafka_bridge.influx.lines import line, tag
from kafka_bridge.influx.measurements import SUBJECTS, measurements
from kafka_bridge.influx.settings import Influx
from kafka_bridge.pipeline import write
from kafka_bridge.pipeline.plan import plan
from msgspec import structs
from wire import INVENTORY_YAML

NOW = dt.datetime.now(dt.UTC).replace(second=0, microsecond=0)
MINUTE = dt.timedelta(minutes=1)
KEEP = dt.timedelta(days=7)
GOOD = "version: 1\ninventory: inventory.yaml\n"


# Lines


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("eu-west", "eu-west"),
        ("a region, with=signs", "a\\ region\\,\\ with\\=signs"),
        ("xn--nxasmq6b.example", "xn--nxasmq6b.example"),
        ("a\\.b.example", "a\\.b.example"),
        ("a\\032b", "a\\032b"),
        ("ends\\", "ends\ufffd"),
        ("ends\\\\", "ends\\\ufffd"),
        ("one\\,x", "one\ufffd\\,x"),
        ("two\\\\ x", "two\\\ufffd\\ x"),
        ("two\nlines\r\x00", "two\ufffdlines\ufffd\ufffd"),
        ("#café", "#café"),
        ('say "x"', 'say\\ "x"'),
        ("", ""),
    ],
)
def test_a_tag_is_escaped(value, escaped):
    assert tag(value) == escaped


def test_long_tags_stay_apart():
    one, other = tag("x" * 5000 + "1"), tag("x" * 5000 + "2")
    assert one != other
    assert len(one) == len(other) == 1024
    assert tag("y" * 1024) == "y" * 1024


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("integer", 7, "7i"),
        ("integer", 0, "0i"),
        ("integer", -1, "-1i"),
        ("integer", 2**62, f"{2**62}i"),
        ("float", 1, "1.0"),
        ("float", 0.09051, "0.09051"),
        ("float", 1e-7, "1e-07"),
        ("float", float("nan"), None),
        ("float", float("inf"), None),
        ("float", None, None),
        ("string", "healthy", '"healthy"'),
        ("string", 'a"b\\c\n', '"a\\"b\\\\c\ufffd"'),
    ],
)
def test_a_field_keeps_its_kind(kind, value, written):
    made = line("m", [("zone", "example.com")], [("f", kind, value)], dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    assert made == (None if written is None else f"m,zone=example.com f={written} 1767225600".encode())


def test_tags_without_a_value_and_fields_without_one_are_left_out():
    fields = [("p50", "float", None), ("count", "integer", 3), ("status", "string", None)]
    assert line("m", [("region", ""), ("role", "recursive")], fields, NOW).startswith(b"m,role=recursive count=3i ")
    assert line("m", [], fields[:1], NOW) is None


# What is to be written

AT = (5, "critical=1")


@pytest.mark.parametrize(
    ("counted", "incidents", "row", "expected"),
    [
        (*AT, None, SUBJECTS),
        (*AT, Row(*AT, False, NOW - MINUTE), set()),
        (6, "critical=1", Row(*AT, False, NOW - MINUTE), {"counts"}),
        (6, "critical=1", Row(*AT, False, NOW - MINUTE / 6), set()),  # it grows still; in a while
        (5, "", Row(*AT, False, NOW - MINUTE), {"incidents"}),
        (6, "", Row(*AT, False, NOW - MINUTE), {"counts", "incidents"}),
        (6, "", Row(*AT, True, NOW - MINUTE), set()),  # refused, and not long ago
        (*AT, Row(*AT, True, NOW - 60 * MINUTE), SUBJECTS),
        (6, "critical=1", Row(*AT, False, NOW + 600 * MINUTE), {"counts"}),  # the clock was set back
    ],
)
def test_what_of_a_minute_is_written(counted, incidents, row, expected):
    assert differing(counted, incidents, row, NOW) == expected


def test_incidents_are_counted_at_the_end_of_each_minute():
    second = dt.timedelta(seconds=1)
    minutes = [NOW + number * MINUTE for number in (0, 1, 2, 5)]
    lives = [
        Life("critical", NOW + 30 * second, None),
        Life("critical", NOW - MINUTE, NOW + MINUTE + second),  # over within the second minute
        Life("warning", NOW + MINUTE, NOW + 3 * MINUTE),  # open when the third minute ends, on the dot
        Life("warning", NOW + MINUTE, NOW + MINUTE + second),  # open at no minute's end
        Life("info", NOW + 6 * MINUTE, None),  # begins as the last one ends
    ]
    assert list(open_at_end(lives, minutes).values()) == [
        {"critical": 2}, {"critical": 1, "warning": 1}, {"critical": 1, "warning": 1}, {"critical": 1},
    ]  # fmt: skip
    assert open_at_end([], minutes) == {minute: {} for minute in minutes}


@pytest.mark.parametrize(
    ("lines", "bad", "refused", "most"),
    [
        (1, {0}, 1, 1),
        (5000, set(), 0, 1),
        (5000, {0}, 1, 30),
        (5000, {4999}, 1, 30),
        (5000, {17, 4000}, 2, 60),
        (3, {0, 1, 2}, 3, 7),
    ],
)
def test_refused_lines_are_found_among_the_others(lines, bad, refused, most):
    taken, requests = [], []

    def take(piece):
        requests.append(len(piece))
        if bad & {int(one) for one in piece}:
            raise RefusedError("no")
        taken.extend(piece)

    found = deliver(take, [b"%d" % number for number in range(lines)])
    assert found == (Refusal(refused, "no") if refused else None)
    assert sorted(map(int, taken)) == sorted(set(range(lines)) - bad)
    assert len(requests) <= most


def test_where_too_much_is_refused_the_search_ends():
    requests = []

    def take(piece):
        requests.append(piece)
        raise RefusedError("no")

    assert deliver(take, [b"x"] * 5000) == Refusal(5000, "no")
    assert len(requests) == 81


# Requests


class Server:
    """Answers as the test says; keeps requests, and the points of those that it took, as InfluxDB would."""

    def __init__(self):
        self.requests, self.answers, self.points, self.writes = [], [], {}, Counter()
        self.stop = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = gzip.decompress(self.rfile.read(int(self.headers["content-length"])))
                parts = urlsplit(self.path)
                outer.requests.append((parts.path, parse_qs(parts.query), self.headers, body))
                answer = outer.answers.pop(0) if outer.answers else (204, "")
                if callable(answer):
                    answer = answer(self, body)
                    if answer is None:
                        return
                status, text, *headers = answer
                if status == 204:
                    outer.take(body)
                data = text.encode()
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("content-length", str(len(data)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, body):
        for one in body.decode().splitlines():
            if one.startswith("#"):
                continue
            series, fields, time = re.fullmatch(r"((?:[^ \\]|\\.)+) (.+) (\d+)", one).groups()
            key = (series, dt.datetime.fromtimestamp(int(time), dt.UTC))
            self.points.setdefault(key, {}).update(field.split("=", 1) for field in fields.split(","))
            self.writes[key] += 1

    def close(self):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def influx():
    running = Server()
    yield running
    running.close()


def database(influx, **settings):
    return Influx(url=influx.url, database="dns", **settings)


LINE = b"m,zone=example.com total=1i 1767225600"


def test_the_first_interface(influx, tmp_path):
    secret = tmp_path / "password"
    secret.write_text("s3cret\n")
    client = Client(database(influx, username="bridge", password_file=str(secret)))
    client.write([LINE, LINE])
    secret.write_text("other: pässword\n")  # a renewed one is used without a restart
    client.write([LINE])
    client.close()
    (path, query, headers, body), (_, _, later, _) = influx.requests
    assert (path, query) == ("/write", {"db": ["dns"], "precision": ["s"]})
    assert body == LINE + b"\n" + LINE
    assert headers["content-encoding"] == "gzip"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"bridge:s3cret").decode()
    assert later["authorization"] == "Basic " + base64.b64encode("bridge:other: pässword".encode()).decode()


def test_the_second_interface(influx, tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text("t0ken==\n")
    client = Client(Influx(url=f"{influx.url}/proxied/", bucket="dns", org="us & them", token_file=str(token)))
    client.write([LINE])
    client.close()
    monkeypatch.setenv("DNSTOWER_INFLUX_TOKEN", "from-the-environment")
    client = Client(Influx(url=influx.url, bucket="dns"))
    client.write([LINE])
    client.close()
    (path, query, headers, _), (three, plain, later, _) = influx.requests
    assert path == "/proxied/api/v2/write"
    assert query == {"bucket": ["dns"], "org": ["us & them"], "precision": ["s"]}
    assert headers["authorization"] == "Token t0ken=="
    assert (three, plain) == ("/api/v2/write", {"bucket": ["dns"], "precision": ["s"]})
    assert later["authorization"] == "Token from-the-environment"


PARTIAL_1 = 'partial write: field type conflict: input field "x" on measurement "m" is type float, already exists as'
PARTIAL_3 = {"error": "partial write of line protocol occurred", "data": [{"error_message": "bad"}, {}]}


@pytest.mark.parametrize(
    ("status", "text", "error", "words", "dropped"),
    [
        (200, "", None, "", None),
        (400, json.dumps({"error": f"{PARTIAL_1} type integer dropped=3"}), RefusedError, "field type conflict", 3),
        (422, json.dumps({"code": "unprocessable entity", "message": f"{PARTIAL_1} dropped=2"}), RefusedError, "x", 2),
        (400, json.dumps(PARTIAL_3), RefusedError, "occurred: bad", 2),
        (400, json.dumps({"error": "unable to parse 'm': missing fields"}), RefusedError, "unable to parse", None),
        (400, json.dumps({"error": "partial write: points beyond retention policy dropped=3"}), None, "", None),
        (400, "\x1b[31mnot JSON\n" * 50, RefusedError, " [31mnot JSON", None),
        (400, "[]", RefusedError, "[]", None),
        (413, "", RefusedError, "413", None),
        (
            401,
            json.dumps({"error": "authorization failed"}),
            InfluxError,
            "401 authorization failed); check `user",
            None,
        ),
        (403, "{}", InfluxError, "refuses the login", None),
        (404, json.dumps({"error": 'database not found: "dns"'}), InfluxError, 'not found: "dns"; make it there', None),
        (301, "", InfluxError, "answered 301", None),
        (429, "", InfluxError, "answered 429", None),
        (500, json.dumps({"error": "timeout"}), InfluxError, "answered 500 timeout", None),
        (503, "away", InfluxError, "answered 503 away", None),
    ],
)
def test_what_an_answer_means(influx, status, text, error, words, dropped):
    influx.answers.append((status, text))
    client = Client(database(influx))
    if error is None:
        client.write([LINE])
    else:
        with pytest.raises(error) as caught:
            client.write([LINE] * 3)
        assert words.strip() in str(caught.value)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 400
        if error is RefusedError:
            assert caught.value.dropped == dropped
    client.close()


def test_the_server_says_when_to_come_back(influx):
    influx.answers.append((503, "", ("Retry-After", "30")))
    client = Client(database(influx))
    with pytest.raises(InfluxError) as caught:
        client.write([LINE])
    assert caught.value.wait == 30
    client.close()


def endless(handler, body):
    """An answer that never ends."""
    handler.send_response(400)
    handler.send_header("connection", "close")
    handler.end_headers()
    sent = 0
    try:
        while sent < 64 << 20:
            sent += handler.wfile.write(b"x" * 65536)
    except OSError:
        handler.server.sent = sent
    else:
        handler.server.sent = sent
    handler.close_connection = True


def test_an_answer_without_end_is_not_read_to_its_end(influx):
    influx.answers.append(endless)
    client = Client(database(influx))
    with pytest.raises(RefusedError) as caught:
        client.write([LINE])
    assert str(caught.value) == "x" * 200
    client.close()


def test_a_server_that_says_nothing_is_left(influx, monkeypatch):
    monkeypatch.setattr(client_module, "_SECONDS", httpx2.Timeout(0.2))
    influx.answers.append(lambda *_: influx.stop.wait(20) and None)
    client = Client(database(influx))
    with pytest.raises(InfluxError, match=r"^InfluxDB at 127\.0\.0\.1:\d+: no answer in time$"):
        client.write([LINE])
    client.close()


def test_a_drip_of_an_answer_is_left(influx, monkeypatch):
    monkeypatch.setattr(client_module, "_ANSWER_SECONDS", 0.0)

    def drip(handler, body):
        handler.send_response(500)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b"slow")
        influx.stop.wait(20)

    influx.answers.append(drip)
    client = Client(database(influx))
    with pytest.raises(InfluxError, match="answered 500 slow"):
        client.write([LINE])
    client.close()


def test_nobody_there(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = Client(Influx(url=f"http://127.0.0.1:{port}", database="dns"))
    with pytest.raises(InfluxError, match="Connection refused"):
        client.write([LINE])
    client.close()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("token_file", None, "influx.token_file: No such file"),
        ("token_file", "", "holds no single line of text"),
        ("token_file", "s3cret\nX-Other: header", "holds no single line of text"),
        ("token_file", "s3crét", "holds no single line of text"),
        ("token_file", b"\xff\xfes3cret", "not text"),
        ("ca", None, "influx.ca: No such file"),
        ("ca", "not PEM", "influx.ca: "),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, name, content, words):
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    client = Client(Influx(url="https://127.0.0.1:9", bucket="dns", **{name: str(file)}))
    with pytest.raises(InfluxError) as caught:
        client.write([LINE])
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
    assert "s3cr" not in str(caught.value)


# The exporter, on a real store


def put(pool, listed, slot=0):
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        write.aggregates(cursor, plan(listed), slot)


def observed(minutes_ago, zone="example.com", minutes=3, outcome="answer"):
    return events(zone, (Span(to=f"{minutes}m", every="20s", outcome=outcome),), NOW - minutes_ago * MINUTE)


def healthy(pool, zone, minutes_ago, score, status="healthy"):
    health = Health(
        zone=zone, time=NOW - minutes_ago * MINUTE, status=status, score=score, reasons=(), agreement=None,
        dnssec=None, regions={},
    )  # fmt: skip
    with pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
        write.judgement(cursor, [], [health])


@pytest.fixture
def exporter(pool, influx):
    made = Exporter(pool.conninfo, database(influx, servers=True), KEEP)
    yield made
    made.stop()


def drain(exporter, now=NOW):
    """Until nothing is to be written."""
    written = 0
    while more := exporter.turn(now):
        written += more
    return written


def expected(pool):
    """The points that the views come to."""
    found = {}
    with pool.connection() as connection:
        for measurement in measurements(servers=True):
            view = re.search(r"from (v_\w+)", measurement.query)[1]
            if measurement.name == "outcomes":
                view = "v_zone_minute"  # another way to the same numbers
            fields = [name for name, _ in measurement.fields]
            if measurement.name == "server_outcomes":
                fields = [f"sum({name})::bigint" for name in fields]
            names = ", ".join(("minute", *measurement.tags))
            query = f"select {names}, {', '.join(fields)} from {view}"
            if measurement.name == "server_outcomes":
                query += f" group by {names}"
            for minute, *rest in connection.execute(query).fetchall():
                tags, values = rest[: len(measurement.tags)], rest[len(measurement.tags) :]
                series = "".join(f",{n}={v}" for n, v in zip(measurement.tags, tags, strict=True))
                found[f"dnstower_{measurement.name}{series}", minute] = {
                    name: (f"{value}i" if kind == "integer" else f'"{value}"' if kind == "string" else float(value))
                    for (name, kind), value in zip(measurement.fields, values, strict=True)
                    if value is not None
                }
    return found


def same(influx, pool):
    """Every number in InfluxDB is the view's, and none is missing."""
    wanted = expected(pool)
    assert len(wanted) > 10
    floats = {(m.name, f) for m in measurements(servers=True) for f, kind in m.fields if kind == "float"}
    got = {}
    for (series, minute), fields in influx.points.items():
        name = series.split(",")[0].removeprefix("dnstower_")
        if name != "incidents":
            got[series, minute] = {f: float(v) if (name, f) in floats else v for f, v in fields.items()}
    assert got == wanted


def incidents(influx):
    return {
        (re.search("severity=(\\w+)", series)[1], minute): int(fields["open"][:-1])
        for (series, minute), fields in influx.points.items()
        if series.startswith("dnstower_incidents")
    }


def test_every_number_is_that_of_the_views(pool, influx, exporter):
    put(pool, observed(30) + observed(30, "example.net", outcome="timeout") + observed(5, outcome="nxdomain"))
    healthy(pool, "example.com", 30, 97)
    healthy(pool, "example.net", 29, 12, "unhealthy")
    assert drain(exporter) > 25
    same(influx, pool)
    assert set(influx.writes.values()) == {1}
    assert drain(exporter) == 0
    assert exporter._told() is None


def test_a_minute_is_written_once_it_is_past(pool, influx, exporter):
    put(pool, observed(1, minutes=1))
    drain(exporter, NOW + dt.timedelta(seconds=9))
    assert influx.points == {}
    drain(exporter, NOW + dt.timedelta(seconds=10))
    assert {minute for _, minute in influx.points} == {NOW - MINUTE}


def test_what_comes_late_is_written_again_and_nothing_else(pool, influx, exporter):
    put(pool, observed(300) + observed(30) + observed(20))
    drain(exporter)
    influx.writes.clear()
    put(pool, observed(30, outcome="servfail", minutes=1), slot=3)
    drain(exporter, NOW + MINUTE)
    same(influx, pool)
    assert {minute for series, minute in influx.writes if "outcomes" in series} == {NOW - 30 * MINUTE}
    influx.writes.clear()
    # Not of the last hour: it is seen when everything is compared.
    put(pool, observed(299, outcome="servfail", minutes=1), slot=3)
    drain(exporter, NOW + 6 * MINUTE)
    same(influx, pool)
    assert {minute for series, minute in influx.writes if "outcomes" in series} == {NOW - 299 * MINUTE}


def test_a_restart_goes_on_where_it_was(pool, influx, exporter):
    put(pool, observed(100, minutes=60) + observed(20))
    assert exporter.turn(NOW)
    assert exporter.turn(NOW)
    first = len(influx.writes)
    exporter._leader.drop()
    other = Exporter(pool.conninfo, database(influx, servers=True), KEEP)
    drain(other)
    same(influx, pool)
    assert len(influx.writes) > first
    assert set(influx.writes.values()) == {1}
    other._leader.drop()


def test_another_target_starts_anew(pool, influx, exporter):
    put(pool, observed(20))
    drain(exporter)
    exporter._leader.drop()
    influx.points.clear()
    other = Exporter(pool.conninfo, Influx(url=influx.url, database="other", servers=True), KEEP)
    drain(other)
    same(influx, pool)
    other._leader.drop()


@pytest.mark.parametrize("answer", [(503, "away"), (401, ""), (404, "{}")])
def test_what_could_not_be_written_is_written_later(pool, influx, exporter, answer):
    put(pool, observed(30) + observed(20, "example.net"))
    influx.answers += [(204, ""), answer, answer]
    assert exporter.turn(NOW)
    for _ in range(2):
        with pytest.raises(InfluxError):
            exporter.turn(NOW)
    drain(exporter)
    same(influx, pool)


def test_one_writes_and_the_other_stands_by(pool, influx, exporter):
    put(pool, observed(20))
    assert exporter.turn(NOW)
    standby = Exporter(pool.conninfo, database(influx, servers=True), KEEP)
    assert standby.turn(NOW) == 0
    exporter._leader.drop()
    assert standby.turn(NOW)
    standby._leader.drop()


def test_health_that_comes_after_the_counts_is_written_too(pool, influx, exporter):
    put(pool, observed(200) + observed(5))
    healthy(pool, "example.com", 200, 97)
    drain(exporter)
    healthy(pool, "example.com", 200, 40, "degraded")
    healthy(pool, "example.net", 4, 97)
    influx.writes.clear()
    drain(exporter, NOW + MINUTE)
    same(influx, pool)
    again = {series for series, minute in influx.writes if minute < NOW - MINUTE}
    assert again == {"dnstower_health,zone=example.com", "dnstower_health,zone=example.net"}


def test_health_follows_late_counts_as_well(pool, influx, exporter):
    put(pool, observed(200))
    drain(exporter)
    drain(exporter, NOW + 6 * MINUTE)  # settled
    put(pool, observed(200, outcome="servfail", minutes=1), slot=3)
    drain(exporter, NOW + 12 * MINUTE)
    healthy(pool, "example.com", 200, 40, "degraded")
    drain(exporter, NOW + 14 * MINUTE)
    same(influx, pool)


def test_health_is_looked_at_again_once_the_judgement_has_passed_the_minute(pool, influx, exporter):
    put(pool, observed(200))
    with pool.connection() as connection:
        connection.execute(
            "insert into bus_offset (consumer, partition, sealed) values ('judge', 0, %s)", (NOW - 199 * MINUTE,)
        )
    drain(exporter)
    drain(exporter, NOW + 20 * MINUTE)  # the judgement is away for so long
    healthy(pool, "example.com", 199, 40, "degraded")
    with pool.connection() as connection:
        connection.execute("update bus_offset set sealed = %s", (NOW - 190 * MINUTE,))
    drain(exporter, NOW + 21 * MINUTE)
    same(influx, pool)


def test_a_clock_that_is_set_back_keeps_nothing_from_being_written(pool, influx, exporter):
    put(pool, observed(20))
    drain(exporter, NOW + 90 * MINUTE)
    put(pool, observed(20, outcome="servfail", minutes=1), slot=3)
    healthy(pool, "example.com", 19, 40, "degraded")
    drain(exporter)
    same(influx, pool)


def test_open_incidents_are_those_of_the_view(pool, influx, exporter):
    put(pool, observed(10, minutes=9))
    with pool.connection() as connection:
        for number, (severity, state, since, updated) in enumerate(
            [
                ("critical", "firing", 6, 5), ("critical", "pending", 3, 3), ("warning", "resolved", 8, 4),
                ("critical", "resolved", 600, 500),
            ]
        ):  # fmt: skip
            connection.execute(
                "insert into incident values (%s, 'example.com', 'r', 'availability', %s, %s, %s, %s, 'web', 't', "
                "false, '{}')",
                (str(number), severity, state, NOW - since * MINUTE, NOW - updated * MINUTE),
            )
        now = dict(connection.execute("select severity, count(*) from v_incident_open group by 1").fetchall())
    drain(exporter)
    found = incidents(influx)
    newest = NOW - 2 * MINUTE
    assert {severity: found[severity, newest] for severity in ("critical", "warning", "info")} == {
        "critical": now["critical"], "warning": 0, "info": 0,
    }  # fmt: skip
    assert [found["critical", NOW - n * MINUTE] for n in (10, 7, 6, 5, 4, 3, 2)] == [0, 0, 1, 1, 1, 2, 2]
    assert [found["warning", NOW - n * MINUTE] for n in (10, 9, 8, 7, 6, 5, 4)] == [0, 0, 1, 1, 1, 1, 0]
    # One more that is known of late: its minutes are written again, and of them nothing else.
    influx.writes.clear()
    with pool.connection() as connection:
        connection.execute(
            "insert into incident values ('late', 'example.com', 'r', 'availability', 'info', 'firing', %s, %s, "
            "'web', 't', false, '{}')",
            (NOW - 7 * MINUTE, NOW),
        )
    drain(exporter, NOW + MINUTE)
    assert [incidents(influx)["info", NOW - n * MINUTE] for n in (8, 7, 6, 2)] == [0, 1, 1, 1]
    again = {series.split(",")[0] for (series, minute) in influx.writes if minute < NOW - MINUTE}
    assert again == {"dnstower_incidents"}


def test_refused_points_are_told_counted_and_tried_again(pool, influx, exporter, caplog):
    put(pool, observed(20))
    conflict = json.dumps({"error": f"{PARTIAL_1} type integer dropped=4"})
    wrong = "unable to parse"

    def without_latency(_, body):
        kept = [one for one in body.splitlines() if b"_latency" not in one]
        influx.take(b"\n".join(kept))
        return (400, conflict) if len(kept) < len(body.splitlines()) else (204, "")

    def by_line(_, body):
        if body.startswith(b"dnstower_estate,") and body.count(b"\n") == 0:
            return (400, wrong)
        return (400, wrong) if b"dnstower_estate," in body else (204, "")

    influx.answers += [without_latency, by_line] + [by_line] * 60
    drain(exporter)
    influx.answers.clear()
    told = exporter._told()
    assert re.match(r"InfluxDB refused \d+ points, and they are tried again each hour: ", told)
    assert "InfluxDB refused" in caplog.text
    written = {series.split(",")[0] for series, _ in influx.points}
    assert "dnstower_outcomes" in written  # what is fine is there
    drain(exporter, NOW + 30 * MINUTE)
    assert exporter._told() == told
    drain(exporter, NOW + 61 * MINUTE)
    same(influx, pool)
    assert exporter._told() is None


def test_batches_are_bounded(pool, influx, exporter, monkeypatch):
    from kafka_bridge.influx import exporter as module

    monkeypatch.setattr(module, "_BATCH", 7)
    monkeypatch.setattr(module, "_LOOK", 20)
    put(pool, observed(20) + observed(20, "example.net"))
    drain(exporter)
    same(influx, pool)
    assert max(body.count(b"\n") + 1 for *_, body in influx.requests) == 7


def test_minutes_that_the_store_forgets_are_not_made_anew_from_what_is_left(pool, influx):
    put(pool, observed(52) + observed(20))
    exporter = Exporter(pool.conninfo, database(influx), 60 * MINUTE)
    drain(exporter)
    oldest = NOW - 52 * MINUTE
    before = {key: dict(fields) for key, fields in influx.points.items() if key[1] == oldest}
    assert before
    with pool.connection() as connection:
        connection.execute("delete from observation_minute where minute = %s", (oldest,))  # as upkeep does in a while
    put(pool, observed(52, outcome="servfail", minutes=1), slot=2)
    drain(exporter, NOW + 6 * MINUTE)
    assert before == {key: fields for key, fields in influx.points.items() if key[1] == oldest}
    with pool.connection() as connection:
        assert connection.execute("select min(minute) from influx_minute").fetchone()[0] > oldest
    exporter._client.close()
    exporter._leader.drop()


def test_the_thread_writes_says_why_not_and_goes_on(pool, influx):
    put(pool, observed(20))
    influx.answers.append((503, "away"))
    exporter = Exporter(pool.conninfo, database(influx, servers=True, every="1s"), KEEP)
    seen = []

    def away(*_):
        seen.append(exporter.trouble)
        return (503, "still away")

    influx.answers.append(away)
    done = threading.Event()
    told = exporter._told

    def all_told():
        found = told()
        done.set()
        return found

    exporter._told = all_told
    exporter.start()
    try:
        assert done.wait(30)
    finally:
        exporter.stop()
    assert seen[0].endswith("answered 503 away")
    assert exporter.trouble is None
    same(influx, pool)


# bridge.yaml


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("{database: dns}", "3:9: Object missing required field `url`"),
        ("{url: 'https://i:8086', databas: dns}", "3: unknown key 'databas'"),
        (
            "{url: 'https://u:s3cret@i:8086', database: dns}",
            "3:15: credentials do not belong into a URL; write `username`",
        ),
        ("{url: 'i:8086', database: dns}", "3:15: 'i:8086' is not https://HOST:PORT"),
        ("{url: 'https://i:80860', database: dns}", "is not https://HOST:PORT"),
        ("{url: 'https://i:8086/?p=x', database: dns}", "is not https://HOST:PORT"),
        ("{url: 'https://i:8086'}", "3:9: write `database` for InfluxDB 1.x, or `bucket`"),
        ("{url: 'https://i:8086', database: dns, bucket: dns}", "one of them"),
        ("{url: 'https://i:8086', database: dns, token_file: t}", "`token_file` does not go with `database`"),
        ("{url: 'https://i:8086', bucket: dns, username: u}", "`username` does not go with `bucket`"),
        ("{url: 'https://i:8086', database: dns, username: u}", "`username` and `password_file` come together"),
        ("{url: 'https://i:8086', database: dns, password_file: p}", "come together"),
        ("{url: 'http://i:8086', database: dns, ca: ca.pem}", "authorities are for https://"),
        ("{url: 'https://i:8086', database: dns, prefix: 'dns tower'}", "'dns tower' is not a letter"),
        ("{url: 'https://i:8086', database: dns, every: soon}", "'soon' is not a duration"),
        ("{url: 'https://i:8086', database: dns, every: 0s}", "less than a second"),
    ],
)
def test_one_fault(tmp_path, settings, message):
    file = tmp_path / "bridge.yaml"
    file.write_text(f"{GOOD}influx: {settings}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_files_are_relative_to_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "inventory.yaml").write_text(INVENTORY_YAML)
    file = tmp_path / "bridge.yaml"
    url = "url: 'https://i:8086'"
    file.write_text(f"{GOOD}influx: {{{url}, bucket: dns, org: us, token_file: token, ca: ca.pem}}\n")
    loaded = load_config(file).influx
    assert (loaded.token_file, loaded.ca) == (str(tmp_path / "token"), str(tmp_path / "ca.pem"))
    monkeypatch.setenv("DNSTOWER_INFLUX_PASSWORD", "s3cret")
    file.write_text(f"{GOOD}influx: {{{url}, database: dns, username: bridge}}\n")
    assert load_config(file).influx == Influx(url="https://i:8086", database="dns", username="bridge")
    assert structs.replace(loaded, prefix="x").target != loaded.target
